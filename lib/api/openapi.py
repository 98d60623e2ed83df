"""The OpenAPI description of the read API, made of the records that serve it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from lib.api.parameters import Parameter
from lib.api.resources import NOTICE, Resource

PATH = "/api/v1/openapi.json"

_PROBLEM = {
    "type": "object",
    "properties": {
        "error": {"type": "string", "description": "What kind of problem it is."},
        "message": {"type": "string", "description": "What happened and what to do, in one sentence."},
        "id": {"type": "string", "description": "The request's id, which the server's log names."},
    },
    "required": ["error", "message", "id"],
    "additionalProperties": False,
}

_HEADERS = {
    NOTICE: {"description": "What is off about these rows, where anything is.", "schema": {"type": "string"}},
}

PROBLEMS = {
    400: "A parameter is unknown, missing or wrong.",
    401: "There is no token, or it does not work (any more).",
    403: "The token's account may not read this.",
    404: "A key names nothing that the account sees.",
    503: "The database is away; try again later.",
}


def description(resources: Sequence[Resource]) -> dict[str, Any]:
    """The whole description, as OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Daybook read API",
            "version": version("daybook"),
            "description": "The same figures and rows as the pages, under the same permissions. Send a token of an "
            "account (`daybook token add`) in the header `Authorization: Bearer dbk_...`.",
        },
        "security": [{"token": []}],
        "paths": {each.path: {"get": _operation(each)} for each in resources},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": _PROBLEM},
        },
    }


def _operation(resource: Resource) -> dict[str, Any]:
    rows = {"type": "array", "items": dict(resource.row)}
    answer = {"schema": rows, "example": [dict(row) for row in resource.example]}
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": resource.path.rpartition("/")[2].replace("-", "_"),
        "summary": resource.summary,
        "description": f"{resource.description} Needs the permission `{resource.permission.value}`.",
        "parameters": [_parameter(each) for each in resource.parameters],
        "responses": {
            "200": {"description": "The rows.", "headers": _HEADERS, "content": {"application/json": answer}},
            **{str(status): {"description": words, "content": problem} for status, words in PROBLEMS.items()},
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "required": parameter.is_required,
        "schema": dict(parameter.schema),
    }
    return described if parameter.example is None else {**described, "example": parameter.example}
