"""Training of the learned codec.

networks  The codec and the teacher as torch modules, with integer arithmetic in the loop.
data      Training pictures: the corpus, random crops, and the rotation of the bands.
loop      The training loop: objective, optimiser, distillation, evaluation, checkpoints.
export    From trained networks to the shipped model: integers, tables, ONNX graphs.
verify    Checks of the shipped model: every implementation against the others.

docs/codec.md describes the codec, docs/codec-training.md how it is trained.
"""
