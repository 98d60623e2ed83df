"""The columns that the list of operations can show, each one record, and the views that are made of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OperationColumn:
    """A column of the list: its words are `operation_columns.<key>`, and it is made of these columns of the rows, the
    second on a line below the first."""

    key: str
    made_of: tuple[str, ...]

    @property
    def words(self) -> str:
        """The catalogue key of its heading."""
        return f"operation_columns.{self.key}"


def _plain(key: str) -> OperationColumn:
    return OperationColumn(key, (key,))


COLUMNS = (
    _plain("occurred_at"),
    _plain("operator"),
    _plain("role"),
    _plain("organization"),
    _plain("tenant"),
    _plain("product"),
    _plain("project"),
    _plain("application"),
    _plain("module"),
    _plain("submodule"),
    _plain("action"),
    _plain("operation_class"),
    OperationColumn("class_icon", ("operation_class",)),
    OperationColumn("object", ("object_name", "object_id")),
    _plain("object_type"),
    _plain("content"),
    OperationColumn("content_and_id", ("content", "object_id")),
    _plain("channel"),
    _plain("result"),
    _plain("address"),
    _plain("request_id"),
    _plain("source"),
    _plain("received_at"),
    _plain("id"),
)
COLUMN_BY_KEY = {column.key: column for column in COLUMNS}


@dataclass(frozen=True)
class Preset:
    """A view: columns in their order. Its words are `operation_presets.<key>`."""

    key: str
    columns: tuple[str, ...]


PRESETS = (
    Preset("standard", ("occurred_at", "operator", "module", "action", "result", "object")),
    # The views of the systems that Daybook replaces.
    Preset("result", ("occurred_at", "operator", "module", "action", "result")),
    Preset(
        "people",
        ("operator", "role", "organization", "module", "operation_class", "content_and_id", "occurred_at"),
    ),
    Preset("timeline", ("class_icon", "module", "occurred_at")),
    Preset("project", ("operator", "occurred_at", "product", "project", "module", "action")),
)
PRESET_BY_KEY = {preset.key: preset for preset in PRESETS}
DEFAULT = PRESETS[0]

SYMBOLS = {"addition": "＋", "deletion": "－", "modification": "✎", "querying": "⌕"}
"""What stands for a class of operations where there is no room for its word."""


def columns_of(text: str) -> tuple[str, ...] | None:
    """What an address names: a view by its key, or columns by theirs, with commas between; None for anything else."""
    if text in PRESET_BY_KEY:
        return PRESET_BY_KEY[text].columns
    keys = tuple(dict.fromkeys(text.split(",")))
    return keys if keys and all(key in COLUMN_BY_KEY for key in keys) else None


def text_of(columns: tuple[str, ...]) -> str:
    """How an address names columns; the default view needs no name."""
    if columns == DEFAULT.columns:
        return ""
    return next((preset.key for preset in PRESETS if preset.columns == columns), ",".join(columns))


def taken_of(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of the rows that a file of these has: those that stand on two lines are two."""
    return tuple(dict.fromkeys(part for key in columns for part in COLUMN_BY_KEY[key].made_of))
