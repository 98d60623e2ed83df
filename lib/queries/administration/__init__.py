"""Administration: what there is, who may what, and changing it (SPEC A1 to A8).

A file a noun. Each has inputs (frozen, checking themselves), acts (functions that change something and
record it in the same
transaction; the command line uses them too) and a class of gated methods.
"""

from __future__ import annotations

from lib.queries.administration.account_acts import AccountInput
from lib.queries.administration.accounts import AccountAdministration
from lib.queries.administration.ingest_keys import IngestKeyAdministration, IngestKeyInput
from lib.queries.administration.mini_programs import (
    MiniProgramAdministration,
    MiniProgramInput,
    MiniProgramStatus,
)
from lib.queries.administration.organizations import OrganizationAdministration, OrganizationInput
from lib.queries.administration.projects import ApplicationInput, ProjectAdministration, ProjectInput
from lib.queries.administration.roles import RoleAdministration, RoleInput
from lib.queries.administration.tenants import TenantAdministration, TenantInput

__all__ = [
    "AccountInput",
    "AdministrationQueries",
    "ApplicationInput",
    "IngestKeyInput",
    "MiniProgramInput",
    "MiniProgramStatus",
    "OrganizationInput",
    "ProjectInput",
    "RoleInput",
    "TenantInput",
]


class AdministrationQueries(
    TenantAdministration,
    AccountAdministration,
    RoleAdministration,
    OrganizationAdministration,
    ProjectAdministration,
    MiniProgramAdministration,
    IngestKeyAdministration,
):
    """All that one viewer administers."""
