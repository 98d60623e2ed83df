"""Measurements, run by `make bench` and not by `make test`."""
