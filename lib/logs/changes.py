"""Old against new, field by field (SPEC O7): values as JSON has them, taken apart into paths and compared."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

DEEPEST: Final = 16
"""What is nested deeper is compared as one value."""

LONGEST_OPENED: Final = 200_000
"""Characters of a text that is looked into for JSON of its own."""

MOST_LINES: Final = 2_000
"""A text with more lines is not compared line by line: that takes time with the square of them."""

_IDENTITIES = ("id", "key", "uuid", "code", "name")
_ABSENT: Final = object()


class Turn(StrEnum):
    """What became of a field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True)
class FieldChange:
    """A field by its path, such as `charts[id=12].name`; the path of a value that has no fields is empty.

    `old` is null where the field was added, `new` where it was removed: `turn` tells that from a null that was said.
    Both are a text, a number, true, false, null, or a list or mapping that is best read as a whole.
    """

    path: str
    old: Any
    new: Any
    turn: Turn

    @property
    def is_changed(self) -> bool:
        """Whether it is not as it was."""
        return self.turn is not Turn.SAME


def changes(old: Any, new: Any) -> tuple[FieldChange, ...]:
    """Every field of two values, those that changed first; none where both are null or empty."""
    fields = list(_compared("", _absent_if_empty(old), _absent_if_empty(new), 0))
    return tuple(sorted(fields, key=lambda field: not field.is_changed))


def text_of(value: Any) -> str:
    """A value of a field as text: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def difference_of(old: str, new: str) -> str:
    """Two texts of several lines as a unified difference with two lines around; empty where that says nothing."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MOST_LINES or min(len(before), len(after)) < 2:
        return ""
    return "\n".join(list(difflib.unified_diff(before, after, n=2, lineterm=""))[2:])


def around(old: str, new: str, context: int = 60) -> tuple[str, str]:
    """Two long texts, cut to where they differ and so many characters around it."""
    most = min(len(old), len(new))
    first = next((at for at in range(most) if old[at] != new[at]), most)
    last = next((at for at in range(most - first) if old[-1 - at] != new[-1 - at]), most - first)
    return _cut(old, first - context, len(old) - last + context), _cut(new, first - context, len(new) - last + context)


def _cut(text: str, first: int, end: int) -> str:
    return ("…" if first > 0 else "") + text[max(first, 0) : end] + ("…" if end < len(text) else "")


def _absent_if_empty(value: Any) -> Any:
    return _ABSENT if value is None or value in ("", {}, []) else value


def _compared(path: str, old: Any, new: Any, depth: int) -> Iterator[FieldChange]:
    old, new = _opened(old, new)
    present = [value for value in (old, new) if value is not _ABSENT]
    if depth < DEEPEST and any(present) and all(isinstance(value, Mapping) for value in present):
        for key in dict.fromkeys(key for value in present for key in value):
            yield from _compared(_below(path, key), _member(old, key), _member(new, key), depth + 1)
    elif depth < DEEPEST and any(map(_has_fields, present)) and all(isinstance(value, list) for value in present):
        for place, one, other in _aligned(*(() if value is _ABSENT else value for value in (old, new))):
            yield from _compared(f"{path}[{place}]", one, other, depth + 1)
    elif present:
        yield _leaf(path, old, new)


def _leaf(path: str, old: Any, new: Any) -> FieldChange:
    if old is _ABSENT:
        return FieldChange(path, None, new, Turn.ADDED)
    if new is _ABSENT:
        return FieldChange(path, old, None, Turn.REMOVED)
    return FieldChange(path, old, new, Turn.SAME if _is_same(old, new) else Turn.CHANGED)


def _is_same(old: Any, new: Any) -> bool:
    # In Python True is 1 and 1 is 1.0; in a log they are different values.
    return type(old) is type(new) and bool(old == new) and text_of(old) == text_of(new)


def _member(value: Any, key: str) -> Any:
    return _ABSENT if value is _ABSENT else value.get(key, _ABSENT)


def _below(path: str, key: str) -> str:
    if not key or any(sign in key for sign in '.[]"'):
        return f"{path}[{orjson.dumps(key).decode()}]"
    return f"{path}.{key}" if path else key


def _opened(old: Any, new: Any) -> tuple[Any, Any]:
    """Texts that hold JSON, such as a policy, as what they hold; where only the writing differs, as they are."""
    opened = _parsed(old), _parsed(new)
    if (old is new or old == new) or opened[0] != opened[1]:
        alike = {type(value) for value in opened if value is not _ABSENT}
        if len(alike) == 1:
            return opened
    return old, new


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or len(value) > LONGEST_OPENED or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return orjson.loads(value)
    except ValueError:
        return value


def _has_fields(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(member, Mapping) for member in value)


def _aligned(old: Sequence[Any], new: Sequence[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Members of two lists that belong together, with their place: by what identifies them, else by position."""
    name = _identity(old, new)
    if name is not None:
        before, after = ({text_of(member[name]): member for member in members} for members in (old, new))
        for mark in dict.fromkeys([*before, *after]):
            yield f"{name}={mark}", before.get(mark, _ABSENT), after.get(mark, _ABSENT)
        return
    for at in range(max(len(old), len(new))):
        yield str(at), old[at] if at < len(old) else _ABSENT, new[at] if at < len(new) else _ABSENT


def _identity(old: Sequence[Any], new: Sequence[Any]) -> str | None:
    """The field that tells the members apart in both lists."""
    for name in _IDENTITIES:
        if all(_tells_apart(members, name) for members in (old, new)):
            return name
    return None


def _tells_apart(members: Sequence[Any], name: str) -> bool:
    marks = [member.get(name) for member in members if isinstance(member, Mapping)]
    return len(marks) == len(members) and None not in marks and len({text_of(mark) for mark in marks}) == len(marks)
