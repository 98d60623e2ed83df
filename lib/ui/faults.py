"""What a viewer sees of an exception: a sentence, and for what nobody foresaw a reference that is also in the log."""

from __future__ import annotations

import logging
import secrets

import streamlit as st

from lib.errors import DaybookError
from lib.ui import visitor
from lib.ui.page import show_error
from lib.words import Language, say

_log = logging.getLogger("daybook.pages")


def on_script_error(error: Exception) -> bool:
    """Say what happened in the viewer's language; returns True, so that Streamlit shows nothing of its own."""
    language = _language()
    if isinstance(error, DaybookError):
        show_error(error, language)
        return True
    reference = secrets.token_hex(4)
    _log.error("reference %s", reference, exc_info=error)
    st.error(say("shell.error", language, reference=reference), icon=":material/error:")
    return True


def _language() -> Language:
    entry = visitor.entry()
    try:
        return entry().language
    except DaybookError:
        return entry.language
