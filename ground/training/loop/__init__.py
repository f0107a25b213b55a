"""The training loop: objective, optimiser, distillation, evaluation, checkpoints."""
