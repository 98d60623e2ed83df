"""The download beside each table: format, file name, how many rows, and what could not be kept.

A short file is made in memory; a long one is fetched with a ticket while it is made (lib.ui.export_route).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from secrets import token_hex

import streamlit as st

from lib.access.permissions import Permission
from lib.access.tokens import hash_of_token
from lib.errors import DaybookError
from lib.export.csv import LACKED
from lib.export.formats import CSV_GBK, FORMAT_BY_KEY, FORMATS, ExportFormat
from lib.export.names import LONGEST_NAME, default_name, file_name
from lib.export.progress import UNDERWAY
from lib.export.writing import Manifest, Writing
from lib.queries.console import Console
from lib.queries.exportable import Exportable
from lib.queries.exports import Export, ExportRequest
from lib.ui import visitor
from lib.ui.page import show_error

MOST_ROWS_AT_ONCE = 10_000
MOST_BYTES_AT_ONCE = 5_000_000
"""A file with more rows or bytes is not kept in memory, where its room can make it again."""

BEGINS_WITHIN_SECONDS = 15.0
"""After that a browser that was told to fetch a file is not going to."""

_SCRIPT = """
const done = new Set();
export default function ({ data, parentElement }) {
  if (!data.ticket || done.has(data.ticket)) return;
  done.add(data.ticket);
  const link = document.createElement("a");
  link.href = new URL("export/" + data.ticket, document.baseURI);
  link.download = "";
  parentElement.appendChild(link); // elsewhere the click would be one beside the popover, and close it
  link.click();
  link.remove();
}
"""


@dataclass(frozen=True)
class _File:
    """What the viewer chose: which rows, as what, under which name."""

    exportable: Exportable
    format: ExportFormat
    name: str


@dataclass(frozen=True)
class _Fetched:
    """A ticket that the browser was given, and when."""

    ticket: str
    given_at: float
    format: str


def control(console: Console, exportable: Exportable) -> None:
    """The button that opens the choices. Who may not export gets none."""
    if console.viewer.allows(Permission.EXPORT_CREATE):
        _control(console, exportable)


@st.fragment
def _control(console: Console, exportable: Exportable) -> None:
    popover = st.popover(
        console.say("download.open"),
        icon=":material/download:",
        type="tertiary",
        key=_key(exportable, "open"),
        on_change="rerun",
    )
    if not popover.open:
        return
    with popover:
        try:
            _choices(console, exportable)
        except DaybookError as error:
            show_error(error, console.viewer.language)


def _choices(console: Console, exportable: Exportable) -> None:
    chosen = st.segmented_control(
        console.say("download.format"),
        list(FORMAT_BY_KEY),
        format_func=lambda key: console.say(FORMAT_BY_KEY[key].words),
        default=FORMATS[0].key,
        required=True,
        key=_key(exportable, "format"),
    )
    kind = exportable.file_kind(console.viewer.language)
    default = default_name(kind, exportable.first, exportable.last)
    typed = st.text_input(console.say("download.name"), default, max_chars=LONGEST_NAME, key=_key(exportable, "name"))
    written_as = FORMAT_BY_KEY[chosen or FORMATS[0].key]
    file = _File(exportable, written_as, file_name(typed, default, written_as))
    count = exportable.count()
    manifest = None if exportable.room and count > MOST_ROWS_AT_ONCE else _manifest(console, file)
    if manifest is None:
        _by_ticket(console, file, count)
    else:
        _at_once(console, file, manifest)


def _manifest(console: Console, file: _File) -> Manifest | None:
    """What the file would be; None where it is too long to be kept."""
    writing = _writing(console, file)
    size = 0
    for part in writing:
        size += len(part)
        if file.exportable.room and size > MOST_BYTES_AT_ONCE:
            return None
    return writing.manifest(file.name)


def _at_once(console: Console, file: _File, manifest: Manifest) -> None:
    _lost(console, manifest)
    st.download_button(
        console.say("download.fetch", rows=f"{manifest.rows:,}"),
        data=partial(_recorded, console, file),
        file_name=file.name,
        mime=file.format.mime,
        key=_key(file.exportable, "fetch"),
        on_click="ignore",
        type="primary",
        icon=":material/download:",
    )
    _hash(console, manifest)


def _recorded(console: Console, file: _File) -> bytes:
    """The file, once the operation log has it; the button may have been drawn while the viewer still had the right."""
    writing = _writing(console, file)
    written = b"".join(writing)
    exportable = file.exportable
    export = Export(token_hex(8), exportable.kind, file.name, exportable.asked)
    console.exports.note(export, writing.manifest(file.name).recorded())
    return written


def _writing(console: Console, file: _File) -> Writing:
    exportable = file.exportable
    return Writing(exportable.rows(), exportable.said(console.viewer.language), file.format, exportable.zone)


def _by_ticket(console: Console, file: _File, count: int) -> None:
    exportable, key = file.exportable, _key(file.exportable, "fetched")
    st.caption(console.say("download.large"))
    if st.button(
        console.say("download.fetch", rows=f"{count:,}"),
        key=_key(exportable, "begin"),
        type="primary",
        icon=":material/download:",
    ):
        request = ExportRequest(
            exportable.room,
            exportable.asked,
            tuple(exportable.headings),
            file.format.key,
            file.name,
            console.viewer.language.value,
            exportable.zone,
        )
        ticket = console.exports.ticket(visitor.badge(), request)
        st.session_state[key] = _Fetched(ticket, time.monotonic(), file.format.key)
    fetched = st.session_state.get(key)
    if fetched is not None:
        fetch = st.components.v2.component("downloader", js=_SCRIPT)
        fetch(data={"ticket": fetched.ticket}, key=_key(exportable, "go"))
        _progress(console, fetched)


@st.fragment(run_every=1.0)
def _progress(console: Console, fetched: _Fetched) -> None:
    """How far a file has come; at its end, what was written."""
    found = UNDERWAY.of(hash_of_token(fetched.ticket))
    if found is None:
        late = time.monotonic() - fetched.given_at > BEGINS_WITHIN_SECONDS
        st.caption(console.say("download.not_begun" if late else "download.beginning"))
    elif found.manifest is None:
        share = min(found.rows / found.total, 1.0) if found.total else 0.0
        st.progress(share, console.say("download.progress", rows=f"{found.rows:,}", total=f"{found.total:,}"))
    elif found.broken_off:
        st.error(console.say("download.broken_off", rows=f"{found.rows:,}", why=found.broken_off))
    else:
        st.success(console.say("download.done", rows=f"{found.rows:,}"), icon=":material/check_circle:")
        _lost(console, found.manifest)
        _hash(console, found.manifest)


def _lost(console: Console, manifest: Manifest) -> None:
    """What the format could not keep."""
    if manifest.replaced:
        mark = LACKED if manifest.format == CSV_GBK.key else "\ufffd"
        st.warning(console.say("download.replaced", count=f"{manifest.replaced:,}", mark=mark))
    if manifest.cut:
        st.warning(console.say("download.cut", count=f"{manifest.cut:,}"))


def _hash(console: Console, manifest: Manifest) -> None:
    with st.container(gap="xsmall"):
        st.caption(console.say("download.size", size=_size(manifest.size_bytes)))
        st.code(manifest.sha256, language=None, wrap_lines=True)


def _size(size_bytes: int) -> str:
    if size_bytes < 1_000:
        return f"{size_bytes} B"
    return f"{size_bytes / 1_000:,.1f} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1_000_000:,.1f} MB"


def _key(exportable: Exportable, part: str) -> str:
    return f"download.{exportable.kind}.{part}"
