"""The codec and the teacher as torch modules, with integer arithmetic in the loop."""
