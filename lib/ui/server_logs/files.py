"""The files of one type: taken away one by one or several as a zip, and deleted after a second question."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex

import polars as pl
import streamlit as st

from lib.access.permissions import Permission
from lib.errors import DaybookError
from lib.logs.files.folder import LogFile
from lib.queries.console import Console
from lib.queries.server_logs import KeptType
from lib.ui.page import show_error
from lib.ui.sizes import size_text
from lib.ui.tables import MOST_ROWS_IN_SIGHT, ROW_HEIGHT

_DONE, _FETCH = "slog.done", "slog.fetch"

_SCRIPT = """
const done = new Set();
export default function ({ data }) {
  if (!data.files || done.has(data.once)) return;
  done.add(data.once);
  const link = document.createElement("a");
  link.href = new URL("export/server-logs/" + data.files, document.baseURI);
  link.download = "";
  document.body.appendChild(link);
  link.click();
  link.remove();
}
"""


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
    written = pl.col("written").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    config = st.column_config
    selected = st.dataframe(
        pl.DataFrame(rows, schema=schema, orient="row").with_columns(written),
        hide_index=True,
        row_height=ROW_HEIGHT,
        height="content" if len(rows) <= MOST_ROWS_IN_SIGHT else (MOST_ROWS_IN_SIGHT + 1) * ROW_HEIGHT,
        on_select="rerun",
        selection_mode="multi-row",
        # A deleted file's place is another's: the selection ends with the list that it was made in.
        key=f"slog.files.{kept.log_type.key}.{hash(tuple(file.key for file in kept.files))}",
        column_config={
            "file": config.TextColumn(console.say("server_logs.file_name"), width=320),
            "size": config.TextColumn(console.say("server_logs.size"), width=100),
            "written": config.DatetimeColumn(console.say("server_logs.written"), format="YYYY-MM-DD HH:mm", width=160),
            "state": config.TextColumn(console.say("server_logs.state"), width=220),
        },
        alt=console.say("table.log_files", rows=len(rows)),
    )
    return [kept.files[row] for row in selected["selection"]["rows"] if 0 <= row < len(kept.files)]


def _download(console: Console, chosen: Sequence[LogFile]) -> None:
    several = len(chosen) > 1
    label = console.say("server_logs.download_several", count=len(chosen)) if several else None
    label = label or console.say("server_logs.download")
    if st.button(label, icon=":material/download:", type="primary", key="slog.download"):
        st.session_state[_FETCH] = {"files": ",".join(file.key for file in chosen), "once": token_hex(8)}
    fetch = st.session_state.pop(_FETCH, None)
    st.components.v2.component("log_downloader", js=_SCRIPT)(data=fetch or {}, key="slog.downloader")


def _delete(console: Console, chosen: Sequence[LogFile]) -> None:
    if st.button(console.say("server_logs.delete"), icon=":material/delete:", key="slog.delete"):
        st.dialog(console.say("server_logs.delete"))(_question)(console, chosen)


def _question(console: Console, chosen: Sequence[LogFile]) -> None:
    names = chosen[0].name
    if len(chosen) > 1:
        names = console.say("server_logs.files_named", first=names, count=len(chosen) - 1)
    st.write(console.say("server_logs.delete_question", files=names))
    if not st.button(console.say("server_logs.delete_sure"), type="primary", key="slog.delete_sure"):
        return
    try:
        st.session_state[_DONE] = console.server_logs.delete([file.key for file in chosen])
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return
    st.rerun()


def _state(console: Console, file: LogFile) -> str:
    key = "live" if file.closed_on is None else "archive" if file.is_compressed else "closed"
    return console.say(f"server_logs.state_{key}")
