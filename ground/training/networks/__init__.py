"""The networks that are trained: codec, teacher, scale context, integer grids."""
