"""The lines that an import sets aside, each with its number and the reason."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import polars as pl

from lib.collect.files import KEPT_BYTES
from lib.errors import Unavailable


class Rejects:
    """One NDJSON file a run, made when the first line is refused: `file`, `line`, `reason`, `text`."""

    def __init__(self, folder: Path) -> None:
        self.path: Path | None = None
        self.count = 0
        self._folder = folder
        self._file: BinaryIO | None = None

    def add(self, source: Path, refused: pl.DataFrame) -> None:
        """Set lines of a file aside (`line`, `reason`, `text`). Raises Unavailable when they cannot be written."""
        if refused.is_empty():
            return
        name = str(source).encode(errors="replace").decode()
        try:
            file = self._file or self._made(source)
            refused.select(
                pl.lit(name).alias("file"), "line", "reason", pl.col("text").str.slice(0, KEPT_BYTES)
            ).write_ndjson(file)
            file.flush()
        except OSError as error:
            raise Unavailable(what=f"{self._folder} cannot be written to ({error.strerror})") from error
        self.count += refused.height

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file:
            self._file.close()

    def _made(self, source: Path) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"{source.name[:100]}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        for turn in range(1000):
            path = self._folder / f"{stem}{f'-{turn}' if turn else ''}Z.ndjson"
            try:
                # Logs hold addresses: the file is for its owner only.
                self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
            except FileExistsError:
                continue
            self.path = path
            return self._file
        raise Unavailable(what=f"{self._folder} has a thousand files of this second")
