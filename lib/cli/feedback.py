"""What `daybook show feedback` and `daybook export feedback` have in common: which feedback is asked for."""

from __future__ import annotations

from typing import Any

import click

from lib.feedback.types import FEEDBACK_KINDS, FEEDBACK_TYPES
from lib.queries.feedback_filter import FeedbackFilter
from lib.usage.instants import instant_of

FEEDBACK_OPTIONS = (
    click.option("--mini-program", metavar="M", help="Only of this mini program, by key."),
    click.option("--application", metavar="A", help="Only of this application, by key."),
    click.option("--type", type=click.Choice([each.key for each in FEEDBACK_TYPES]), help="Only of this type."),
    click.option("--kind", type=click.Choice([each.key for each in FEEDBACK_KINDS]), help="Only this abnormality."),
    click.option("--version", metavar="V", help="Only of this version of the mini program."),
    click.option("--os", metavar="OS", help="Only of this operating system."),
    click.option("--keyword", metavar="TEXT", help="Only with this in content, contact, user, device or versions."),
)


def feedback_filter(since: str, until: str, zone: str, words: dict[str, Any]) -> FeedbackFilter:
    """The feedback that the options ask for."""
    return FeedbackFilter(instant_of(since, zone), instant_of(until, zone), zone, **words)
