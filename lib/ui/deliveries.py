"""A file on its way to whoever redeemed a ticket: its rows asked for, written, counted, and recorded at its end."""

from __future__ import annotations

from collections.abc import Generator

from lib.errors import DaybookError
from lib.export.formats import FORMAT_BY_KEY, ExportFormat
from lib.export.progress import Progress
from lib.export.writing import Writing
from lib.queries.console import Console
from lib.queries.export_tickets import ExportTickets, Redeemed
from lib.queries.rooms import room
from lib.settings import Settings
from lib.store import Store
from lib.words import Language

_LEFT = "the reader went away"


class Delivery:
    """A file that has begun: its first part is there, so what goes wrong at once is told before any header."""

    def __init__(self, file_name: str, written_as: ExportFormat, parts: Generator[bytes]) -> None:
        self.file_name = file_name
        self.format = written_as
        self._parts = parts
        self._first = next(parts, None)

    def part(self) -> bytes | None:
        """The next part; None after the last."""
        part, self._first = self._first, None
        return next(self._parts, None) if part is None else part

    def close(self) -> None:
        """End it wherever it is: the rows' transaction ends, and how far it came is recorded."""
        self._parts.close()


class Deliveries:
    """Makes files for redeemed tickets."""

    def __init__(self, store: Store, settings: Settings, tickets: ExportTickets) -> None:
        self._store = store
        self._settings = settings
        self._tickets = tickets

    def begun(self, redeemed: Redeemed, progress: Progress) -> Delivery:
        """Ask for the rows, write the first part, and leave the rest to whoever takes it."""
        request = redeemed.request
        return Delivery(request.file_name, FORMAT_BY_KEY[request.format], self._recorded(redeemed, progress))

    def _recorded(self, redeemed: Redeemed, progress: Progress) -> Generator[bytes]:
        """The file's parts. The last one leaves after the record that says what left; one that is broken off has a
        record of how far it came."""
        request, broken_off = redeemed.request, "it failed"
        writing = Writing((), {}, FORMAT_BY_KEY[request.format])
        try:
            writing = self._writing(redeemed, progress)
            waiting = b""
            for part in writing:
                if waiting:
                    yield waiting
                waiting = part
            self._tickets.finish(redeemed, writing.manifest(request.file_name).recorded())
            broken_off = ""
            progress.end(writing.manifest(request.file_name))
            yield waiting
        except GeneratorExit:
            broken_off = broken_off and _LEFT
            raise
        except DaybookError as error:
            broken_off = broken_off and str(error)
            raise
        finally:
            if broken_off:
                self._break_off(redeemed, writing, broken_off, progress)

    def _break_off(self, redeemed: Redeemed, writing: Writing, why: str, progress: Progress) -> None:
        manifest = writing.manifest(redeemed.request.file_name)
        progress.end(manifest, why)
        self._tickets.finish(redeemed, manifest.recorded(), why)

    def _writing(self, redeemed: Redeemed, progress: Progress) -> Writing:
        request = redeemed.request
        console = Console(redeemed.viewer, self._store, self._settings)
        exportable = room(request.room).exportable(console, request.asked).only(request.columns)
        progress.total = exportable.count()
        headings = exportable.said(Language(request.language))
        rows = exportable.rows()
        return Writing(rows, headings, FORMAT_BY_KEY[request.format], request.zone, progress.came_to)

