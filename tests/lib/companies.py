"""Two companies with one of everything each, for tests of administration and of scope."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.passwords import QUICK_FOR_TESTS
from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.logs.record import COMMAND
from lib.queries.administration import (
    AdministrationQueries,
    ApplicationInput,
    IngestKeyInput,
    MiniProgramInput,
    OrganizationInput,
    ProjectInput,
    RoleInput,
    TenantInput,
)
from lib.queries.administration.ingest_keys import add_ingest_key
from lib.queries.administration.mini_programs import add_mini_program
from lib.queries.administration.organizations import add_organization
from lib.queries.administration.projects import add_application, add_project
from lib.queries.administration.roles import add_role
from lib.queries.administration.tenants import add_tenant
from lib.queries.entrance import Entrance
from lib.queries.signed_in import viewer_from
from lib.store import Store, accounts
from lib.store.tables import Account, Application, IngestKey, Operation, SignIn
from lib.words import Language

PASSWORD = "correct horse"


def make_companies(store: Store) -> None:
    """Acme and Globex, with the same keys, so that only the tenant tells them apart; and the system administrator root.

    Accounts: `<tenant>-platform`, `<tenant>-ordinary` (role viewer, every application), `<tenant>-listed` (manages
    the catalogue and keys, application web).
    """
    with store.write(EVERY_TENANT) as session:
        accounts.add_account(session, name="root", password=PASSWORD, type=AccountType.SYSTEM, rules=QUICK_FOR_TESTS)
        for tenant in ("acme", "globex"):
            row = add_tenant(session, COMMAND, TenantInput(tenant, f"{tenant.title()} Ltd"))
            add_project(session, row.id, COMMAND, ProjectInput("main", f"Main of {tenant}"))
            for application in ("web", "app"):
                given = ApplicationInput(application, f"{application} of {tenant}", "main")
                add_application(session, row.id, COMMAND, given)
            for program, hosts in (("shop", {"web"}), ("maps", {"app"})):
                applications = frozenset(hosts)
                given_program = MiniProgramInput(program, f"{program} of {tenant}", applications=applications)
                add_mini_program(session, row.id, COMMAND, given_program)
            add_organization(session, row.id, COMMAND, OrganizationInput("hq", f"Head office of {tenant}"))
            add_organization(session, row.id, COMMAND, OrganizationInput("north", "North", "hq"))
            keeping = frozenset({Permission.CATALOGUE_MANAGE, Permission.INGEST_KEY_MANAGE})
            add_role(session, row.id, COMMAND, RoleInput("keeper", f"Keeper of {tenant}", keeping))
            add_ingest_key(session, row.id, COMMAND, IngestKeyInput("shop", "web"))
            _add_accounts(session, row.id, tenant)


def _add_accounts(session: Session, tenant_id: int, tenant: str) -> None:
    of_tenant = select(Application.id).where(Application.tenant_id == tenant_id)
    web = session.scalars(of_tenant.where(Application.key == "web")).one()

    def add(name: str, type_: AccountType, role: str | None, applications: list[int]) -> None:
        accounts.add_account(
            session,
            name=f"{tenant}-{name}",
            password=PASSWORD,
            type=type_,
            tenant_id=tenant_id,
            roles=[role] if role else [],
            application_scope="listed" if applications else "every",
            applications=applications,
            rules=QUICK_FOR_TESTS,
        )

    add("platform", AccountType.PLATFORM, None, [])
    add("ordinary", AccountType.ORDINARY, "viewer", [])
    add("listed", AccountType.ORDINARY, "keeper", [web])


def viewer(store: Store, name: str, tenant: str | None = None) -> Viewer:
    """The viewer that an account is now."""
    with store.read(EVERY_TENANT) as session:
        account = accounts.account_named(session, name)
        assert account is not None
        return viewer_from(session, account, tenant, language=Language.EN, address="192.0.2.7")


def key_ids(store: Store, tenant_id: int) -> list[int]:
    """The ids of a tenant's ingest keys."""
    with store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(IngestKey.id).where(IngestKey.tenant_id == tenant_id)))


def administration(store: Store, name: str = "acme-platform", tenant: str | None = "acme") -> AdministrationQueries:
    """What an account administers."""
    return AdministrationQueries(viewer(store, name, tenant), store)


def operations(store: Store) -> list[Operation]:
    """The operation log, oldest first."""
    with store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(Operation).order_by(Operation.id)))


def fails_to_sign_in(store: Store, name: str, times: int = 10) -> None:
    """Leave an account locked."""
    now = datetime.now(UTC)
    with store.write(EVERY_TENANT) as session:
        account = session.scalars(select(Account).where(Account.name == name)).one()
        for past in range(times, 0, -1):
            at = now - timedelta(seconds=past)
            row = SignIn(tenant_id=account.tenant_id, account_id=account.id, account_name=name, occurred_at=at)
            row.address, row.user_agent, row.result = "192.0.2.9", "", "failure"
            session.add(row)


def signs_in(store: Store, name: str) -> int:
    """Open a session; its number."""
    entrance = Entrance(store)
    return entrance.succeed(entrance.attempt(name)).session_id


def nothing(store: Store) -> None:
    """No preparation."""
