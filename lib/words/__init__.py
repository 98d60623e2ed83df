"""The two languages: one catalogue, in `catalogue/*.toml`.

An entry is `key = { en = "...", zh = "..." }` under a table that names its room, so the key of `refresh` under
`[status]` is "status.refresh". Facts stand in braces: `{count}`. tests/house checks that no entry lacks a language.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

from lib.errors import DaybookError


class Language(StrEnum):
    """The languages that a viewer can choose; the value is the BCP 47 tag's first part."""

    EN = "en"
    ZH = "zh"

    @property
    def own_name(self) -> str:
        """What the language calls itself."""
        return {"en": "English", "zh": "简体中文"}[self.value]

    @classmethod
    def of_locale(cls, locale: str | None) -> Language:
        """The language nearest to a browser's locale, such as "zh-CN"."""
        return cls.ZH if (locale or "").lower().startswith("zh") else cls.EN


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every entry by key, each with both languages. Raises ValueError for a key that stands twice."""
    entries: dict[str, Mapping[str, str]] = {}
    for file in sorted(files(__name__).joinpath("catalogue").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        for room, words in tomllib.loads(file.read_text(encoding="utf-8")).items():
            for key, entry in words.items():
                if entries.setdefault(f"{room}.{key}", entry) is not entry:
                    raise ValueError(f"{room}.{key} stands twice in the catalogue")
    return entries


def say(key: str, language: Language, /, **facts: object) -> str:
    """The words of a key in a language, with the facts filled in. Raises KeyError for a key that is not there."""
    words = catalogue()[key][language.value]
    return words.format(**facts) if facts else words


class Phrase:
    """Words to be said later, in the language of whoever reads them: a fact of an error, or of other such words. As
    text they are English."""

    def __init__(self, key: str, /, **facts: object) -> None:
        self.key = key
        self.facts = facts

    def said(self, language: Language) -> str:
        """The words in a language."""
        return say(self.key, language, **_said(self.facts, language))

    def __str__(self) -> str:
        return self.said(Language.EN)


def say_error(error: DaybookError, language: Language) -> str:
    """What a person reads of an error: its docstring in English, the catalogue's `errors` entry in Chinese."""
    if language is Language.EN:
        return str(error)
    entry = catalogue().get(f"errors.{type(error).__name__}")
    return entry["zh"].format(**_said(error.facts, language)) if entry else str(error)


def _said(facts: Mapping[str, object], language: Language) -> dict[str, object]:
    return {name: fact.said(language) if isinstance(fact, Phrase) else fact for name, fact in facts.items()}
