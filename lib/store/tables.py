"""The tables. Everything but accounts of system administrators, sessions, locks and runs belongs to a tenant."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware instant in UTC; SQLite, which has no zones, keeps it naive."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse naive instants, and drop the zone for SQLite."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Say UTC for what SQLite kept."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigInt = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = sa.JSON


class Base(DeclarativeBase):
    """What Alembic compares the database with."""

    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: Json}  # noqa: RUF012 (SQLAlchemy reads it so)
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Tenant(Base):
    """A company: `name` is its company name."""

    __tablename__ = "tenant"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    memo: Mapped[str] = mapped_column(default="")
    is_demo: Mapped[bool] = mapped_column(default=False)
    numbers_visitors_per_application: Mapped[bool] = mapped_column(default=False)
    delegates_operation_log: Mapped[bool] = mapped_column(default=False)
    has_data_permission: Mapped[bool] = mapped_column(default=False)
    keeps_events_days: Mapped[int | None]
    keeps_visits_days: Mapped[int | None]
    keeps_operations_days: Mapped[int | None] = mapped_column(default=400, server_default="400")
    created_at: Mapped[datetime]


class OfTenant:
    """A row of one tenant: what row-level security looks at."""

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenant.id"), index=True)


class Project(OfTenant, Base):
    """A group of applications."""

    __tablename__ = "project"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "key"),)
    key: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]


class Application(OfTenant, Base):
    """A host in which mini programs run; `source` is console, command, import or demo."""

    __tablename__ = "application"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "key"),)
    project_id: Mapped[int | None] = mapped_column(sa.ForeignKey("project.id"))
    key: Mapped[str]
    name: Mapped[str]
    source: Mapped[str]
    created_at: Mapped[datetime]


class MiniProgram(OfTenant, Base):
    """A mini program; `status` is online, testing or offline."""

    __tablename__ = "mini_program"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "key"),)
    key: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="online")
    description: Mapped[str] = mapped_column(default="")
    source: Mapped[str]
    created_at: Mapped[datetime]


class Link(OfTenant, Base):
    """A mini program in an application, from `linked_at` to `unlinked_at` (null: still linked)."""

    __tablename__ = "link"
    mini_program_id: Mapped[int] = mapped_column(sa.ForeignKey("mini_program.id"), index=True)
    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id"))
    linked_at: Mapped[datetime]
    unlinked_at: Mapped[datetime | None]


class Organization(OfTenant, Base):
    """A node of the tenant's tree of organizations; the roots have no parent."""

    __tablename__ = "organization"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "key"),)
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"))
    key: Mapped[str]
    name: Mapped[str]


class Account(Base):
    """Somebody who can sign in. System administrators belong to no tenant; `application_scope` is every or listed.

    `oidc_issuer` and `oidc_subject` are the identity that single sign-on lets in by this account.
    """

    __tablename__ = "account"
    __table_args__ = (sa.Index(None, "oidc_issuer", "oidc_subject", unique=True),)
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenant.id"), index=True)
    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str] = mapped_column(default="")
    type: Mapped[str]
    password_hash: Mapped[str]
    password_changed_at: Mapped[datetime]
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"))
    application_scope: Mapped[str] = mapped_column(default="listed")
    language: Mapped[str | None]
    zone: Mapped[str] = mapped_column(default="UTC")
    is_disabled: Mapped[bool] = mapped_column(default=False)
    oidc_issuer: Mapped[str | None]
    oidc_subject: Mapped[str | None]
    created_at: Mapped[datetime]


class AccountApplication(OfTenant, Base):
    """An application that an account with `application_scope` listed holds."""

    __tablename__ = "account_application"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "account_id", "application_id"),)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id"))


class Role(OfTenant, Base):
    """A named set of permissions."""

    __tablename__ = "role"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "key"),)
    key: Mapped[str]
    name: Mapped[str]


class RolePermission(OfTenant, Base):
    """A permission (`resource:action`) of a role."""

    __tablename__ = "role_permission"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "role_id", "permission"),)
    role_id: Mapped[int] = mapped_column(sa.ForeignKey("role.id"))
    permission: Mapped[str]


class Grant(OfTenant, Base):
    """A role given to an account."""

    __tablename__ = "role_grant"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "account_id", "role_id"),)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    role_id: Mapped[int] = mapped_column(sa.ForeignKey("role.id"))


class AccountSession(Base):
    """Somebody signed in on one browser. Only hashes of the cookie and of the one-time ticket are kept."""

    __tablename__ = "account_session"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    ticket_hash: Mapped[str | None] = mapped_column(unique=True)
    ticket_expires_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SignIn(Base):
    """An attempt to sign in: `result` is checking, success, failure or locked. Of a name that no account has, its
    beginning and a hash are kept; of an IPv6 address, the /64.

    `identity_hash` is of the identity that a provider of single sign-on vouched for: each is let in once. `source` is
    empty, or the service that sent the attempt in: such a one locks nobody out here, and its identity is its event's.
    """

    __tablename__ = "sign_in"
    __table_args__ = (
        sa.Index(None, "account_name", "occurred_at"),
        sa.Index(None, "address", "occurred_at"),
        sa.Index(None, "occurred_at"),
        sa.Index(None, "identity_hash", unique=True),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(index=True)
    account_id: Mapped[int | None]
    account_name: Mapped[str]
    occurred_at: Mapped[datetime]
    address: Mapped[str]
    user_agent: Mapped[str]
    result: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    identity_hash: Mapped[str | None]
    source: Mapped[str] = mapped_column(default="", server_default="")


class IngestKey(OfTenant, Base):
    """What an integrator writes events with. The key is shown once; its hash and its first characters are kept."""

    __tablename__ = "ingest_key"
    mini_program_id: Mapped[int] = mapped_column(sa.ForeignKey("mini_program.id"))
    application_id: Mapped[int | None] = mapped_column(sa.ForeignKey("application.id"))
    key_hash: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Operation(Base):
    """The operation log: only ever added to, and removed by the retention rule alone.

    `id` is time-ordered: the milliseconds of `occurred_at`, then 22 bits that tell apart (lib.logs.record). `body` is
    the canonical JSON text of the whole record, which is what is sealed; the other columns are derived from it.
    """

    __tablename__ = "operation"
    # On SQLite `id` alone is the key, and the number of the row; PostgreSQL's key serves a tenant's rows in order.
    __table_args__ = (sa.Index(None, "tenant_id", "id").ddl_if(dialect="sqlite"),)
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    operator_id: Mapped[int | None]
    operator: Mapped[str]
    role: Mapped[str] = mapped_column(default="")
    organization_id: Mapped[int | None]
    organization: Mapped[str] = mapped_column(default="")
    product: Mapped[str] = mapped_column(default="daybook")
    project: Mapped[str] = mapped_column(default="")
    application: Mapped[str] = mapped_column(default="")
    module: Mapped[str]
    submodule: Mapped[str] = mapped_column(default="")
    action: Mapped[str]
    operation_class: Mapped[str]
    object_type: Mapped[str] = mapped_column(default="")
    object_name: Mapped[str] = mapped_column(default="")
    object_id: Mapped[str] = mapped_column(default="")
    channel: Mapped[str]
    result: Mapped[str] = mapped_column(default="success")
    address: Mapped[str] = mapped_column(default="")
    request_id: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    is_catalogued: Mapped[bool] = mapped_column(default=True)
    content: Mapped[str] = mapped_column(default="")
    body: Mapped[str] = mapped_column(sa.Text)

    @property
    def old_value(self) -> str | None:
        """The old value as JSON text; null where there is none."""
        return self._value("old")

    @property
    def new_value(self) -> str | None:
        """The new value as JSON text; null where there is none."""
        return self._value("new")

    def _value(self, name: str) -> str | None:
        value = json.loads(self.body).get(name)
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


class OperationPending(Base):
    """An operation that is not sealed yet: added with it, taken away with its seal."""

    __tablename__ = "operation_pending"
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)


class OperationOrigin(Base):
    """What came from outside, so that it comes once: `key` is 16 bytes of the SHA-256 of its source and id there."""

    __tablename__ = "operation_origin"
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[bytes] = mapped_column(primary_key=True)
    operation_id: Mapped[int] = mapped_column(BigInt)


class OperationSeal(Base):
    """A sealed batch: the leaves [first_position, until_position) of the tenant's Merkle tree (SPEC O9).

    `ids` holds the operations' ids (64 bits each, little-endian), which are in [first_id, last_id], and `hashes` their
    leaf hashes (32 bytes each), in the order of the leaves. `root` is that of the tree of the first `until_position`
    leaves, `frontier` what is needed to append to it (lib.logs.merkle), `checkpoint` the signed note.
    """

    __tablename__ = "operation_seal"
    __table_args__ = (sa.Index(None, "tenant_id", "first_id"),)
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    until_position: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    first_position: Mapped[int] = mapped_column(BigInt)
    first_id: Mapped[int] = mapped_column(BigInt)
    last_id: Mapped[int] = mapped_column(BigInt)
    sealed_at: Mapped[datetime]
    root: Mapped[bytes]
    frontier: Mapped[bytes]
    checkpoint: Mapped[str] = mapped_column(sa.Text)
    ids: Mapped[bytes]
    hashes: Mapped[bytes]


class OperationKey(Base):
    """A public key (Ed25519) that seals were signed with; the first is the one that verification trusts."""

    __tablename__ = "operation_key"
    id: Mapped[int] = mapped_column(primary_key=True)
    public_key: Mapped[bytes] = mapped_column(unique=True)
    first_used_at: Mapped[datetime]


class OperationRemoval(Base):
    """Operations that the retention rule removes: those with ids below `below_id` among the first `tree_size` leaves.

    It is made before the first of them goes; `operation_id` is its record in the log, `finished_at` null until all are
    gone.
    """

    __tablename__ = "operation_removal"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(index=True)
    operation_id: Mapped[int] = mapped_column(BigInt)
    below_id: Mapped[int] = mapped_column(BigInt)
    tree_size: Mapped[int] = mapped_column(BigInt)
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class OperationHold(Base):
    """A legal hold: while it is not lifted, no operation that occurred in [since, until) is removed; null is open."""

    __tablename__ = "operation_hold"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(index=True)
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]
    reason: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None]


class OperationChunk(Base):
    """A file of the sidecar (lib.logs.sidecar): rows of operations that occurred in one UTC month, of every tenant."""

    __tablename__ = "operation_chunk"
    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[int]
    row_count: Mapped[int]
    first_id: Mapped[int] = mapped_column(BigInt)
    last_id: Mapped[int] = mapped_column(BigInt)
    file: Mapped[str]
    filed_at: Mapped[datetime]


class OperationFiled(Base):
    """How far a tenant's sealed operations are in the sidecar: the leaves below `until_position`."""

    __tablename__ = "operation_filed"
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    until_position: Mapped[int] = mapped_column(BigInt)


class Finding(Base):
    """What a rule found in the operation log (SPEC O10): in the half hour or day from `bucket_at` to `until_at`, `who`
    did `observed`, against a `usual` (null: nothing is usual yet) and a `threshold`.

    `facts` holds what the sentence of the finding tells besides, `records` the filter that leads to its operations.
    """

    __tablename__ = "finding"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "rule", "who", "bucket_at"),
        sa.Index(None, "tenant_id", "acknowledged_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]
    rule: Mapped[str]
    who: Mapped[str]
    bucket_at: Mapped[datetime]
    until_at: Mapped[datetime]
    observed: Mapped[int] = mapped_column(BigInt)
    usual: Mapped[float | None]
    threshold: Mapped[int] = mapped_column(BigInt)
    facts: Mapped[dict[str, Any]]
    records: Mapped[dict[str, Any]]
    found_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")


class FindingThreshold(OfTenant, Base):
    """What a tenant has set for a rule of findings; what `given` leaves out is as the rule says itself."""

    __tablename__ = "finding_threshold"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "rule"),)
    rule: Mapped[str]
    is_on: Mapped[bool]
    given: Mapped[dict[str, Any]]


class FindingTally(Base):
    """How much of what a rule of findings looks at somebody did in one half hour, by which `actions`; `told` are a few
    examples of it."""

    __tablename__ = "finding_tally"
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    measure: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    who: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInt)
    told: Mapped[list[str]] = mapped_column(Json)
    actions: Mapped[list[str]] = mapped_column(Json)


class FindingSeen(Base):
    """In which half hour somebody was first seen with something, such as an address."""

    __tablename__ = "finding_seen"
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    measure: Mapped[str] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    first_bucket: Mapped[int]


class FindingProgress(Base):
    """How far a tenant's operations are looked through: the leaves of its tree below `until_position`, and the half
    hours below `until_bucket`; its log begins in `first_bucket`."""

    __tablename__ = "finding_progress"
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    until_position: Mapped[int] = mapped_column(BigInt)
    until_bucket: Mapped[int]
    first_bucket: Mapped[int]
    looked_at: Mapped[datetime]


class Inbox(Base):
    """A batch that was acknowledged and is not yet in the lake.

    `kind` is usage or visit; `payload` is an Arrow IPC stream of its rows (lib.usage.events, lib.usage.visits) and
    `keys` the
    64-bit ids of its events, little-endian, in the same order. Visits of nobody's have the tenant 0.
    """

    __tablename__ = "inbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str]
    source: Mapped[str]
    received_at: Mapped[datetime]
    row_count: Mapped[int]
    keys: Mapped[bytes]
    payload: Mapped[bytes]


class IntakeTally(OfTenant, Base):
    """What one ingest key sent with one client library in one half hour; `reason` is empty for what was accepted."""

    __tablename__ = "intake_tally"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "bucket_at", "ingest_key_id", "library", "reason", name="uq_intake_tally"),
    )
    bucket_at: Mapped[datetime]
    ingest_key_id: Mapped[int] = mapped_column(sa.ForeignKey("ingest_key.id"))
    library: Mapped[str]
    reason: Mapped[str]
    event_count: Mapped[int]


class ExclusionRule(OfTenant, Base):
    """Events that are kept and not counted (SPEC U8): `kind` is address, user_agent, visitor or version."""

    __tablename__ = "exclusion_rule"
    kind: Mapped[str]
    pattern: Mapped[str]
    memo: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Annotation(OfTenant, Base):
    """A note on a date of a project, shown on trends (SPEC U6)."""

    __tablename__ = "annotation"
    project_id: Mapped[int | None] = mapped_column(sa.ForeignKey("project.id"))
    noted_on: Mapped[date]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


class ApiToken(Base):
    """What a program reads the API with, as an account and with its permissions. Only the token's hash is kept."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tenant.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ExportTicket(OfTenant, Base):
    """What one session's browser fetches one file with, once and soon: redeeming it removes it. Only a hash is kept.

    `asked` is the request (lib.queries.exports) from which the file is made.
    """

    __tablename__ = "export_ticket"
    account_id: Mapped[int]
    session_id: Mapped[int]
    token_hash: Mapped[str] = mapped_column(unique=True)
    asked: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ServerLogRule(Base):
    """How one type of server log is kept (SPEC V2), where that was changed: lib.logs.files.types says what it means."""

    __tablename__ = "server_log_rule"
    log_type: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[str]
    copies: Mapped[int]
    days: Mapped[int]
    changed_at: Mapped[datetime]


class Feedback(Base):
    """What a user of a mini program told: an abnormality, an opinion or a complaint (lib.feedback.types; SPEC F2).

    `id` is time-ordered like an operation's. `origin` names it where it comes from, so that it comes once; `log_id` is
    the log that came with it, `log_origin` what it called that log.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        # Filters, counts and facets of one mini program are answered from it alone.
        sa.Index(
            "ix_feedback_listed",
            *("tenant_id", "mini_program_id", "type", "id"),
            *("application_id", "kind", "os", "mini_program_version"),
        ),
        sa.UniqueConstraint("tenant_id", "origin"),
        sa.Index(None, "tenant_id", "log_id"),
        sa.Index(None, "tenant_id", "log_origin"),
    )
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    mini_program_id: Mapped[int]
    application_id: Mapped[int | None]
    type: Mapped[str]
    kind: Mapped[str]
    os: Mapped[str]
    app_version: Mapped[str]
    mini_program_version: Mapped[str]
    device: Mapped[str]
    user_id: Mapped[str]
    contact: Mapped[str]
    content: Mapped[str] = mapped_column(sa.Text)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    source: Mapped[str]
    client_id: Mapped[str]
    origin: Mapped[bytes]
    image_count: Mapped[int]
    log_id: Mapped[int | None] = mapped_column(BigInt)
    log_origin: Mapped[bytes | None]


class FeedbackText(Base):
    """What a keyword is looked for in: the texts of a feedback, folded, beside the columns that filters look at.

    Rows stand in the order of the key, so that all of a mini program's are read in one go: looking for a keyword in
    `feedback` itself takes ten times as long.
    """

    __tablename__ = "feedback_text"
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mini_program_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    application_id: Mapped[int | None]
    kind: Mapped[str]
    os: Mapped[str]
    mini_program_version: Mapped[str]
    search: Mapped[str] = mapped_column(sa.Text)
    contact: Mapped[str]


class FeedbackImage(Base):
    """What was attached to a feedback; its bytes are a file named by their hash. `mime` is what the bytes show it to
    be: that of a picture, or application/octet-stream for anything else, which has no width."""

    __tablename__ = "feedback_image"
    __table_args__ = (sa.Index(None, "tenant_id", "feedback_id", "position"), sa.Index(None, "sha256"))
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    feedback_id: Mapped[int] = mapped_column(BigInt)
    position: Mapped[int]
    name: Mapped[str]
    mime: Mapped[str]
    size_bytes: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    sha256: Mapped[str]


class FeedbackLog(Base):
    """A file that a client uploaded; its bytes are a file named by their hash (SPEC F3). `origin` names it where it
    comes from, `feedback_origin` the feedback that it says it belongs to."""

    __tablename__ = "feedback_log"
    __table_args__ = (
        sa.Index(None, "tenant_id", "mini_program_id", "id"),
        sa.UniqueConstraint("tenant_id", "origin"),
        sa.Index(None, "tenant_id", "feedback_origin"),
        sa.Index(None, "sha256"),
        sa.Index(None, "expires_at"),
    )
    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    mini_program_id: Mapped[int]
    application_id: Mapped[int | None]
    name: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInt)
    sha256: Mapped[str]
    user_id: Mapped[str]
    uploaded_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    client_id: Mapped[str]
    origin: Mapped[bytes]
    feedback_origin: Mapped[bytes | None]


class JobRun(Base):
    """One run of a job: `status` is running, done or failed, `figures` what it counted, `holder` its process."""

    __tablename__ = "job_run"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None]
    job: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]
    status: Mapped[str]
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message: Mapped[str] = mapped_column(default="")
    holder: Mapped[str] = mapped_column(default="")


class JobLock(Base):
    """Who runs a job that may run once at a time."""

    __tablename__ = "job_lock"
    job: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    beat_at: Mapped[datetime]


class BucketLedger(Base):
    """What one publication did to one half hour of one tenant (SPEC T5)."""

    __tablename__ = "bucket_ledger"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "publication", "bucket_at"),
        sa.Index(None, "tenant_id", "bucket_at", "publication"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]
    publication: Mapped[int]
    bucket_at: Mapped[datetime]
    rows_added: Mapped[int]
    rows_late: Mapped[int]
    rows_duplicate: Mapped[int]
    rows_excluded: Mapped[int]
    rows_expired: Mapped[int] = mapped_column(default=0)
    recorded_at: Mapped[datetime]


TENANT_TABLES = tuple(
    table for table in Base.metadata.sorted_tables if "tenant_id" in table.columns and table.name != "job_run"
)
"""The tables that row-level security guards."""

_UNNUMBERED = frozenset(
    {
        *("operation", "operation_seal", "operation_filed", "finding_progress", "job_lock", "server_log_rule"),
        *("feedback", "feedback_image", "feedback_log"),
    }
)
_KEYED = frozenset({"operation_pending", "operation_origin", "finding_tally", "finding_seen", "feedback_text"})

for _table in Base.metadata.tables.values():
    if _table.name in _KEYED:
        _table.dialect_options["sqlite"]["with_rowid"] = False
    elif _table.name not in _UNNUMBERED:
        # Without it SQLite gives the number of a deleted last row to the next one.
        _table.dialect_options["sqlite"]["autoincrement"] = True
