"""Frames to Plotly figures, and units to text."""
