"""The catalogue of operations (SPEC O2): which are recorded of each product, and what they are called.

The keys stand in the log; the words are looked up when somebody reads it, so that a better word is better for old
records too. What is not in the catalogue is called by its key.
"""

from __future__ import annotations

from typing import Literal

from lib.logs.catalogue.entries import CLASS_OF_KIND, Entry, Field, OpenApi, Product, Words, products
from lib.words import Language

__all__ = [
    "CLASSES",
    "CLASS_OF_KIND",
    "Entry",
    "Field",
    "Kind",
    "OpenApi",
    "Product",
    "Words",
    "actions_of",
    "catalogued",
    "entries",
    "labels_of_values",
    "modules_of",
    "products",
    "submodules_of",
    "words_of",
]

Kind = Literal["product", "module", "submodule", "action", "object", "field", "condition"]
"""What a key is the key of."""

CLASSES = ("addition", "deletion", "modification", "querying")
"""The classes of operations (SPEC O1)."""


def catalogued(product: str, module: str, submodule: str, action: str) -> Entry | None:
    """The entry of an operation; null where the catalogue has none."""
    known = products().get(product)
    return known.entries.get((module, submodule, action)) if known else None


def entries(product: str) -> tuple[Entry, ...]:
    """All of a product's, module by module; none for a product that is unknown."""
    known = products().get(product)
    return tuple(known.entries.values()) if known else ()


def words_of(product: str, kind: Kind, key: str, language: Language) -> str:
    """What a key is called in a language; the key itself where nobody said. A field may be a path with dots."""
    known = products().get(product)
    if known is None:
        return key
    if kind == "product":
        return known.name.said(language)
    words = known.words[f"{kind}s"].get(key.rpartition(".")[2] if kind == "field" else key)
    return words.said(language) if words else key


def labels_of_values(entry: Entry | None, language: Language) -> tuple[str, str]:
    """What the old and the new value of an operation are; empty where the catalogue does not say."""
    if entry is None:
        return "", ""
    return (
        entry.old.said(language) if entry.old else "",
        entry.new.said(language) if entry.new else "",
    )


def modules_of(product: str) -> tuple[str, ...]:
    """The keys of a product's modules, in the order of the catalogue."""
    return tuple(dict.fromkeys(entry.module for entry in entries(product)))


def submodules_of(product: str, module: str) -> tuple[str, ...]:
    """The keys of a module's submodules, in the order of the catalogue."""
    found = (entry.submodule for entry in entries(product) if entry.module == module and entry.submodule)
    return tuple(dict.fromkeys(found))


def actions_of(product: str, module: str | None = None, submodule: str | None = None) -> tuple[str, ...]:
    """The keys of the actions of a product, of a module, or of a submodule."""
    found = (
        entry.action
        for entry in entries(product)
        if module in (None, entry.module) and submodule in (None, entry.submodule)
    )
    return tuple(dict.fromkeys(found))
