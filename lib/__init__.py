"""Daybook, a self-hosted operations console for mini programs."""
