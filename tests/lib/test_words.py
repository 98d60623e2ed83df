"""Words: said in the viewer's language, with the facts filled in."""

from __future__ import annotations

import pytest

from lib.errors import AlreadyThere, BadInput, NotPermitted
from lib.words import Language, Phrase, catalogue, say, say_error

pytestmark = pytest.mark.spec("P1")


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("zh-CN", Language.ZH),
        ("zh", Language.ZH),
        ("ZH-hant-TW", Language.ZH),
        ("en-GB", Language.EN),
        ("de-DE", Language.EN),
        ("", Language.EN),
        (None, Language.EN),
    ],
)
def test_a_browser_is_answered_in_the_nearer_language(locale: str | None, language: Language) -> None:
    assert Language.of_locale(locale) is language


def test_each_language_calls_itself_by_its_own_name() -> None:
    assert [language.own_name for language in Language] == ["English", "简体中文"]


def test_a_key_is_said_in_either_language() -> None:
    assert say("page.status", Language.EN) == "Status"
    assert say("page.status", Language.ZH) == "运行状态"


def test_facts_are_filled_in_as_they_are() -> None:
    assert say("units.hours", Language.ZH, hours="{3}") == "{3} 小时"


def test_a_key_that_is_not_there_is_an_error_and_not_a_blank() -> None:
    with pytest.raises(KeyError, match=r"page\.nowhere"):
        say("page.nowhere", Language.EN)


def test_an_error_is_said_in_the_language_of_who_reads_it() -> None:
    error = NotPermitted(permission="usage:read")
    assert say_error(error, Language.EN) == str(error)
    assert say_error(error, Language.ZH) == "您没有权限 usage:read，请向管理员申请拥有该权限的角色。"


def test_a_phrase_in_an_error_is_said_in_the_errors_language() -> None:
    error = BadInput(what=Phrase("units.hours", hours=3))
    assert say_error(error, Language.EN) == "3 h."
    assert say_error(error, Language.ZH) == "3 小时。"


def test_what_somebody_typed_is_never_taken_for_a_place_to_fill() -> None:
    error = AlreadyThere(kind="role", key="{kind} {0}")
    assert '"{kind} {0}"' in say_error(error, Language.EN)
    assert "“{kind} {0}”" in say_error(error, Language.ZH)


def test_the_catalogue_is_read_once() -> None:
    assert catalogue() is catalogue()
