"""For tests and `board check`: lines that misbehave on purpose, and a rehearsed conversation."""
