"""The commands that prepare and administer: what they print where, and how they end."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from lib.access.passwords import is_password
from lib.access.tokens import hash_of_token
from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Account, Application, IngestKey, Link, MiniProgram, Operation, Tenant

Run = Callable[..., Result]


@pytest.fixture
def empty(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`daybook` in a home where nothing is yet."""
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))
    for name in ("DAYBOOK_DATABASE_URL", "DAYBOOK_LAKE_URL", "DAYBOOK_LOG_DIR"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(main, arguments, prog_name="daybook")


@pytest.fixture
def daybook(empty: Run, sqlite_store: Store) -> Run:
    """`daybook` in a home whose database is there, with the tenant acme."""
    assert empty("tenant", "add", "acme", "--name", "Acme Ltd").exit_code == 0
    return empty


def last(store: Store) -> Operation:
    """The newest operation."""
    with store.read(EVERY_TENANT) as session:
        return session.scalars(select(Operation).order_by(Operation.id.desc()).limit(1)).one()


@pytest.mark.spec("A7")
def test_init_prints_the_first_password_once_and_alone_on_standard_output(empty: Run, home: Settings) -> None:
    first = empty("init", "--admin", "Keeper")
    assert first.exit_code == 0
    assert first.stderr.splitlines() == [
        "The first administrator is keeper. The password is shown once:",
        "The database is ready. Next: `daybook serve`, and sign in.",
    ]
    password = first.stdout.rstrip("\n")
    with Store(home.database_url).read(EVERY_TENANT) as session:
        account = session.scalars(select(Account)).one()
    assert (account.name, account.type, account.tenant_id) == ("keeper", "system", None)
    assert is_password(password, account.password_hash)
    assert stat.S_IMODE((home.home / "daybook.sqlite").stat().st_mode) == 0o600
    again = empty("init")
    assert (again.exit_code, again.stdout) == (0, "")
    with Store(home.database_url).read(EVERY_TENANT) as session:
        assert session.scalars(select(Account.name)).all() == ["keeper"]


def test_every_other_command_says_to_run_init_first(empty: Run) -> None:
    result = empty("tenant", "add", "acme", "--name", "Acme")
    assert result.exit_code == 1
    assert "run `daybook init`" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_tenant_its_catalogue_and_a_key_are_made_by_commands(daybook: Run, sqlite_store: Store) -> None:
    for line in (
        "project add main --name Main --tenant acme",
        "application add web --name Web --tenant acme --project main",
        "application add app --name App --tenant acme",
        "mini-program add shop --name Shop --tenant acme --application web --kind retail --description sells",
        "mini-program link shop --application app --tenant acme",
        "mini-program unlink shop --application web --tenant acme",
    ):
        result = daybook(*line.split())
        assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    key = daybook("key", "add", "--tenant", "acme", "--mini-program", "shop", "--application", "app")
    with sqlite_store.read(EVERY_TENANT) as session:
        program = session.scalars(select(MiniProgram)).one()
        assert (program.name, program.kind, program.description) == ("Shop", "retail", "sells")
        assert program.source == "command"
        links = select(Application.key, Link.unlinked_at.is_(None)).join(Link).order_by(Application.key)
        assert [tuple(row) for row in session.execute(links)] == [("app", True), ("web", False)]
        assert session.scalars(select(IngestKey.key_hash)).one() == hash_of_token(key.stdout.rstrip("\n"))
    row = last(sqlite_store)
    assert (row.operator, row.channel, row.submodule, row.tenant_id) == ("command line", "system", "ingest_key", 1)


def test_a_tenants_settings_are_flags(daybook: Run, sqlite_store: Store) -> None:
    flags = ("--memo", "note", "--visitors-per-application", "--delegate-operation-log")
    assert daybook("tenant", "add", "globex", "--name", "Globex", *flags).exit_code == 0
    with sqlite_store.read(EVERY_TENANT) as session:
        row = session.scalars(select(Tenant).where(Tenant.key == "globex")).one()
    assert (row.memo, row.numbers_visitors_per_application, row.delegates_operation_log) == ("note", True, True)


def test_roles_are_added_and_listed(daybook: Run) -> None:
    permissions = ("--permission", "usage:read", "--permission", "visit:read")
    assert daybook("role", "add", "guest", "--name", "Guest", "--tenant", "acme", *permissions).exit_code == 0
    assert daybook("role", "list", "--tenant", "acme").stdout.splitlines() == [
        "analyst\tAnalyst\texport:create status:read usage:read",
        "guest\tGuest\tusage:read visit:read",
        "operator\tOperator\tcatalogue:manage export:create status:read usage:read",
        "viewer\tViewer\tusage:read",
    ]


@pytest.mark.spec("A3")
def test_an_account_is_made_with_a_password_printed_once(daybook: Run, sqlite_store: Store) -> None:
    result = daybook("account", "add", "Ann", "--type", "ordinary", "--tenant", "acme", "--role", "viewer")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "Account ann is added. It holds every application of its tenant.",
        "This password is shown once:",
    ]
    with sqlite_store.read(EVERY_TENANT) as session:
        account = session.scalars(select(Account)).one()
    assert is_password(result.stdout.rstrip("\n"), account.password_hash)
    assert account.application_scope == "every"
    assert json.loads(last(sqlite_store).new_value or "")["roles"] == ["viewer"]


@pytest.mark.spec("A7")
def test_an_account_is_given_a_password_disabled_and_enabled(daybook: Run, sqlite_store: Store, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("correct horse\r\nsecond line\n")
    made = daybook("account", "add", "root", "--type", "system", "--password-file", str(file))
    assert (made.exit_code, made.stdout) == (0, "")
    platform = ("--type", "platform", "--tenant", "acme", "--password-file", str(file))
    assert daybook("account", "add", "ann", *platform).exit_code == 0
    for name, state in (("disable", True), ("enable", False)):
        assert daybook("account", name, "ann").exit_code == 0
        with sqlite_store.read(EVERY_TENANT) as session:
            assert session.scalars(select(Account.is_disabled).where(Account.name == "ann")).one() is state
    assert daybook("account", "disable", "root").exit_code == 2
    file.write_text("battery staple")
    changed = daybook("account", "set-password", "ann", "--password-file", str(file))
    assert (changed.exit_code, changed.stdout) == (0, "")
    with sqlite_store.read(EVERY_TENANT) as session:
        kept = session.scalars(select(Account.password_hash).where(Account.name == "ann")).one()
    assert is_password("battery staple", kept)


WRONG = (
    ("tenant add acme --name Again", 'The tenant "acme" is there already: choose another one.'),
    ("tenant add a/b --name Slash", '"a/b" cannot be a key'),
    ("project add main --name Main --tenant nope", 'There is no tenant "nope" here'),
    ("application add web --name Web --tenant acme --project nope", 'There is no project "nope" here'),
    ("mini-program add shop --name Shop --tenant acme --application nope", 'There is no application "nope" here'),
    ("mini-program unlink shop --application web --tenant acme", 'There is no mini program "shop" here'),
    (
        "role add x --name X --tenant acme --permission operation_log:read",
        "A role here cannot give operation_log:read.",
    ),
    ("key add --tenant acme --mini-program nope", 'There is no mini program "nope" here'),
    ("account add ann --type ordinary", "A platform or ordinary account needs --tenant, and a system one has none."),
    ("account add ann --type system --tenant acme", "A platform or ordinary account needs --tenant"),
    ("account add ann --type ordinary --tenant acme --role nope", 'There is no role "nope" here'),
    ("account disable nobody", 'There is no account "nobody" here'),
    ("account set-password nobody", 'There is no account "nobody" here'),
)


@pytest.mark.parametrize(("line", "sentence"), WRONG, ids=[line for line, _ in WRONG])
def test_wrong_use_ends_with_two_one_sentence_and_nothing_changed(
    daybook: Run, sqlite_store: Store, line: str, sentence: str
) -> None:
    before = last(sqlite_store).id
    result = daybook(*line.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1
    assert last(sqlite_store).id == before


@pytest.mark.parametrize(
    "line", ["tenant", "tenant add", "tenant add x", "account add x --type boss", "role add x --name X --tenant acme"]
)
def test_a_command_that_lacks_something_ends_with_two(daybook: Run, line: str) -> None:
    assert daybook(*line.split()).exit_code == 2


@pytest.mark.parametrize("password", ["short", "x" * 73, " spaced out", "\x01control"])
def test_a_password_that_cannot_be_one_is_refused_and_never_printed(
    daybook: Run, tmp_path: Path, password: str
) -> None:
    file = tmp_path / "password"
    file.write_text(password)
    result = daybook("account", "add", "ann", "--type", "system", "--password-file", str(file))
    assert result.exit_code == 2
    assert result.stderr.startswith("This cannot be a password")
    assert password not in result.output


def test_every_command_has_help() -> None:
    def walk(command: object, path: tuple[str, ...]) -> None:
        result = CliRunner().invoke(main, [*path, "--help"])
        assert (result.exit_code, result.stdout.startswith("Usage:")) == (0, True), path
        for name, below in getattr(command, "commands", {}).items():
            walk(below, (*path, name))

    walk(main, ())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "No such command 'nope': `daybook --help` says how it is used.\n"),
        (["import", "usage"], "Missing argument 'FILE...': `daybook import usage --help` says how it is used.\n"),
        (["--nope"], "No such option '--nope': `daybook --help` says how it is used.\n"),
        (
            ["show", "usage", "--grain", "year"],
            "Invalid value for '--grain': 'year' is not one of 'half-hour', 'hour', 'day', 'week', 'period': "
            "`daybook show usage --help` says how it is used.\n",
        ),
        (
            ["show", "operations", "--class", "nonsense"],
            "Invalid value for '--class': 'nonsense' is not one of 'addition', 'deletion', 'modification', 'querying': "
            "`daybook show operations --help` says how it is used.\n",
        ),
        (
            ["tenant", "keep", "acme"],
            "Give --events, --visits or --operations, with a number of days or the word forever: "
            "`daybook tenant keep --help` says how it is used.\n",
        ),
    ],
    ids=["command", "argument", "option", "choice", "few", "own"],
)
def test_wrong_use_is_said_in_one_sentence(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", said)
