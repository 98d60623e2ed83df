"""The `daybook` command."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from lib.errors import BadInput, DaybookError

_PLACES = {
    "account": "administering",
    "application": "administering",
    "clean-logs": "logging",
    "demo": "preparing",
    "export": "exporting",
    "findings": "finding",
    "import": "importing",
    "init": "preparing",
    "key": "administering",
    "log-config": "logging",
    "mini-program": "administering",
    "project": "administering",
    "purge": "purging",
    "refresh": "refreshing",
    "role": "administering",
    "seal": "sealing",
    "serve": "serving",
    "show": "showing",
    "tenant": "administering",
    "token": "tokens",
    "verify": "proving",
}
"""The module of each command: a command loads no more than its own, since that may take longer than what it does."""


class _Commands(click.Group):
    """A group whose commands end with one sentence on standard error, exit code 2 for wrong use and 1 for the rest."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The whole of a process, which only then writes log files: tests run a command inside of theirs."""
        from lib.cli import house  # what every command loads, but not every help

        house.writes_log_files = True
        gc.disable()  # a tenth of the start: modules being loaded are no garbage
        return super().__call__(*args, **kwargs)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(_PLACES)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """The command of a name, whose module is loaded only now."""
        if name not in _PLACES:
            return None
        commands: tuple[click.Command, ...] = import_module(f"lib.cli.{_PLACES[name]}").COMMANDS
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        return next(command for command in commands if command.name == name)

    def main(self, *args: Any, **more: Any) -> Any:
        """Click's own errors are told in one sentence too, without the lines of usage."""
        run: Callable[..., Any] = super().main
        if not more.pop("standalone_mode", True):
            return run(*args, standalone_mode=False, **more)
        try:
            code = run(*args, standalone_mode=False, **more)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "daybook"
            message = " ".join(error.format_message().split()).rstrip(".")
            click.echo(f"{message}: `{path} --help` says how it is used.", err=True)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            click.echo(error.format_message(), err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("Interrupted: what was done before stays.", err=True)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except DaybookError as error:
            click.echo(str(error), err=True)
            ctx.exit(2 if isinstance(error, BadInput) else 1)
        except BrokenPipeError:  # whoever read the output has enough
            raise
        except OSError as error:
            click.echo(f"The output cannot be written or a file cannot be read: {error}.", err=True)
            ctx.exit(1)


@click.group(
    "daybook", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="daybook")
def main() -> None:
    """Daybook: a self-hosted operations console for mini programs."""


if __name__ == "__main__":
    sys.exit(main())
