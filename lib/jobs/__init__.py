"""Work that nobody waits for: the refresh and what else the schedule runs."""
