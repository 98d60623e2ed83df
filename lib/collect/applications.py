"""The applications that events name: found, or made and linked, within what strangers may bring about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from lib.collect.groups import Submission
from lib.errors import BadInput
from lib.store import Store, catalogue
from lib.store.ingest_keys import WriteKey

LARGEST_CATALOGUE = 1000
"""How many applications events may bring a tenant to: more are a field that was taken for another."""

NEW_A_DAY = 20
"""How many applications the events of one mini program may make within a day. Its keys are in every client, so what
strangers can do with them is kept to what an administrator can still clear away."""

DAY = timedelta(days=1)

R = TypeVar("R")


@dataclass
class Applications:
    """What one writer knows of the applications of every tenant. Its thread alone uses it."""

    store: Store
    source: str
    _known: dict[int, dict[tuple[str, int], int]] = field(default_factory=dict)

    def ensure(self, key: WriteKey, names: set[str]) -> None:
        """Make those that are missing, and link them to the key's mini program. Raises BadInput with none made."""
        known = self._known.setdefault(key.tenant_id, {})
        places = {(name, key.mini_program_id) for name in names}
        if places <= known.keys():
            return
        with self.store.write(key.tenant_id) as session:
            before = catalogue.application_count(session, key.tenant_id)
            ids = catalogue.ensured_applications(session, key.tenant_id, names, self.source)
            links = [(key.mini_program_id, each) for each in ids.values()]
            catalogue.ensured_links(session, key.tenant_id, links)
            session.flush()
            after = catalogue.application_count(session, key.tenant_id)
            if after > before:
                since = datetime.now(UTC) - DAY
                made = catalogue.made_count(session, key.tenant_id, key.mini_program_id, self.source, since)
                _require_few(after, made)
        known.update({place: ids[place[0]] for place in places})

    def admitted(
        self, submissions: Sequence[Submission[R]], named: Callable[[Sequence[R]], set[str]]
    ) -> list[Submission[R]]:
        """Those whose applications are there, or could be made; the others hear why not."""
        found = []
        for submission in submissions:
            try:
                self.ensure(submission.key, named(submission.rows))
            except BadInput as error:
                submission.settle(error)
            else:
                found.append(submission)
        return found

    def ids(self, tenant_id: int, names: set[str]) -> dict[str, int]:
        """The ids of applications that were ensured."""
        return {name: each for (name, _), each in self._known.get(tenant_id, {}).items() if name in names}


def _require_few(count: int, made_count: int) -> None:
    cure = "an administrator can add the application (`daybook application add`), or make a key that is bound to it"
    if made_count > NEW_A_DAY:
        raise BadInput(what=f"Events named more than {NEW_A_DAY} new applications within a day: {cure}")
    if count > LARGEST_CATALOGUE:
        raise BadInput(what=f"Events named applications beyond {LARGEST_CATALOGUE}: {cure}")
