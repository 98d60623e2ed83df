"""AWS CloudTrail records as operations: who called what in which service, with what parameters, and how it ended.

Source: the record contents that the AWS CloudTrail user guide documents (event versions 1.0 to 1.11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

PRODUCT = "aws"

_VERB = re.compile(r"^(?:Batch|Admin)?([A-Z][a-z0-9]+)")

_CLASS_OF_VERB = {
    **dict.fromkeys(
        ("Add", "Allocate", "Copy", "Create", "Import", "Publish", "Register", "Request", "Restore", "Run", "Upload"),
        "addition",
    ),
    **dict.fromkeys(("Delete", "Deregister", "Purge", "Release", "Remove", "Terminate"), "deletion"),
    **dict.fromkeys(
        ("Check", "Describe", "Download", "Get", "Head", "List", "Lookup", "Query", "Scan", "Search", "Select", "View"),
        "querying",
    ),
}
"""The class by the first word of a call that changes something, or does not say; any other changes what is there."""

_CONSOLE = ("AwsConsoleSignIn", "AwsConsoleAction")
_NAMING = re.compile(r"^(.*?)(?:Name|Id|Arn|ARN)$")


def is_record(told: dict[str, Any]) -> bool:
    """Whether an object looks like a CloudTrail record at all."""
    return isinstance(told.get("eventSource"), str) and isinstance(told.get("eventName"), str)


def source_of(told: dict[str, Any]) -> str:
    """What numbers the record: the trail of an account."""
    return f"cloudtrail:{told.get('recipientAccountId') or _part(told, 'userIdentity').get('accountId') or ''}"


def operation_of(told: dict[str, Any]) -> dict[str, Any]:
    """The fields of an operation that a record says, as lib.collect.operations checks them."""
    object_type, object_name, object_id = _object(told)
    return {
        "occurred_at": told.get("eventTime"),
        "operator": _operator(told),
        "role": _role(told),
        "product": PRODUCT,
        "project": told.get("recipientAccountId"),
        "module": str(told["eventSource"]).removesuffix(".amazonaws.com"),
        "action": told["eventName"],
        "operation_class": _class(told),
        "object_type": object_type,
        "object_name": object_name,
        "object_id": object_id,
        "channel": _channel(told),
        "result": "failure" if _has_failed(told) else "success",
        "address": told.get("sourceIPAddress"),
        "request_id": told.get("requestID"),
        "user_agent": told.get("userAgent"),
        "new": _new(told),
        "content": _content(told),
    }


def _operator(told: dict[str, Any]) -> str:
    """A user's name; whoever took on a role, after it; a service; else whatever identifies them."""
    identity = _part(told, "userIdentity")
    if identity.get("type") == "Root":
        return "root"
    if isinstance(identity.get("userName"), str):
        return str(identity["userName"])
    _, is_assumed, assumed = str(identity.get("arn") or "").partition(":assumed-role/")
    if is_assumed:
        return assumed
    found = (identity.get(name) for name in ("invokedBy", "arn", "principalId", "accountId"))
    return str(next((each for each in found if each), told["eventSource"]))


def _role(told: dict[str, Any]) -> str | None:
    identity = _part(told, "userIdentity")
    issuer = _part(_part(identity, "sessionContext"), "sessionIssuer")
    role = issuer.get("userName") if identity.get("type") == "AssumedRole" else None
    return role or identity.get("type")


def _class(told: dict[str, Any]) -> str:
    if told.get("readOnly") in (True, "true"):
        return "querying"
    verb = _VERB.match(str(told["eventName"]))
    found = _CLASS_OF_VERB.get(verb[1], "modification") if verb else "modification"
    # What says itself that it is not read-only changes something, whatever it is called.
    return "modification" if found == "querying" and told.get("readOnly") is not None else found


def _channel(told: dict[str, Any]) -> str:
    if told.get("eventType") == "AwsServiceEvent" or _part(told, "userIdentity").get("type") == "AWSService":
        return "system"
    in_console = told.get("sessionCredentialFromConsole") in (True, "true")
    return "ui" if in_console or told.get("eventType") in _CONSOLE else "openapi"


def _has_failed(told: dict[str, Any]) -> bool:
    return bool(told.get("errorCode")) or _part(told, "responseElements").get("ConsoleLogin") == "Failure"


def _new(told: dict[str, Any]) -> Any:
    """The parameters of the call, and beside them what it answered: there are the names of what was made."""
    asked, answered = told.get("requestParameters"), told.get("responseElements")
    if told.get("eventType") == "AwsConsoleSignIn":
        asked = asked or told.get("additionalEventData")
    asked = asked if asked is not None else told.get("serviceEventDetails")
    if answered is None:
        return asked
    return {**asked, "responseElements": answered} if isinstance(asked, dict) else {"responseElements": answered}


def _content(told: dict[str, Any]) -> str:
    said = (told.get("awsRegion"), told.get("errorCode"), told.get("errorMessage"))
    return ": ".join(str(each) for each in said if each)


def _object(told: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Type, name and id of what the call was about: the first resource that the record names, else a parameter."""
    resources = told.get("resources")
    named = [each for each in resources if isinstance(each, dict)] if isinstance(resources, list) else []
    for resource in sorted(named, key=lambda each: not each.get("type")):
        arn = str(resource.get("ARN") or resource.get("ARNPrefix") or "")
        if arn:
            return resource.get("type") or _type_in(arn), _name_in(arn), arn
    parameters = dict(_namings(_part(told, "requestParameters")))
    noun = _VERB.sub("", str(told["eventName"]))
    noun = noun[:1].lower() + noun[1:]
    for key in (f"{noun}Name", f"{noun}Id", f"{noun}Arn", "name", *parameters):
        if key in parameters:
            kind = _NAMING.match(key)
            return (kind[1] if kind else noun), _name_in(parameters[key]), parameters[key]
    return None, None, None


def _namings(parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The parameters that name something, and those of the first member of a set of them."""
    for key, value in parameters.items():
        if isinstance(value, str) and value and (key == "name" or _NAMING.match(key)):
            yield key, value
        items = value.get("items") if isinstance(value, dict) else None
        if isinstance(items, list) and items and isinstance(items[0], dict):
            # A "name" there is that of a filter.
            yield from ((inner, each) for inner, each in _namings(items[0]) if inner != "name")


def _name_in(arn_or_path: str) -> str:
    """The last part of an ARN or a path."""
    last = re.split(r"[/:]" if arn_or_path.startswith("arn:") else "/", arn_or_path)[-1]
    return last or arn_or_path


def _type_in(arn: str) -> str | None:
    """What kind of thing an ARN names: its service where it does not say, as S3's do not."""
    parts = arn.split(":")
    if len(parts) > 5 and parts[4]:
        return parts[5].partition("/")[0]
    return parts[2] if len(parts) > 2 else None


def _part(told: dict[str, Any], name: str) -> dict[str, Any]:
    value = told.get(name)
    return value if isinstance(value, dict) else {}
