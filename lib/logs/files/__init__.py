"""Log files of servers: which there are, how they are written and rotated, and how they are read and searched."""
