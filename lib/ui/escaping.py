"""Text of users in widgets that read Markdown: shown as typed, never as links, pictures, colours or formulas."""

from __future__ import annotations

import re

_MARKS = re.compile(
    r"[\\`*_{}\[\]()<>#|~$&@/]|:(?=[\w/])|(?<=www)\.|^\s*[-+=](?=\s|$|-|=)|(?<=^\d)\.", re.IGNORECASE
)
_ADDRESSES = re.compile(r"(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def plain(text: str) -> str:
    """The text with the marks of Markdown escaped and on one line; for labels, errors, captions and menus."""
    # The browser makes links of bare addresses after it has taken the escapes away; a mark of width zero stops that.
    shown = _ADDRESSES.sub("\u2060", _BREAKS.sub(" ", text).strip())
    return _MARKS.sub(lambda mark: "\\" + mark.group().strip(), shown)
