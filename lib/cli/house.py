"""What every command begins with: the settings, and a database that is ready."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from lib.access.viewer import EVERY_TENANT
from lib.logs.files.own import log_files
from lib.settings import Settings, load_settings
from lib.store import Store, catalogue, schema
from lib.store.tables import Tenant

writes_log_files = False
"""Whether this process is a command and nothing else."""

_log_files = ExitStack()


@dataclass(frozen=True)
class House:
    """The settings and the database of this installation."""

    settings: Settings
    store: Store

    def tenant(self, key: str) -> Tenant:
        """The tenant of a key. Raises NotFound."""
        with self.store.read(EVERY_TENANT) as session:
            tenant = catalogue.tenant_of(session, key)
            session.expunge(tenant)  # else the end of the transaction would take its values away
            return tenant


def begin_log_files(settings: Settings) -> None:
    """Write Daybook's log files from now on, where this process is a command and nothing else."""
    if writes_log_files:
        _log_files.enter_context(log_files(settings.log_dir))


def open_house() -> House:
    """The installation that the environment names. Raises Unavailable when `daybook init` has not been run on it."""
    settings = load_settings()
    begin_log_files(settings)
    store = Store(settings.database_url)
    schema.require_current(store)
    return House(settings, store)
