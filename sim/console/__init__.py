"""The terminal: tables, progress, standard streams and signals."""
