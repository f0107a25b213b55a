"""Codecs that are not downpass's own: programs and ONNX graphs, of which nothing is trusted."""
