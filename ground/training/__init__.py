"""Training of the learned codec: networks, data, quantisation in the loop, and export."""
