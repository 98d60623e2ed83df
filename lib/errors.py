"""Every error that Daybook raises on purpose.

    DaybookError
    ├── NotSignedIn            nobody, or somebody whose session ended
    ├── NotPermitted           somebody, who may not
    │   └── TicketOfAnother    ... fetch this file
    ├── BadInput               what was asked cannot be done; the asker can mend it
    │   ├── BadSetting         ... in the environment or the .env file
    │   ├── NotFound           ... a key that names nothing
    │   ├── AlreadyThere       ... a key that is taken
    │   └── TicketSpent        ... a file that was fetched already, or too late
    └── Unavailable            the database, the disk or another process stands in the way
        └── Busy               ... and will not in a moment

A class exists only where a caller acts differently. Its docstring's first paragraph is the sentence that people
read, with the facts in braces; `lib/words/catalogue/errors.toml` has the same sentence in Chinese.
"""

from __future__ import annotations


class DaybookError(Exception):
    """Something went wrong: {what}."""

    def __init__(self, **facts: object) -> None:
        super().__init__(facts)
        self.facts = facts

    @classmethod
    def template(cls) -> str:
        """The English sentence, with the facts in braces."""
        return " ".join((cls.__doc__ or "").split("\n\n")[0].split())

    def __str__(self) -> str:
        return self.template().format(**self.facts)


class NotSignedIn(DaybookError):
    """You are not signed in, or your session has ended: sign in again."""


class NotPermitted(DaybookError):
    """You do not have the permission {permission}: ask an administrator for a role that has it."""


class TicketOfAnother(NotPermitted):
    """This download was begun in another session: begin it again here."""


class BadInput(DaybookError):
    """{what}."""


class BadSetting(BadInput):
    """The setting {name} is wrong: {what}."""


class NotFound(BadInput):
    """There is no {kind} "{key}" here: check the spelling, or add it first."""


class AlreadyThere(BadInput):
    """The {kind} "{key}" is there already: choose another one."""


class TicketSpent(BadInput):
    """This download was fetched already, or not within its minute: begin it again on its page."""


class Unavailable(DaybookError):
    """{what}: nothing was changed; try again when that is mended."""


class Busy(Unavailable):
    """{what} is already running: wait until it has finished, and try again."""
