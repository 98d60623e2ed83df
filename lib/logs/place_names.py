"""What countries and regions are called in the two languages: CLDR's short names, and our own where those differ from
what the words of the console say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import polars as pl
from babel import Locale

from lib.logs.places import KINDS
from lib.logs.regions import REGIONS
from lib.words import Language, say

_LOCALES = {Language.EN: "en", Language.ZH: "zh_Hans_CN"}
_OWN = ("HK", "MO", "TW")


@cache
def country_names(language: Language) -> Mapping[str, str]:
    """The name of each country by its ISO 3166-1 code, and of each of lib.logs.places.KINDS."""
    named = {code: name for code, name in Locale.parse(_LOCALES[language]).territories.items() if len(code) == 2}
    named |= {code: say(f"place.{code.lower()}", language) for code in _OWN}
    return named | {kind: say(f"place.{kind}", language) for kind in KINDS}


@cache
def region_names(language: Language) -> Mapping[str, str]:
    """The name of each region by its ISO 3166-2 code."""
    return {region.code: say(f"region.{region.code.lower()}", language) for region in REGIONS}


def place_name(country: str | None, region: str | None, language: Language) -> str:
    """Both in one text, such as "China, Guangdong"; a code that has no name stands for itself."""
    country_name = country_names(language).get(country or "", country or "")
    if not region:
        return country_name
    return say("place.both", language, country=country_name, region=region_names(language).get(region, region))


def named_places(rows: pl.DataFrame, language: Language) -> pl.DataFrame:
    """The rows with names in place of the codes in `country` and `region`, as far as they have these columns."""
    named = {"country": country_names(language), "region": region_names(language)}
    there = [pl.col(column).replace(names) for column, names in named.items() if column in rows.columns]
    return rows.with_columns(there)
