"""`daybook serve`."""

from __future__ import annotations

import os
import socket
import sys
from urllib.parse import urlsplit

import click

from lib.cli.house import open_house
from lib.errors import Unavailable
from lib.settings import PROJECT_DIR, Settings


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="The port to listen on."
)
@click.option("--address", default="0.0.0.0", show_default=True, help="The address to listen on.")  # noqa: S104
@click.option("--no-schedule", is_flag=True, help="Leave the refresh to cron or a timer.")
@click.option("--collector-only", is_flag=True, help="Take in events and nothing else: no console, no schedule.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many processes collect, with --collector-only.",
)
def serve(port: int, address: str, no_schedule: bool, collector_only: bool, workers: int) -> None:
    """Serve the console and the collector, and run the schedule.

    Ready when GET /healthz answers 200. Settings come from the environment and from .env in the home folder.
    """
    settings = open_house().settings
    _require_free(address, port)
    environment = _environment(settings, no_schedule=no_schedule)
    click.echo(f"Daybook is at {settings.base_url or f'http://{_browsable(address)}:{port}'}", err=True)
    sys.stderr.flush()
    console = _arguments(settings, address, port)
    arguments = _collector_arguments(address, port, workers) if collector_only else console
    os.execve(sys.executable, arguments, environment)  # noqa: S606


def _require_free(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise Unavailable(
                what=f"Port {port} of {address} cannot be listened on ({error.strerror})"
            ) from error


def _environment(settings: Settings, *, no_schedule: bool) -> dict[str, str]:
    """Daybook's settings made absolute, and none of Streamlit's: those in .streamlit/config.toml are meant to hold."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    environment |= {
        "DAYBOOK_HOME": str(settings.home),
        "DAYBOOK_DATABASE_URL": settings.database_url,
        "DAYBOOK_LAKE_URL": str(settings.lake),
        "DAYBOOK_LOG_DIR": str(settings.log_dir),
        "STREAMLIT_SERVER_COOKIE_SECRET": settings.cookie_key,
        # Whose X-Forwarded-For uvicorn believes; by itself it believes everybody on this machine.
        "FORWARDED_ALLOW_IPS": settings.trusted_proxies,
    }
    if no_schedule:
        environment["DAYBOOK_SCHEDULE"] = "off"
    return environment


def _arguments(settings: Settings, address: str, port: int) -> list[str]:
    options = {
        "server.port": str(port),
        "server.address": address,
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        # Streamlit compares origins with this before it asks the internet for its own address.
        "browser.serverAddress": urlsplit(settings.base_url).hostname or _browsable(address),
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(PROJECT_DIR / "Home.py"), *flags]


def _collector_arguments(address: str, port: int, workers: int) -> list[str]:
    options = ("--host", address, "--port", str(port), "--workers", str(workers), "--no-access-log")
    quiet = ("--log-level", "warning", "--timeout-graceful-shutdown", "30", "--app-dir", str(PROJECT_DIR))
    return [sys.executable, "-m", "uvicorn", "--factory", "lib.collect.routes:app", *options, *quiet]


def _browsable(address: str) -> str:
    return "localhost" if address in {"0.0.0.0", "::"} else address  # noqa: S104


COMMANDS: tuple[click.Command, ...] = (serve,)
