"""`daybook verify operations`: the operation log against its seals and the checkpoints kept outside of the database."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import click

from lib.access.viewer import EVERY_TENANT
from lib.cli.house import House, open_house
from lib.cli.verifying import verify
from lib.errors import BadInput, DaybookError
from lib.logs.checkpoints import folders
from lib.logs.verify.findings import Kind
from lib.logs.verify.kept import read_given
from lib.logs.verify.run import Question, Verified, tenants_to_verify
from lib.logs.verify.run import verify as verify_log
from lib.store import catalogue
from lib.usage.instants import instant_of

SHOWN = 50
"""How many findings of a kind are printed one by one."""


class Tampering(DaybookError):
    """{what}."""


@verify.command()
@click.option("--tenant", "tenant_key", metavar="T", help="Only this tenant.")
@click.option("--since", metavar="I", help="Read the bodies of operations from this instant on only.")
@click.option("--until", metavar="I", help="The instant after the last one.")
@click.option(
    "--checkpoint",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A copy of a tenant's checkpoints that was kept elsewhere: it is believed before anything on this machine.",
)
def operations(tenant_key: str | None, since: str | None, until: str | None, checkpoint: Path | None) -> None:
    """Prove that nothing in the operation log was altered, offline; exit code 1 when something was.

    Every record's body is hashed and compared with what was sealed, its columns with its body, the whole tree with
    the signed checkpoints in the database, in DAYBOOK_HOME/checkpoints, in DAYBOOK_CHECKPOINT_DIR, and in the copy
    that --checkpoint names. --since and --until limit which bodies are read; the tree is followed whole all the same.
    """
    house = open_house()
    asked = Question(
        folders(house.settings),
        checkpoint,
        instant_of(since, "UTC") if since else None,
        instant_of(until, "UTC") if until else None,
        processes=min(2, os.cpu_count() or 1),
    )
    chosen = _tenants(house, tenant_key, asked)
    names = _names(house)
    found = sum(_verified(house, names.get(tenant_id, f"tenant {tenant_id}"), tenant_id, asked) for tenant_id in chosen)
    if found:
        raise Tampering(what=f"The operation log is not as it was sealed: {found} findings")


def _tenants(house: House, key: str | None, asked: Question) -> list[int]:
    given = read_given(asked.given)[0] if asked.given is not None else None
    if key is None:
        return [given] if given is not None else tenants_to_verify(house.store, asked.folders)
    tenant_id = house.tenant(key).id
    if given not in {None, tenant_id}:
        raise BadInput(what=f"{asked.given} holds checkpoints of another tenant than {key}")
    return [tenant_id]


def _names(house: House) -> dict[int, str]:
    with house.store.read(EVERY_TENANT) as session:
        return {0: "(no tenant)", **{tenant.id: tenant.key for tenant in catalogue.every_tenant(session)}}


def _verified(house: House, name: str, tenant_id: int, asked: Question) -> int:
    with click.progressbar(length=1, label=f"Verifying {name}", file=sys.stderr) as bar:

        def progress(done: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(done - bar.pos)

        found = verify_log(house.store, tenant_id, asked, progress)
    _print(name, found)
    return found.count


def _print(name: str, found: Verified) -> None:
    printed: Counter[Kind] = Counter()
    for finding in found.findings:
        printed[finding.kind] += 1
        if printed[finding.kind] <= SHOWN:
            click.echo(f"{name}: {finding.kind.value}: {finding.sentence()}")
    for kind, count in found.counts.items():
        if count > SHOWN:
            click.echo(f"{name}: {kind.value}: and {count - SHOWN} more")
    click.echo(f"{name}: read {found.rows} records against {found.tree_size} leaves, {found.count} findings")


COMMANDS: tuple[click.Command, ...] = (verify,)
"""It is one of `daybook verify`."""
