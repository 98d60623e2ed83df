"""The `daybook` command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from lib.cli import (
    administering,
    exporting,
    finding,
    house,
    importing,
    logging,
    preparing,
    proving,
    purging,
    refreshing,
    sealing,
    serving,
    showing,
    tokens,
    verifying,
)
from lib.errors import BadInput, DaybookError


class _Commands(click.Group):
    """A group whose commands end with one sentence on standard error, exit code 2 for wrong use and 1 for the rest."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The whole of a process, which only then writes log files: tests run a command inside of theirs."""
        house.writes_log_files = True
        return super().__call__(*args, **kwargs)

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


_MODULES = (
    serving,
    preparing,
    administering,
    importing,
    refreshing,
    purging,
    sealing,
    finding,
    showing,
    verifying,
    proving,
    exporting,
    tokens,
    logging,
)
for _module in _MODULES:
    for _command in _module.COMMANDS:
        main.add_command(_command)

if __name__ == "__main__":
    sys.exit(main())
