"""The container of encoded frames: header, tile table, tiles and masks; and frames themselves."""
