"""The viewer: who asks, in which tenant, with which permissions and applications. Rebuilt from the database on every
run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from lib.access.permissions import AccountType, Permission
from lib.words import Language

EVERY_TENANT: Final = "every"
"""The scope of a system administrator's list of tenants, and of Daybook's own work. Written out: nothing means it by
accident."""

TenantScope = int | Literal["every"]


@dataclass(frozen=True)
class ApplicationScope:
    """The applications whose rows a viewer sees: all of the tenant's, or those listed. Listing none shows nothing."""

    every: bool
    ids: frozenset[int] = frozenset()


NO_APPLICATION = ApplicationScope(every=False)
EVERY_APPLICATION = ApplicationScope(every=True)


@dataclass(frozen=True)
class Viewer:
    """Somebody signed in, as they are now, looking at one tenant.

    `tenant_id` is the tenant shown: a system administrator's choice, everybody else's own. `operates` says who acts
    in the
    operation log; `zone` is an IANA name.
    """

    account_id: int
    account_name: str
    account_type: AccountType
    tenant_id: int
    tenant_key: str
    tenant_name: str
    permissions: frozenset[Permission] = frozenset()
    applications: ApplicationScope = NO_APPLICATION
    language: Language = Language.EN
    zone: str = "UTC"
    address: str = ""
    roles: tuple[str, ...] = field(default=())
    organization: str = ""
    organization_id: int | None = None

    def allows(self, permission: Permission) -> bool:
        """Whether the viewer holds the permission."""
        return permission in self.permissions
