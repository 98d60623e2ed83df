"""What the sidecar keeps of an operation: words as small numbers with a dictionary a file, and the text to search."""

from __future__ import annotations

from typing import Final

import polars as pl
import polars_hash  # noqa: F401 (it gives expressions their `nchash`)

from lib.store.time_ids import LOW_BITS

WORDS: Final = (
    "operator",
    "organization",
    "product",
    "project",
    "application",
    "module",
    "submodule",
    "action",
    "operation_class",
    "object_type",
    "channel",
    "result",
)
"""The columns of repeating words: what can be filtered and counted by."""

SOURCE: Final[dict[str, pl.DataType]] = {
    "tenant_id": pl.UInt32(),
    "id": pl.Int64(),
    "organization_id": pl.Int32(),
    **dict.fromkeys(WORDS, pl.String()),
    "object_id": pl.String(),
    "object_name": pl.String(),
    "content": pl.String(),
}
"""The columns of `operation` that the sidecar is made of."""

BUCKET_MILLISECONDS: Final = 30 * 60 * 1000

DICTIONARY: Final[dict[str, pl.DataType]] = {"column": pl.String(), "code": pl.UInt32(), "word": pl.String()}
"""A row is one word of one column of a file."""


def read(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of SOURCE as rows of READ: what is searched and compared is worked out, the words are still words.

    Such a row is `tenant_id`, `id`, `t` (UTC half hours since 1970), `organization_id` (0 for none), the columns of
    WORDS, `object` (a 64-bit hash of type and id, see `object_hash`) and `text` (see `folded`).
    """
    return rows.select(
        "tenant_id",
        "id",
        *WORDS,
        t=(pl.col("id") // (BUCKET_MILLISECONDS << LOW_BITS)).cast(pl.Int32),
        organization_id=pl.col("organization_id").fill_null(0),
        object=object_hash(pl.col("object_type"), pl.col("object_id")),
        text=folded(pl.concat_str("object_name", "object_id", "content", separator="\n")),
    )


def coded(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of READ by tenant and id, with the code of each word for the word, and the DICTIONARY of the codes."""
    dictionary, codes = [], []
    for name in WORDS:
        words = rows[name].unique().sort()
        numbers = pl.Series("code", range(words.len()), pl.UInt32)
        dictionary.append(pl.DataFrame({"column": [name] * words.len(), "code": numbers, "word": words}, DICTIONARY))
        codes.append(pl.col(name).replace_strict(words, numbers, return_dtype=_narrow(words.len())))
    return rows.sort("tenant_id", "id").with_columns(codes), pl.concat(dictionary)


def object_hash(object_type: pl.Expr, object_id: pl.Expr) -> pl.Expr:
    """The number of an object: type and id. 0 where it has no id."""
    whole = pl.concat_str(object_type, object_id, separator="\n")
    number = whole.nchash.xxh3_64()  # type: ignore[attr-defined]
    return pl.when(object_id == "").then(pl.lit(0, pl.UInt64)).otherwise(number)


def folded(text: pl.Expr) -> pl.Expr:
    """Text as it is searched: small letters, full-width and composed characters as the plain ones."""
    return text.str.normalize("NFKC").str.to_lowercase()


def _narrow(count: int) -> pl.DataType:
    return pl.UInt8() if count <= 1 << 8 else pl.UInt16() if count <= 1 << 16 else pl.UInt32()
