"""Operating systems: the few names that Daybook counts by."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

OTHER = "Other"

_FAMILIES = {
    "Windows": ("windows",),
    "HarmonyOS": ("harmonyos", "openharmony", "hongmeng"),
    "iOS": ("ios", "ipados", "iphone", "iphone os"),
    "Android": ("android",),
    "macOS": ("mac os x", "macos", "mac os", "os x", "darwin", "mac"),
    "Linux": ("linux", "ubuntu", "debian", "fedora", "red hat", "suse", "centos", "gentoo", "arch linux"),
}
_NORMALISED = {name: family for family, names in _FAMILIES.items() for name in names}


@lru_cache(maxsize=4096)
def normalised(name: str) -> str:
    """The family of an operating system's name as a client spells it: "iPhone OS 17" is iOS. A name of none stays."""
    words = name.strip().lower()
    if words in _NORMALISED:
        return _NORMALISED[words]
    return next((family for start, family in _NORMALISED.items() if words.startswith(start + " ")), name.strip())


@lru_cache(maxsize=65536)
def of_user_agent(user_agent: str) -> str:
    """The family that a user agent names."""
    words = user_agent[:2048]
    if any(name in words.lower() for name in _FAMILIES["HarmonyOS"]):
        return "HarmonyOS"
    import ua_parser  # here, as its start takes a while, and visits are imported without it

    parsed = ua_parser.parse_os(words)
    family = normalised(parsed.family) if parsed else OTHER
    return family if family in _FAMILIES else OTHER


def os_of(user_agents: pl.Series) -> pl.Series:
    """The families of many user agents; each distinct one is parsed once. Null is Other."""
    distinct = user_agents.drop_nulls().unique()
    families = pl.Series([of_user_agent(text) for text in distinct], dtype=pl.String)
    return user_agents.replace_strict(distinct, families, default=OTHER, return_dtype=pl.String)
