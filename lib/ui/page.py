"""The gate of a page: `console = open_page(__file__)` is its first statement."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from lib.access.viewer import Viewer
from lib.errors import DaybookError, NotPermitted, NotSignedIn
from lib.queries.console import Console
from lib.ui import visitor
from lib.ui.escaping import plain
from lib.ui.pages import PageRecord, page_of
from lib.words import Language, say_error


def open_page(file: str) -> Console:
    """The viewer's queries for the page of this file, or one sentence of refusal and the end of the run.

    It reads the viewer from the database and the page from the record that the menu shows, and so holds also where
    the page is the first request to a fresh server. A fragment or dialog can call it again to refuse in place; what
    it asks of the console is checked again anyway.
    """
    page, entry = page_of(file), visitor.entry()
    try:
        viewer = entry()
        require(page, viewer)
    except NotSignedIn as error:
        refuse(error, entry.language)
    except NotPermitted as error:
        refuse(error, viewer.language)
    return Console(viewer, visitor.house().store, visitor.house().settings, entry)


def require(page: PageRecord, viewer: Viewer) -> None:
    """Raise NotPermitted, which names the permission, when the page is not open to the viewer."""
    if not page.is_open_to(viewer):
        raise NotPermitted(permission=" / ".join(sorted(page.permissions)))


def refuse(error: DaybookError, language: Language) -> NoReturn:
    """Show what went wrong in one sentence, and end the run."""
    show_error(error, language)
    st.stop()
    raise AssertionError("st.stop returned")


def show_error(error: DaybookError, language: Language) -> None:
    """Show an error as a sentence. What a viewer typed stands in it as they typed it."""
    icon = ":material/lock:" if isinstance(error, NotPermitted | NotSignedIn) else ":material/error:"
    st.error(plain(say_error(error, language)), icon=icon)
