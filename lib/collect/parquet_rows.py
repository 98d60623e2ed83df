"""The rows of a Parquet file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from lib.collect.fields import ROWS, Fields
from lib.collect.files import Advance, Pieces
from lib.errors import BadInput, Unavailable

CHUNK_ROWS = 100_000

_UUID_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
"""Where the parts of a UUID begin in its hexadecimal digits, and how many each has."""


class ParquetRows:
    """The rows of a Parquet file, which may itself be compressed."""

    def __init__(self, path: Path, fields: Fields, advance: Advance) -> None:
        self.trouble: str | None = None
        self._path = path
        self._fields = fields
        self._advance = advance

    def check(self) -> None:
        """Raise BadInput where a column is missing, or holds no single values."""
        with ExitStack() as stack:
            try:
                schema = pl.scan_parquet(self._plain(stack), glob=False).collect_schema()
            except pl.exceptions.PolarsError:
                return  # The import itself will say so.
            for field in self._fields.among(list(schema), self._path).values():
                if schema[field].is_nested():
                    raise BadInput(what=f'The column "{field}" of {self._path} holds several values: name another')

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Frames of ROWS and of the fields."""
        done = 0
        with ExitStack() as stack:
            try:
                plain = self._plain(stack)
                table = pl.scan_parquet(plain, glob=False)
                schema = table.collect_schema()
                found = self._fields.among(list(schema), self._path)
                uuids = _uuids(plain)
                for batch in table.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
                    yield self._framed(batch.with_columns(_uuid(pl.col(name)) for name in uuids), found, done + 1)
                    done += batch.height
            except pl.exceptions.PolarsError:
                after = f"is damaged after row {done}: what stands before was imported"
                never = "is not a Parquet file, or is damaged: nothing of it was imported"
                self.trouble = f"{self._path} {after if done else never}"
        self._advance(self._path.stat().st_size)

    def _plain(self, stack: ExitStack) -> Path:
        """The file, or a copy of it without compression."""
        try:
            with self._path.open("rb") as file:
                if file.read(4) == b"PAR1":
                    return self._path
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="daybook-"))
            copy = Path(folder) / "plain.parquet"
            with copy.open("wb") as file:
                file.writelines(Pieces(self._path))
        except OSError as error:
            raise Unavailable(what=f"{self._path} cannot be read ({error.strerror})") from error
        return copy

    @staticmethod
    def _framed(batch: pl.DataFrame, found: dict[str, str], first: int) -> pl.DataFrame:
        shown = [_shown(name, dtype) for name, dtype in batch.schema.items() if not _holds_bytes(dtype)]
        lines = pl.int_range(first, first + pl.len(), dtype=pl.UInt32)
        texts = {
            name: pl.lit(_decoded(batch[field])) if dtype == pl.Binary else _text(pl.col(field), dtype)
            for name, field in found.items()
            for dtype in (batch.schema[field],)
        }
        unreadable = [
            pl.when(texts[name].is_null() & pl.col(field).is_not_null()).then(
                pl.lit(f'the column "{field}" holds bytes that are no text in UTF-8')
            )
            for name, field in found.items()
            if batch.schema[field] == pl.Binary
        ]
        return batch.select(
            lines.alias("line"),
            pl.struct(shown).struct.json_encode().alias("text"),
            pl.coalesce(*unreadable, pl.lit(None, ROWS["reason"])).alias("reason"),
            *(text.replace("", None).alias(name) for name, text in texts.items()),
        )


def _decoded(values: pl.Series) -> pl.Series:
    """Bytes as text; null where they are none."""
    try:
        return values.cast(pl.String)
    except pl.exceptions.PolarsError:
        texts = [None if each is None else each.decode(errors="replace") for each in values]
        return pl.Series([None if each is None or "\ufffd" in each else each for each in texts], dtype=pl.String)


def _uuids(path: Path) -> list[str]:
    """The columns of UUIDs, which Polars reads as their 16 bytes."""
    try:
        return [field.name for field in pq.read_schema(path) if isinstance(field.type, pa.UuidType)]
    except pa.ArrowException:  # what Polars can read of it is read
        return []


def _uuid(value: pl.Expr) -> pl.Expr:
    """A UUID as it is written."""
    digits = value.bin.encode("hex")
    return pl.concat_str([digits.str.slice(at, width) for at, width in _UUID_PARTS], separator="-").alias(
        value.meta.output_name()
    )


def _shown(name: str, dtype: pl.DataType) -> pl.Expr:
    return pl.col(name).bin.encode("hex") if dtype == pl.Binary else pl.col(name)


def _holds_bytes(dtype: pl.DataType) -> bool:
    """Whether bytes stand inside lists or structures, which Polars cannot write as JSON."""
    if isinstance(dtype, pl.List | pl.Array):
        return dtype.inner == pl.Binary or _holds_bytes(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return any(field.dtype == pl.Binary or _holds_bytes(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    return False


def _text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is None:
            return value.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
        return value.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6fZ")
    if dtype.is_float():
        whole = value.cast(pl.Int64, strict=False)
        is_whole = (value == whole.cast(pl.Float64)) & (value.abs() < 2.0**53)
        return pl.when(is_whole).then(whole.cast(pl.String)).otherwise(value.cast(pl.String))
    return value.cast(pl.String, strict=False)
