"""What was attached to a feedback: pictures are shown from Daybook's own route, anything else is only saved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from lib.queries.console import Console
from lib.queries.feedback import Image
from lib.ui import fetching
from lib.ui.escaping import plain
from lib.ui.sizes import size_text

_HTML = '<div class="images"></div>'
_LONGEST_NAME = 60


def draw(console: Console, attached: Sequence[Image]) -> None:
    """The pictures side by side, each a link to itself in full size, and a button for each other file."""
    pictures = [image for image in attached if image.is_picture]
    others = [image for image in attached if not image.is_picture]
    if pictures:
        st.markdown(f"**{console.say('feedback.images')}**")
        shown = st.components.v2.component(
            "feedback_images", html=_HTML, css=_asset("images.css"), js=_asset("images.js")
        )
        told = [
            {
                "path": path_of(console, image),
                "alt": console.say("feedback.image", number=number, count=len(pictures)),
                "width": image.width,
                "height": image.height,
            }
            for number, image in enumerate(pictures, 1)
        ]
        words = {"opens": console.say("feedback.image_opens"), "gone": console.say("feedback.image_gone")}
        shown(data={"images": told, **words}, key="feedback_images")
    if others:
        st.markdown(f"**{console.say('feedback.attachments')}**")
    for image in others:
        label = f"{image.name[:_LONGEST_NAME]} · {size_text(image.size_bytes)}"
        fetching.button(plain(label), path_of(console, image), f"ufb.attachment.{image.id}")


def path_of(console: Console, image: Image) -> str:
    """Where the route has it, from Daybook's own address."""
    return f"feedback/images/{image.id}?tenant={quote(console.viewer.tenant_key)}"


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")
