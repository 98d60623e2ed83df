"""Figures from frames, and figures to text: the only place that knows Plotly."""
