"""Errors: the docstring is the message, the facts are in it."""

from __future__ import annotations

import pytest

from lib import errors
from lib.errors import BadInput, BadSetting, Busy, DaybookError, NotFound, Unavailable


def tree(error: type[DaybookError] = DaybookError) -> list[type[DaybookError]]:
    return [
        error,
        *(each for below in error.__subclasses__() for each in tree(below) if each.__module__ == error.__module__),
    ]


def test_the_message_is_the_docstrings_first_paragraph_with_the_facts() -> None:
    error = BadSetting(name="DAYBOOK_HOME", what="/x cannot be made (Permission denied)")
    assert str(error) == "The setting DAYBOOK_HOME is wrong: /x cannot be made (Permission denied)."
    assert error.facts == {"name": "DAYBOOK_HOME", "what": "/x cannot be made (Permission denied)"}


def test_a_fact_with_braces_is_said_as_it_is() -> None:
    assert str(NotFound(kind="tenant", key="{key}")) == (
        'There is no tenant "{key}" here: check the spelling, or add it first.'
    )


@pytest.mark.parametrize("error", tree(), ids=lambda error: error.__name__)
def test_each_message_is_one_sentence_on_one_line(error: type[DaybookError]) -> None:
    assert error.template().endswith(".")
    assert "\n" not in error.template()


@pytest.mark.parametrize("error", tree()[1:], ids=lambda error: error.__name__)
def test_the_tree_in_the_modules_docstring_shows_every_error(error: type[DaybookError]) -> None:
    assert f"─ {error.__name__} " in (errors.__doc__ or "")


def test_callers_tell_wrong_use_from_a_fault() -> None:
    assert issubclass(BadSetting, BadInput)
    assert issubclass(Busy, Unavailable)
    assert not issubclass(Unavailable, BadInput)
