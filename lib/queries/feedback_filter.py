"""Which feedback is asked for: what the filters of the page, the commands and the API all become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lib.errors import BadInput
from lib.feedback.types import KIND_BY_KEY, TYPE_BY_KEY
from lib.queries.spans import SpanFilter
from lib.store.time_ids import LAST_INSTANT
from lib.words import Phrase


@dataclass(frozen=True)
class _TableFilter(SpanFilter):
    """What a table of the database is asked for, to which no text with a NUL can be said."""

    latest: ClassVar = LAST_INSTANT

    def __post_init__(self) -> None:
        super().__post_init__()
        if any("\0" in text for text in vars(self).values() if isinstance(text, str)):
            raise BadInput(what=Phrase("refused.filter"))


@dataclass(frozen=True)
class FeedbackFilter(_TableFilter):
    """Feedback that occurred in [since, until), told in a zone; None lets everything through.

    `mini_program` and `application` are keys, `type` and `kind` those of lib.feedback.types, `version` is the mini
    program's. The keyword is any part, in any case, of content, user, device and versions; of the contact too, for
    those who may see it. Raises BadInput.
    """

    mini_program: str | None = None
    type: str | None = None
    application: str | None = None
    kind: str | None = None
    version: str | None = None
    os: str | None = None
    keyword: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.type is not None and self.type not in TYPE_BY_KEY:
            raise BadInput(what=Phrase("feedback_error.type", given=self.type[:60], known=", ".join(TYPE_BY_KEY)))
        if self.kind is not None and self.kind not in KIND_BY_KEY:
            raise BadInput(what=Phrase("feedback_error.kind", given=self.kind[:60], known=", ".join(KIND_BY_KEY)))


@dataclass(frozen=True)
class FeedbackLogFilter(_TableFilter):
    """Logs uploaded in [since, until), told in a zone; the keyword is any part, in any case, of the name.

    Raises BadInput.
    """

    mini_program: str | None = None
    keyword: str | None = None
