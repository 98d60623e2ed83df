"""The files of one type: taken away one by one or several as a zip, and deleted after a second question."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from lib.access.permissions import Permission
from lib.logs.files.folder import LogFile
from lib.queries.console import Console
from lib.queries.server_logs import KeptType
from lib.ui import fetching, second_question
from lib.ui.sizes import size_text
from lib.ui.tables import Column, Kind, chosen_rows

COLUMNS = (
    Column("file", "server_logs.file_name", width=320),
    Column("size", "server_logs.size", width=100),
    Column("written", "server_logs.written", Kind.INSTANT, width=160),
    Column("state", "server_logs.state", width=220),
)

_DONE = "slog.done"


def draw(console: Console, kept: KeptType, zone: str) -> None:
    """The table and what can be done with the files that are chosen in it."""
    done = st.session_state.pop(_DONE, None)
    if done is not None:
        st.success(console.say("server_logs.deleted", count=done), icon=":material/check_circle:")
    if not kept.files:
        return
    chosen = _table(console, kept, zone)
    if not chosen:
        st.caption(console.say("server_logs.choose_files"))
        return
    with st.container(horizontal=True):
        _download(console, chosen)
        if console.viewer.allows(Permission.SERVER_LOG_MANAGE):
            _delete(console, chosen)


def _table(console: Console, kept: KeptType, zone: str) -> list[LogFile]:
    rows = [(file.name, size_text(file.size_bytes), file.written_at, _state(console, file)) for file in kept.files]
    schema = {"file": pl.String(), "size": pl.String(), "written": pl.Datetime("us", "UTC"), "state": pl.String()}
    files = pl.DataFrame(rows, schema=schema, orient="row")
    # A deleted file's place is another's: the selection ends with the list that it was made in.
    among = f"{kept.log_type.key}.{hash(tuple(file.key for file in kept.files))}"
    return [kept.files[row] for row in chosen_rows(console, "log_files", files, COLUMNS, zone=zone, among=among)]


def _download(console: Console, chosen: Sequence[LogFile]) -> None:
    several = len(chosen) > 1
    label = console.say("server_logs.download_several", count=len(chosen)) if several else None
    label = label or console.say("server_logs.download")
    keys = ",".join(file.key for file in chosen)
    fetching.button(label, f"export/server-logs/{keys}", "slog.download")


def _delete(console: Console, chosen: Sequence[LogFile]) -> None:
    names = chosen[0].name
    if len(chosen) > 1:
        names = console.say("server_logs.files_named", first=names, count=len(chosen) - 1)
    question = console.say("server_logs.delete_question", files=names)
    label, sure = console.say("server_logs.delete"), console.say("server_logs.delete_sure")

    def act() -> None:
        st.session_state[_DONE] = console.server_logs.delete([file.key for file in chosen])

    second_question.button(console, label, question, sure, act, "slog.delete")


def _state(console: Console, file: LogFile) -> str:
    key = "live" if file.closed_on is None else "archive" if file.is_compressed else "closed"
    return console.say(f"server_logs.state_{key}")
