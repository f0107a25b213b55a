"""The container that encoded frames travel in: header, tiles, masks, and frames themselves."""
