"""From trained networks to the shipped model: integers, entropy tables, ONNX graphs."""
