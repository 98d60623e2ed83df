"""What the keys of operations are called in a language: in lists, filters, details and files alike."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, get_args

import polars as pl

from lib.logs.catalogue import CLASSES, Kind, products, words_of
from lib.words import Language, say

CHANNELS: Final = ("ui", "openapi", "system")
RESULTS: Final = ("success", "failure")

OF_PRODUCT: Final = ("product", "module", "submodule", "action")
"""The columns whose words are their product's."""

_OWN: Final = {"operation_class": CLASSES, "channel": CHANNELS, "result": RESULTS}


def worded(rows: pl.DataFrame, language: Language) -> pl.DataFrame:
    """The rows with words in place of keys, in those columns that have words; `product` is needed for most of them."""
    own = [_replaced(column, language) for column in _OWN if column in rows.columns]
    if "product" not in rows.columns:
        return rows.with_columns(own)
    of_product = [column for column in OF_PRODUCT if column in rows.columns]
    return rows.with_columns(own + [_of_product(rows, column, language) for column in of_product])


def word_of(column: str, value: str, language: Language, among: Iterable[str] = ()) -> str:
    """What a value of a column is called where its product is not told: as the first of these products calls it, or
    of all that there are."""
    if column in _OWN:
        return _own_word(column, value, language)
    if column not in OF_PRODUCT:
        return value
    return _first_word(column, value, language, tuple(among))


def object_word(product: str, object_type: str, language: Language) -> str:
    """What a type of objects is called."""
    return words_of(product, "object", object_type, language)


@lru_cache(maxsize=5000)
def _first_word(column: str, value: str, language: Language, among: tuple[str, ...]) -> str:
    if column == "product":
        return words_of(value, "product", value, language)
    kind = next(kind for kind in get_args(Kind) if kind == column)
    named = (words_of(product, kind, value, language) for product in among or products())
    return next((words for words in named if words != value), value)


def _own_word(column: str, value: str, language: Language) -> str:
    return say(f"operation_words.{column}_{value}", language) if value in _OWN[column] else value


def _replaced(column: str, language: Language) -> pl.Expr:
    words = {value: _own_word(column, value, language) for value in _OWN[column]}
    return pl.col(column).replace(words)


def _of_product(rows: pl.DataFrame, column: str, language: Language) -> pl.Expr:
    """Few different keys stand in many rows: each is looked up once."""
    if column == "product":
        keys = {key: words_of(key, "product", key, language) for key in rows["product"].unique()}
        return pl.col("product").replace(keys)
    kind = next(kind for kind in get_args(Kind) if kind == column)
    pairs = rows.select("product", column).unique().iter_rows()
    words = {f"{product}\n{key}": words_of(product, kind, key, language) for product, key in pairs}
    both = pl.concat_str("product", column, separator="\n")
    return both.replace_strict(words, default=pl.col(column), return_dtype=pl.String).alias(column)
