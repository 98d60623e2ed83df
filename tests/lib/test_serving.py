"""`daybook serve`: what it refuses, and what it hands to Streamlit."""

from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from lib.cli import main
from lib.cli.serving import _arguments, _environment
from lib.settings import Settings
from lib.store import Store


def test_a_port_that_is_taken_is_named_in_one_sentence(
    home: Settings, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = CliRunner().invoke(main, ["serve", "--address", "127.0.0.1", "--port", str(port)])
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"Port {port} of 127.0.0.1 cannot be listened on (Address already in use)")
    assert refused.stderr.count("\n") == 1


def test_a_wrong_setting_is_named_before_anything_starts(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))
    monkeypatch.setenv("DAYBOOK_BASE_URL", "console.example.com")
    refused = CliRunner().invoke(main, ["serve"])
    assert refused.exit_code == 2
    assert refused.stderr == "The setting DAYBOOK_BASE_URL is wrong: it must begin with http:// or https://.\n"


def test_streamlits_own_variables_do_not_reach_the_server(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_CLIENT_SHOW_ERROR_DETAILS", "full")
    monkeypatch.setenv("STREAMLIT_SERVER_ENABLE_CORS", "false")
    environment = _environment(home, no_schedule=True)
    assert [name for name in environment if name.startswith("STREAMLIT_")] == ["STREAMLIT_SERVER_COOKIE_SECRET"]
    assert home.secret_key not in environment["STREAMLIT_SERVER_COOKIE_SECRET"]
    assert environment["DAYBOOK_SCHEDULE"] == "off"
    assert environment["DAYBOOK_HOME"] == str(home.home)


def test_the_server_never_asks_the_internet_for_its_own_address(home: Settings) -> None:
    arguments = _arguments(home, "0.0.0.0", 8501)
    assert "--server.address=0.0.0.0" in arguments
    assert "--browser.serverAddress=localhost" in arguments
    assert "--browser.gatherUsageStats=false" in arguments
