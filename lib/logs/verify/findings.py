"""What verification can find: each kind of tampering, and the sentence that names the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from lib.store.time_ids import EPOCH, LOW_BITS
from lib.words import Language, say


class Kind(StrEnum):
    """What was done to a log; its words are `proving.kind_<name>`."""

    EDITED_COLUMN = "edited_column"
    EDITED_BODY = "edited_body"
    EDITED_SEAL = "edited_seal"
    DELETED = "deleted"
    DELETED_CHECKPOINT = "deleted_checkpoint"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    ROLLED_BACK = "rolled_back"
    BACK_DATED = "back_dated"
    FORKED = "forked"
    KEY_CHANGED = "key_changed"
    SEALER_STOPPED = "sealer_stopped"
    TORN = "torn"
    DOUBLED = "doubled"
    REMOVED_AGAINST_RULE = "removed_against_rule"


@dataclass(frozen=True)
class Finding:
    """Something that an untouched log does not have.

    `words` is the key of its sentence in the catalogue (room `proving`), with `facts` in braces. `operation_id` and
    `position` name the record, where it is about one; positions count from 0 in the tenant's tree.
    """

    kind: Kind
    words: str
    tenant_id: int
    operation_id: int | None = None
    position: int | None = None
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def occurred_at(self) -> datetime | None:
        """When the record's operation occurred, to the millisecond, by its id."""
        return None if self.operation_id is None else instant_of_id(self.operation_id)

    def sentence(self, language: Language = Language.EN) -> str:
        """What a person reads."""
        return say(f"proving.{self.words}", language, **self._facts(language))

    def _facts(self, language: Language) -> dict[str, object]:
        facts = {name: _told(value) for name, value in self.facts.items()}
        if self.operation_id is not None:
            unsealed = say("proving.unsealed", language)
            position = unsealed if self.position is None else self.position
            named = {"id": self.operation_id, "position": position, "at": _told(instant_of_id(self.operation_id))}
            facts["record"] = say("proving.record", language, **named)
        return facts


def instant_of_id(operation_id: int) -> datetime:
    """The instant that an id begins with; of one that was made up, the nearest that a calendar has."""
    milliseconds = min(max(int(operation_id) >> LOW_BITS, 0), 250_000_000_000_000)
    return EPOCH + timedelta(milliseconds=milliseconds)


def _told(value: object) -> object:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
