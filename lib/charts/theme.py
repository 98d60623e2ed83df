"""One look for every figure, in light and in dark.

Backgrounds are transparent and the frame's theme colours text, so a figure follows a switch at once. The
colours of lines are chosen to stand out from white and from black by 3:1 and more (WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

NOW = "#1b8793"
NOW_FILL = "rgba(27, 135, 147, 0.12)"
BEFORE = "#7d8797"
NOTE = "#a8590c"
RECOUNT = "#8250c4"
FAILED = "#d0433a"
HEAT_FROM, HEAT_TO = (240, 248, 249), (15, 95, 104)
GRID = "rgba(125, 135, 151, 0.22)"

HEIGHT = 320

MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}

_AXIS = {"zeroline": False, "automargin": True, "fixedrange": True}

CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"}
"""Plotly's own configuration: no tool bar, no zoom by the wheel, so that a page scrolls over a figure."""


def drawn(
    lines: Sequence[go.Scatter | go.Bar], xaxis: Mapping[str, Any], yaxis: Mapping[str, Any], **more: Any
) -> go.Figure:
    """Lines or bars with Daybook's look: one hover box for all, the legend above, no frame. `more` is of the layout.

    Made in one piece: Plotly's `update_layout` and its like take ten times as long.
    """
    across = {"showgrid": False, "spikethickness": 1, "spikecolor": BEFORE, "spikedash": "dot"}
    layout = {
        "height": HEIGHT,
        "margin": MARGIN,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "x unified",
        "dragmode": False,
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "itemclick": False,
            "itemdoubleclick": False,
        },
        "xaxis": {**_AXIS, **across, **xaxis},
        "yaxis": {**_AXIS, "gridcolor": GRID, **yaxis},
        **more,
    }
    return go.Figure(data=list(lines), layout=layout)
