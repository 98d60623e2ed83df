"""The permissions, each one record; a role is a named set of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AccountType(StrEnum):
    """How far an account reaches (SPEC A3)."""

    SYSTEM = "system"
    PLATFORM = "platform"
    ORDINARY = "ordinary"


class Permission(StrEnum):
    """`resource:action`, the name that roles, refusals and the log use."""

    USAGE_READ = "usage:read"
    VISIT_READ = "visit:read"
    SIGN_IN_READ = "sign_in:read"
    OPERATION_LOG_READ = "operation_log:read"
    SERVER_LOG_READ = "server_log:read"
    SERVER_LOG_MANAGE = "server_log:manage"
    FEEDBACK_READ = "feedback:read"
    FEEDBACK_CONTACT_READ = "feedback_contact:read"
    FEEDBACK_MANAGE = "feedback:manage"
    COMPLAINT_READ = "complaint:read"
    FINDING_READ = "finding:read"
    STATUS_READ = "status:read"
    EXPORT_CREATE = "export:create"
    CATALOGUE_MANAGE = "catalogue:manage"
    ACCOUNT_MANAGE = "account:manage"
    ROLE_MANAGE = "role:manage"
    INGEST_KEY_MANAGE = "ingest_key:manage"
    EXCLUSION_MANAGE = "exclusion:manage"
    ANNOTATION_MANAGE = "annotation:manage"
    RETENTION_MANAGE = "retention:manage"
    FINDING_MANAGE = "finding:manage"
    TENANT_MANAGE = "tenant:manage"


@dataclass(frozen=True)
class PermissionRecord:
    """What a permission allows (its words are `permission.<name>`), who has it by type, and whether a role can grant
    it."""

    permission: Permission
    held_by: frozenset[AccountType]
    grantable: bool

    @property
    def words(self) -> str:
        """The catalogue key of what it allows."""
        return f"permission.{self.permission.name.lower()}"


_SYSTEM = frozenset({AccountType.SYSTEM})
_ADMINISTRATORS = frozenset({AccountType.SYSTEM, AccountType.PLATFORM})

PERMISSIONS = (
    PermissionRecord(Permission.USAGE_READ, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.VISIT_READ, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.SIGN_IN_READ, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.OPERATION_LOG_READ, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.SERVER_LOG_READ, _SYSTEM, grantable=False),
    PermissionRecord(Permission.SERVER_LOG_MANAGE, _SYSTEM, grantable=False),
    PermissionRecord(Permission.FEEDBACK_READ, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.FEEDBACK_CONTACT_READ, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.FEEDBACK_MANAGE, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.COMPLAINT_READ, _ADMINISTRATORS, grantable=False),
    PermissionRecord(Permission.FINDING_READ, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.STATUS_READ, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.EXPORT_CREATE, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.CATALOGUE_MANAGE, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.ACCOUNT_MANAGE, _ADMINISTRATORS, grantable=False),
    PermissionRecord(Permission.ROLE_MANAGE, _ADMINISTRATORS, grantable=False),
    PermissionRecord(Permission.INGEST_KEY_MANAGE, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.EXCLUSION_MANAGE, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.ANNOTATION_MANAGE, _ADMINISTRATORS, grantable=True),
    PermissionRecord(Permission.RETENTION_MANAGE, _ADMINISTRATORS, grantable=False),
    PermissionRecord(Permission.FINDING_MANAGE, _ADMINISTRATORS, grantable=False),
    PermissionRecord(Permission.TENANT_MANAGE, _SYSTEM, grantable=False),
)

NEEDS_DELEGATION = frozenset({Permission.OPERATION_LOG_READ})
"""Grantable only where the tenant's setting `delegates_operation_log` allows it (SPEC A6)."""


def of_type(account_type: AccountType) -> frozenset[Permission]:
    """What an account of this type holds without any role."""
    return frozenset(record.permission for record in PERMISSIONS if account_type in record.held_by)


def granted(names: frozenset[str], *, delegates_operation_log: bool) -> frozenset[Permission]:
    """The permissions that roles really give: names that are unknown, not grantable or not delegated give nothing."""
    return frozenset(
        record.permission
        for record in PERMISSIONS
        if record.grantable
        and record.permission.value in names
        and (delegates_operation_log or record.permission not in NEEDS_DELEGATION)
    )


@dataclass(frozen=True)
class StartingRole:
    """A role that each new tenant begins with; its words are `role.<key>`."""

    key: str
    permissions: frozenset[Permission]


STARTING_ROLES = (
    StartingRole("viewer", frozenset({Permission.USAGE_READ})),
    StartingRole("analyst", frozenset({Permission.USAGE_READ, Permission.EXPORT_CREATE, Permission.STATUS_READ})),
    StartingRole(
        "operator",
        frozenset(
            {Permission.USAGE_READ, Permission.EXPORT_CREATE, Permission.STATUS_READ, Permission.CATALOGUE_MANAGE}
        ),
    ),
)
