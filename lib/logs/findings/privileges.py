"""Which operations give somebody more rights than before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
import polars as pl

from lib.logs.catalogue import entries, products

AWS_ACTIONS: Final = (
    "AddRoleToInstanceProfile",
    "AddUserToGroup",
    "AttachGroupPolicy",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "CreateAccessKey",
    "CreateLoginProfile",
    "CreatePolicyVersion",
    "PutGroupPolicy",
    "PutRolePolicy",
    "PutUserPolicy",
    "SetDefaultPolicyVersion",
    "UpdateAssumeRolePolicy",
    "UpdateLoginProfile",
)
"""Calls of AWS that give rights, or a new way in."""

_RANKS = {"ordinary": 0, "platform": 1, "system": 2}
_TAKES_AWAY = ("delete", "remove", "revoke", "cancel")


def may_raise() -> pl.Expr:
    """Operations of which the body may tell a raise: of Daybook, those that change accounts and roles."""
    ours = (
        (pl.col("product") == "daybook")
        & (pl.col("module") == "administration")
        & pl.col("submodule").is_in(["account", "role"])
        & pl.col("action").is_in(["add", "edit"])
    )
    of_aws = (pl.col("product") == "aws") & pl.col("action").is_in(AWS_ACTIONS)
    key = pl.concat_str("product", "module", "submodule", "action", separator="\n")
    return (ours | of_aws | key.is_in(_granting())) & (pl.col("result") == "success")


def raised(product: str, object_name: str, body: str) -> list[str]:
    """What was given to whom, as short texts; none where nothing was raised."""
    if product != "daybook":
        return [object_name]
    told = orjson.loads(body)
    old, new = _mapping(told.get("old")), _mapping(told.get("new"))
    gains = _gains_of_role(old, new) if told.get("submodule") == "role" else _gains_of_account(old, new)
    return [f"{object_name}: {gain}" for gain in gains]


def _granting() -> list[str]:
    """The catalogued operations of other products that give rights."""
    return [
        "\n".join(entry.key)
        for product in products()
        if product != "daybook"
        for entry in entries(product)
        if entry.kind == "permission" and not entry.action.startswith(_TAKES_AWAY)
    ]


def _gains_of_role(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    # A new role gives nothing until somebody has it.
    return _more(old, new, "permissions") if old else []


def _gains_of_account(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    gains = _more(old, new, "roles")
    if _RANKS.get(str(new.get("type")), 0) > _RANKS.get(str(old.get("type")), 0):
        gains.insert(0, str(new["type"]))
    if old and (old.get("application_scope"), new.get("application_scope")) == ("listed", "every"):
        gains.append("every application")
    return gains


def _more(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> list[str]:
    before, after = (value if isinstance(value := each.get(name), list) else [] for each in (old, new))
    return [str(each) for each in after if each not in before]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
