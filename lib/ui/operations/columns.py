"""The columns that the list of operations can show, and the views that are made of them."""

from __future__ import annotations

from lib.ui.listing.columns import ListColumn, ListColumns, Preset


def _column(key: str, *made_of: str, look: str = "") -> ListColumn:
    return ListColumn(key, f"operation_columns.{key}", made_of or (key,), look)


def _preset(key: str, *columns: str) -> Preset:
    return Preset(key, f"operation_presets.{key}", columns)


_COLUMNS = (
    _column("occurred_at", look="instant"),
    _column("operator", look="name"),
    _column("role", look="name"),
    _column("organization", look="name"),
    _column("tenant"),
    _column("product"),
    _column("project"),
    _column("application"),
    _column("module", look="name"),
    _column("submodule"),
    _column("action"),
    _column("operation_class"),
    _column("class_icon", "operation_class"),
    _column("object", "object_name", "object_id"),
    _column("object_type"),
    _column("content"),
    _column("content_and_id", "content", "object_id"),
    _column("channel"),
    _column("result"),
    _column("address"),
    _column("request_id"),
    _column("source"),
    _column("received_at", look="instant"),
    _column("id"),
)
_PRESETS = (
    _preset("standard", "occurred_at", "operator", "module", "action", "result", "object"),
    # The views of the systems that Daybook replaces.
    _preset("result", "occurred_at", "operator", "module", "action", "result"),
    _preset("people", "operator", "role", "organization", "module", "operation_class", "content_and_id", "occurred_at"),
    _preset("timeline", "class_icon", "module", "occurred_at"),
    _preset("project", "operator", "occurred_at", "product", "project", "module", "action"),
)
COLUMNS = ListColumns(_COLUMNS, _PRESETS)

SYMBOLS = {"addition": "＋", "deletion": "－", "modification": "✎", "querying": "⌕"}
"""What stands for a class of operations where there is no room for its word."""
