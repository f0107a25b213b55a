"""What a person at a terminal sees and sends: tables, progress, streams, signals."""
