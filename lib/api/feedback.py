"""`/api/v1/feedback`: what users told, or how many did, with the permissions of the page."""

from __future__ import annotations

import polars as pl

from lib.access.permissions import Permission
from lib.api.logs import COUNT, ID, INSTANT, PERIOD, period_of
from lib.api.operations import MOST_AT_ONCE
from lib.api.parameters import (
    TENANT,
    key_of,
    number_of,
    older_than,
    one_of,
    text_of,
)
from lib.api.resources import Asked, Resource, row_schema
from lib.feedback.types import FEEDBACK_KINDS, FEEDBACK_TYPES
from lib.queries.console import Console
from lib.queries.feedback_filter import FeedbackFilter
from lib.queries.feedback_flat import feedback_counts, feedback_told
from lib.queries.feedback_rows import ROW
from lib.store.time_ids import LAST_INSTANT
from lib.usage.buckets import Grain

_TYPES, _KINDS = tuple(each.key for each in FEEDBACK_TYPES), tuple(each.key for each in FEEDBACK_KINDS)
_NAMED = ("mini_program", "type", "application", "kind", "version", "os", "keyword")


def _answer(console: Console, asked: Asked) -> pl.DataFrame:
    wanted = FeedbackFilter(*period_of(asked, LAST_INSTANT), **{name: asked[name] for name in _NAMED})
    if asked["grain"] is not None:
        return feedback_counts(console.feedback, wanted, Grain(asked["grain"]))
    return feedback_told(console.feedback.page(wanted, asked["before"], asked["limit"]))


_TEXT = {"type": "string"}
_PLACE = {"type": ["string", "null"], "description": "Null where it came from no application that is known."}
_FEEDBACK = row_schema(
    {
        **dict.fromkeys(ROW, _TEXT),
        "id": ID,
        "occurred_at": INSTANT,
        "received_at": INSTANT,
        "type": {"type": "string", "enum": list(_TYPES)},
        "kind": {"type": "string", "enum": ["", *_KINDS], "description": "Of an abnormality."},
        "application": _PLACE,
        "application_name": _PLACE,
        "contact": {"type": ["string", "null"], "description": "Null without feedback_contact:read."},
        "image_count": COUNT,
        "log_id": {**ID, "type": ["string", "null"], "description": "Of the log that came with it."},
    }
)
_COUNTS = row_schema(
    {"bucket": INSTANT, **dict.fromkeys(("count", *_TYPES), COUNT)}, optional=("bucket", "complaint")
)

FEEDBACK = Resource(
    path="/api/v1/feedback",
    summary="User feedback",
    description="What users told, newest first; with `grain`, how many there were of each type, in buckets of which "
    "empty ones are left out. Complaints are for administrators, and are neither listed nor counted for others.",
    permission=Permission.FEEDBACK_READ,
    parameters=(
        *PERIOD,
        key_of("mini_program", "Only of this mini program.", "shop"),
        key_of("application", "Only of this application.", "wechat"),
        one_of("type", _TYPES, "Only of this type."),
        one_of("kind", _KINDS, "Only this kind of abnormality."),
        text_of("version", "Only of this version of the mini program.", "2.1.0"),
        text_of("os", "Only of this operating system.", "iOS"),
        text_of("keyword", "Only with this in content, user, device, versions or contact, in any case.", "闪退"),
        number_of("limit", "At most so many rows.", MOST_AT_ONCE, 100),
        older_than("a feedback", "feedback", "7529445256826723857"),
        TENANT,
    ),
    answer=_answer,
    row={"anyOf": [_FEEDBACK, _COUNTS]},
    example=(
        {
            "id": "7529445256826723857",
            "occurred_at": "2024-05-12T09:27:19.555000+00:00",
            "received_at": "2024-05-12T09:27:20.000000+00:00",
            "type": "abnormality",
            "kind": "crash",
            "mini_program": "shop",
            "mini_program_name": "Shop",
            "application": "wechat",
            "application_name": "WeChat",
            "content": "点击支付后闪退",
            "contact": None,
            "user": "u-1",
            "app_version": "8.0.1",
            "mini_program_version": "2.1.0",
            "os": "iOS",
            "device": "iPhone15,2",
            "image_count": 1,
            "log_id": None,
            "source": "http",
            "client_id": "m-1",
        },
    ),
)
