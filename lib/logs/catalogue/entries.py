"""What is recorded of each product, read from the TOML files beside this one, whose names are the products' keys.

In such a file words are `["English", "中文"]`; `[modules]`, `[submodules]`, `[actions]`, `[objects]` and `[fields]`
hold them by key. An operation is a line `action = { kind, old, new, fields, objects }` under
`[operations.<module>.<submodule>]`, with `""` for a module without submodules. `old` and `new` say what the two values
are (a value without a counterpart is `new`). A field may be `list.part`, a part of each member of a list, and may end
in `@condition`: it is recorded only of what the words in `[conditions]` say.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from lib.words import Language


class OpenApi(StrEnum):
    """Which of a product's operations are kept that came through its open API."""

    ALL = "all"
    CATALOGUED = "catalogued"
    NONE = "none"


@dataclass(frozen=True)
class Words:
    """The same in both languages."""

    en: str
    zh: str

    def said(self, language: Language) -> str:
        """The words in a language."""
        return self.zh if language is Language.ZH else self.en


@dataclass(frozen=True)
class Field:
    """A recorded field. `path` has dots before the parts of a list's members; `condition` is empty for: always."""

    path: str
    words: Words
    condition: str = ""


CLASS_OF_KIND: Mapping[str, str] = {
    "create": "addition",
    "import": "addition",
    "delete": "deletion",
    "update": "modification",
    "permission": "modification",
    "execute": "modification",
    "query": "querying",
    "export": "querying",
}
"""The class (SPEC O1) of each kind of operation. Importing adds; granting and setting something going change how things
stand; exporting takes a copy and changes nothing."""


@dataclass(frozen=True)
class Entry:
    """One operation of the catalogue. `kind` is finer than its class; `objects` are the types of what it is done to."""

    product: str
    module: str
    submodule: str
    action: str
    kind: str
    old: Words | None = None
    new: Words | None = None
    fields: tuple[Field, ...] = ()
    objects: tuple[str, ...] = ()

    @property
    def operation_class(self) -> str:
        """Addition, deletion, modification or querying."""
        return CLASS_OF_KIND[self.kind]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Product, module, submodule and action."""
        return self.product, self.module, self.submodule, self.action


@dataclass(frozen=True)
class Product:
    """A product: its words by kind of key and key, and its operations by module, submodule and action."""

    key: str
    name: Words
    openapi: OpenApi
    words: Mapping[str, Mapping[str, Words]]
    entries: Mapping[tuple[str, str, str], Entry]


@cache
def products() -> Mapping[str, Product]:
    """Every product of which something is known, Daybook first."""
    folder = files(__package__)
    read = (
        _product(file.name.removesuffix(".toml"), tomllib.loads(file.read_text(encoding="utf-8")))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    )
    return {product.key: product for product in sorted(read, key=lambda each: (each.key != "daybook", each.key))}


def _product(key: str, written: dict[str, Any]) -> Product:
    kinds = ("modules", "submodules", "actions", "objects", "fields", "conditions")
    words = {kind: {each: Words(*pair) for each, pair in written.get(kind, {}).items()} for kind in kinds}
    operations = written.get("operations", {})
    entries = {entry.key[1:]: entry for entry in _entries(key, operations, words["fields"])}
    return Product(key, Words(*written["name"]), OpenApi(written["openapi"]), words, entries)


def _entries(product: str, operations: dict[str, Any], words: Mapping[str, Words]) -> Iterator[Entry]:
    for module, submodules in operations.items():
        for submodule, actions in submodules.items():
            for action, said in actions.items():
                yield Entry(
                    *(product, module, submodule, action),
                    kind=said["kind"],
                    old=Words(*said["old"]) if "old" in said else None,
                    new=Words(*said["new"]) if "new" in said else None,
                    fields=tuple(_field(written, words) for written in said.get("fields", ())),
                    objects=tuple(said.get("objects", ())),
                )


def _field(written: str, words: Mapping[str, Words]) -> Field:
    path, _, condition = written.partition("@")
    key = path.rpartition(".")[2]
    return Field(path, words.get(key) or Words(key, key), condition)
