"""Bodies with files: multipart forms and files as they are, cut at their limit while they stream, never in memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from lib.collect.answers import Refused
from lib.collect.bodies import json_of
from lib.errors import Unavailable

FORM_SECONDS = 300
"""How long a body with files may take to come: a telephone on a slow network sends them."""

_FIELDS = 60
_FIELD_BYTES = 256 * 1024
_HELD_BYTES = 1 << 20
_JSON_NAMES = frozenset({"feedback", "json", "data", "payload", "body"})


@dataclass(frozen=True)
class Part:
    """A file of a request: what its sender calls it, its size, and its bytes, which stand at their beginning."""

    field: str
    name: str
    size_bytes: int
    source: BinaryIO


@dataclass
class Form:
    """The fields of a request, those of its JSON part among them, and its files."""

    told: dict[str, Any] = field(default_factory=dict)
    files: list[Part] = field(default_factory=list)


@asynccontextmanager
async def form_of(request: Request, *, most: int, files: int) -> AsyncIterator[Form]:
    """The form that a multipart request is; its files go away with it. Raises Refused and Unavailable."""
    _require_plain(request)
    _require_length(request, most)
    parser = MultiPartParser(
        request.headers,
        _capped(request, most),
        max_files=files + 1,  # of which one may be JSON
        max_fields=_FIELDS,
        max_part_size=_FIELD_BYTES,
    )
    try:
        async with asyncio.timeout(FORM_SECONDS):
            parsed = await parser.parse()
    except MultiPartException as error:
        raise Refused(400, "invalid_form", f"The form cannot be read: {error.message}") from error
    except TimeoutError as error:
        raise _too_slow() from error
    except OSError as error:
        raise Unavailable(what=f"The file cannot be kept for the moment ({error.strerror})") from error
    try:
        form = Form()
        for name, value in parsed.multi_items():
            if isinstance(value, str):
                _add_field(form, name, value)
            elif _is_json(name, value):
                _add_json(form, await value.read(_FIELD_BYTES + 1))
            else:
                form.files.append(Part(name, value.filename or "", value.size or 0, value.file))
        if len(form.files) > files:
            raise Refused(400, "too_many_files", f"The form has more than {files} files")
        yield form
    finally:
        await parsed.close()


@asynccontextmanager
async def raw_of(request: Request, *, most: int) -> AsyncIterator[Form]:
    """A body that is a file itself, named by a header or the query; further fields are those of the query.

    Raises Refused and Unavailable.
    """
    _require_plain(request)
    _require_length(request, most)
    size = 0
    with tempfile.SpooledTemporaryFile(max_size=_HELD_BYTES) as source:
        try:
            async with asyncio.timeout(FORM_SECONDS):
                async for part in _capped(request, most):
                    size += len(part)
                    await run_in_threadpool(source.write, part)
        except TimeoutError as error:
            raise _too_slow() from error
        except OSError as error:
            raise Unavailable(what=f"The file cannot be kept for the moment ({error.strerror})") from error
        source.seek(0)
        told: dict[str, Any] = dict(request.query_params)
        yield Form(told, [Part("", _name_in(request), size, cast(BinaryIO, source))])


async def _capped(request: Request, most: int) -> AsyncGenerator[bytes]:
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise _too_large(most)
            yield part
    except ClientDisconnect as error:
        raise Refused(400, "cut_short", "The connection ended before the body did") from error


def _is_json(name: str, file: UploadFile) -> bool:
    said = (file.content_type or "").partition(";")[0].strip().lower()
    return said == "application/json" and (name.lower() in _JSON_NAMES or not (file.filename or "").endswith(".json"))


def _add_field(form: Form, name: str, value: str) -> None:
    if name.lower() in _JSON_NAMES and value.lstrip().startswith("{"):
        _add_json(form, value.encode())
    elif value != "":
        form.told.setdefault(name, value)


def _add_json(form: Form, written: bytes) -> None:
    if len(written) > _FIELD_BYTES:
        raise Refused(413, "too_large", f"The JSON of the form is larger than {_FIELD_BYTES} bytes")
    told = json_of(written)
    if not isinstance(told, dict):
        raise Refused(400, "not_an_object", "The JSON of the form is not an object")
    form.told.update(told)


def _name_in(request: Request) -> str:
    """What a raw body is called: in `X-Filename` (perhaps percent-encoded), Content-Disposition, or the query."""
    headers = request.headers
    if said := headers.get("x-filename") or headers.get("x-file-name"):
        return _unquoted(said)
    for parameter in headers.get("content-disposition", "").split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() in {"filename", "filename*"}:
            return _unquoted(value.rpartition("''")[2] if name.endswith("*") else value.strip('"'))
    return request.query_params.get("name") or request.query_params.get("filename") or ""


def _unquoted(said: str) -> str:
    try:
        # Servers read headers as Latin-1: whoever sent bare UTF-8 is understood as well.
        return unquote(said.encode("latin-1").decode("utf-8"))
    except UnicodeError:
        return unquote(said)


def _require_plain(request: Request) -> None:
    said = request.headers.get("content-encoding", "identity").lower()
    if said not in {"identity", ""}:
        what = "Files are sent as they are: compress the file instead of the request"
        raise Refused(415, "unknown_encoding", what, field="Content-Encoding")


def _require_length(request: Request, most: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise _too_large(most)


def _too_large(most: int) -> Refused:
    return Refused(413, "too_large", f"The body is larger than {most} bytes", ends_connection=True)


def _too_slow() -> Refused:
    return Refused(408, "too_slow", f"The body did not come within {FORM_SECONDS} seconds", ends_connection=True)
