"""What keeps the operation log and its seals from being edited: rights on PostgreSQL, triggers on SQLite.

Rows of `operation` go only where a removal that is under way covers them (lib.jobs.operation_retention).
"""

from __future__ import annotations

from lib.store.engine import APPLICATION_ROLE
from lib.store.tables import Operation, OperationHold, OperationKey, OperationRemoval, OperationSeal

_ENDS = {
    OperationRemoval.__tablename__: ("finished_at",),
    OperationHold.__tablename__: ("lifted_at", "lifted_by"),
}
"""What is filled in once, when a thing ends; all else of it stays as it was made."""

_NEVER_CHANGED = (Operation.__tablename__, OperationSeal.__tablename__, OperationKey.__tablename__)

RIGHTS = {
    **dict.fromkeys(_NEVER_CHANGED, "SELECT, INSERT"),
    **{table: f"SELECT, INSERT, UPDATE ({', '.join(columns)})" for table, columns in _ENDS.items()},
}
"""What the application may do with a table, where it may not do everything."""

REMOVE = "remove_operations"
"""The PostgreSQL function that removes those of some operations (tenant, ids) that a removal under way covers."""

_UNDER_WAY = "removal.finished_at IS NULL"

FUNCTIONS = (
    f"""CREATE OR REPLACE FUNCTION {REMOVE}(of_tenant int, these bigint[]) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
        WITH gone AS (
            DELETE FROM operation WHERE tenant_id = of_tenant AND id = ANY (these)
            AND EXISTS (SELECT FROM operation_removal removal
                        WHERE removal.tenant_id = of_tenant AND operation.id < removal.below_id AND {_UNDER_WAY})
            RETURNING 1)
        SELECT count(*) FROM gone
    $$""",  # noqa: S608 (our own words)
    f"REVOKE ALL ON FUNCTION {REMOVE}(int, bigint[]) FROM PUBLIC",
    f"GRANT EXECUTE ON FUNCTION {REMOVE}(int, bigint[]) TO {APPLICATION_ROLE}",
)
"""Run by the owner, whose rights it takes: the application itself has no right to delete."""


def _trigger(table: str, verb: str, when: str, sentence: str) -> str:
    name = f"{table}_no_{verb.lower()}"
    return (
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {verb} ON {table} {when}"
        f" BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
    )


_ONLY_ADDED = "the log of operations is only ever added to"

_NOT_COVERED = f"""WHEN NOT EXISTS (SELECT 1 FROM operation_removal removal
    WHERE removal.tenant_id = OLD.tenant_id AND OLD.id < removal.below_id AND {_UNDER_WAY})"""  # noqa: S608 (our own words)


def _changed(table: str) -> str:
    """What an update of a thing that ends may not do: end it twice, or change anything else."""
    columns = {OperationRemoval.__tablename__: OperationRemoval, OperationHold.__tablename__: OperationHold}
    ends = _ENDS[table]
    kept = [column.name for column in columns[table].__table__.columns if column.name not in ends]
    differ = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in kept)
    return f"WHEN OLD.{ends[0]} IS NOT NULL OR {differ}"


TRIGGERS = (
    # Those of earlier versions knew no removal.
    f"DROP TRIGGER IF EXISTS {Operation.__tablename__}_no_delete",
    _trigger(Operation.__tablename__, "DELETE", _NOT_COVERED, _ONLY_ADDED),
    *(_trigger(table, "UPDATE", "", _ONLY_ADDED) for table in _NEVER_CHANGED),
    *(_trigger(table, "DELETE", "", _ONLY_ADDED) for table in (*_NEVER_CHANGED[1:], *_ENDS)),
    *(_trigger(table, "UPDATE", _changed(table), "what a removal or hold says stays") for table in _ENDS),
)
"""SQLite's guards. It has no rights, so they hold for everybody who does not take them away."""
