"""Names of files that are taken away: what people call it, without what a file system refuses."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import quote

from lib.export.formats import ExportFormat

LONGEST_NAME = 120
"""Characters; of four bytes each they still fit into the 255 bytes of most file systems... with its extension."""

_REFUSED = '/\\:*?"<>|'


def default_name(kind: str, first: date, last: date) -> str:
    """What it holds and of which days, such as "operation-log-2024-05-12"; without an extension."""
    dates = f"{first:%Y-%m-%d}" if first == last else f"{first:%Y-%m-%d}_{last:%Y-%m-%d}"
    return f"{'-'.join(clean_name(kind).split())}-{dates}"


def clean_name(typed: str) -> str:
    """The name without signs that a file system refuses or nobody sees, and not too long; perhaps nothing is left."""
    visible = "".join(" " if sign in _REFUSED or not sign.isprintable() else sign for sign in typed)
    return " ".join(visible.split()).strip(". ")[:LONGEST_NAME].strip()


def file_name(typed: str, default: str, written_as: ExportFormat) -> str:
    """The name of the file, with the extension of its format once."""
    name = clean_name(typed) or clean_name(default) or "export"
    ending = f".{written_as.extension}"
    return name if name.lower().endswith(ending) else f"{name}{ending}"


def content_disposition(name: str) -> str:
    """The header that names a file to a browser: in ASCII for the oldest, in UTF-8 for all others (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
