"""Accounts, tenants and what they own, from the command line."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
