"""The catalogue of operations: all that was given of two products, and all that Daybook does itself."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from lib.logs import policies
from lib.logs.catalogue import (
    CLASS_OF_KIND,
    CLASSES,
    OpenApi,
    actions_of,
    catalogued,
    entries,
    labels_of_values,
    modules_of,
    products,
    submodules_of,
    words_of,
)
from lib.logs.catalogue.entries import Entry, Words
from lib.words import Language
from tests.house.source import Source, sources
from tests.lib.acts import Acts, Recorded

HAN = re.compile(r"[\u4e00-\u9fff]")

OF_EVERY_SECTION = {"operation_log", "finding"}
"""Modules whose acts are those of pages and jobs that stand apart."""


@pytest.fixture(scope="module")
def given(samples: Path) -> list[dict[str, Any]]:
    """The operations of the two products as they were given."""
    whole = yaml.safe_load((samples.parent / "catalogue" / "operations.yaml").read_text("utf-8"))
    operations: list[dict[str, Any]] = whole["operations"]
    assert len(operations) == whole["counts"]["total"] == 162
    return operations


def key_of(operation: dict[str, Any]) -> tuple[str, str, str, str]:
    submodule = operation["submodule"]
    keys = (operation["module"]["key"], submodule["key"] if submodule else "", operation["action"]["key"])
    return operation["product"], *keys


def fields_of(items: list[dict[str, Any]], within: str = "") -> dict[tuple[str, str], Words]:
    """The fields by path and condition; one that is written twice is one."""
    found = {}
    for item in items:
        path = within + item["key"]
        words = Words(item["en"].removesuffix(" [sic]"), item["zh"])
        found[path, item.get("only_when") or item.get("variant") or ""] = words
        found |= fields_of(item.get("items", []), f"{path}.")
    return found


@pytest.mark.spec("O2")
def test_all_162_operations_are_in_the_catalogue_and_no_others(given: list[dict[str, Any]]) -> None:
    ours = [entry.key for product in ("datafinder", "dmhub") for entry in entries(product)]
    assert Counter(ours) == Counter(key_of(operation) for operation in given)
    assert len(entries("datafinder")) == 97
    assert len(entries("dmhub")) == 65


@pytest.mark.spec("O2")
def test_each_says_what_was_given_of_it(given: list[dict[str, Any]]) -> None:
    for operation in given:
        entry = catalogued(*key_of(operation))
        assert entry is not None
        values, items = operation["old_new"] or {}, (operation["recorded_fields"] or {}).get("items") or []
        assert entry.kind == operation["derived_class"], entry.key
        assert entry.old == (Words(**values["old"]) if "old" in values else None), entry.key
        new = values.get("new") or values.get("single")
        assert entry.new == (Words(**new) if new else None), entry.key
        assert {(field.path, field.condition): field.words for field in entry.fields} == fields_of(items), entry.key


@pytest.mark.spec("O2", "P1")
def test_each_is_called_in_english_and_in_chinese_as_it_was_given(given: list[dict[str, Any]]) -> None:
    english: dict[tuple[str, str, str], set[str]] = {}
    for operation in given:
        for kind in ("module", "submodule", "action"):
            if operation[kind]:
                at = operation["product"], kind, operation[kind]["key"]
                english.setdefault(at, set()).add(operation[kind]["en"].casefold())
                chinese = words_of(*at, Language.ZH)
                assert chinese == operation[kind]["zh"] or (operation[kind]["zh"] is None and HAN.search(chinese))
    # One action is written in several ways there; it is called one thing here.
    for at, known in english.items():
        assert words_of(*at, Language.EN).casefold() in known


@pytest.mark.parametrize("product", [*products()])
@pytest.mark.spec("P1")
def test_every_key_has_words_and_every_word_is_used(product: str) -> None:
    found = entries(product)
    used = {
        "modules": {entry.module for entry in found},
        "submodules": {entry.submodule for entry in found if entry.submodule},
        "actions": {entry.action for entry in found},
        "objects": {each for entry in found for each in entry.objects},
        "fields": {field.path.rpartition(".")[2] for entry in found for field in entry.fields},
        "conditions": {field.condition for entry in found for field in entry.fields if field.condition},
    }
    words = products()[product].words
    assert {kind: set(words[kind]) for kind in used} == used
    assert all(each.en and each.zh for room in words.values() for each in room.values())


def test_the_eight_kinds_are_of_the_four_classes() -> None:
    assert set(CLASS_OF_KIND.values()) == set(CLASSES)
    assert Counter(entry.operation_class for product in ("datafinder", "dmhub") for entry in entries(product)) == {
        "addition": 41,
        "deletion": 37,
        "modification": 67,
        "querying": 17,
    }


def test_words_are_looked_up_by_product_and_kind_and_what_has_none_is_its_key() -> None:
    assert words_of("datafinder", "module", "dashboard", Language.ZH) == "看板"
    assert words_of("datafinder", "module", "dashboard", Language.EN) == "Dashboards"
    assert words_of("datafinder", "submodule", "dashboard", Language.EN) == "Dashboard"
    assert words_of("datafinder", "field", "related_properties.logic", Language.ZH) == "逻辑"
    assert words_of("daybook", "action", "sign_in", Language.ZH) == "登录"
    assert words_of("dmhub", "product", "dmhub", Language.ZH) == "DM Hub"
    for product, kind, key in (("dmhub", "action", "fly"), ("acme", "module", "<b>"), ("acme", "product", "acme")):
        assert words_of(product, kind, key, Language.ZH) == key  # type: ignore[arg-type]


def test_filters_list_modules_submodules_and_actions_in_the_order_of_the_catalogue() -> None:
    assert modules_of("dmhub")[:3] == ("customer", "wechat_page", "wechat_page_custom_module")
    assert submodules_of("datafinder", "dashboard") == ("dashboard", "chart")
    assert submodules_of("dmhub", "customer") == ()
    assert actions_of("datafinder", "dashboard", "chart") == ("create", "edit", "delete")
    assert actions_of("datafinder", "dashboard")[-1] == "cancel_subscription"
    assert len(actions_of("dmhub")) == 13
    assert (modules_of("acme"), actions_of("acme")) == ((), ())


@pytest.mark.spec("O7")
def test_the_two_values_are_named_where_the_catalogue_says_what_they_are() -> None:
    edit = catalogued("datafinder", "dashboard", "chart", "edit")
    assert labels_of_values(edit, Language.EN) == ("chart info before edit", "chart info after edit")
    assert labels_of_values(edit, Language.ZH) == ("编辑前图表信息", "编辑后图表信息")
    assert labels_of_values(catalogued("dmhub", "sms", "", "send"), Language.EN) == ("", "")
    assert labels_of_values(None, Language.EN) == ("", "")


@pytest.mark.spec("O2")
def test_openapi_operations_are_kept_as_each_products_policy_says() -> None:
    assert policies.policy_of("dmhub") is OpenApi.NONE
    known = ("advanced_analysis", "analysis_models", "openapi_request")
    for product, keys, channel, is_kept in (
        ("dmhub", ("sms", "", "send"), "openapi", False),
        ("dmhub", ("sms", "", "send"), "ui", True),
        ("dmhub", ("sms", "", "fly"), "system", True),
        ("datafinder", known, "openapi", True),
        ("datafinder", ("dashboard", "chart", "fly"), "openapi", False),
        ("datafinder", ("dashboard", "chart", "fly"), "ui", True),
        ("daybook", ("export", "", "create"), "openapi", True),
        ("daybook", ("new", "", "act"), "openapi", True),
        ("acme", ("new", "", "act"), "openapi", True),
    ):
        assert policies.is_kept(product, *keys, channel) is is_kept, (product, keys, channel)


@pytest.fixture(scope="module")
def recorded() -> list[Recorded]:
    """Every act in the sources."""
    return list(Acts(sources("lib", "pages")))


@pytest.mark.spec("O3")
def test_every_act_of_daybook_is_in_its_catalogue(recorded: list[Recorded]) -> None:
    assert len(recorded) > 30
    unreadable = [act.place for act in recorded if None in act.key]
    assert unreadable == [], "write an act's module, submodule and action so that they can be read"
    missing = [(act.place, act.key) for act in recorded if _entry(act) is None]
    assert missing == [], "add these acts to lib/logs/catalogue/daybook.toml"


@pytest.mark.spec("O3")
def test_every_act_has_the_class_and_the_object_of_its_entry(recorded: list[Recorded]) -> None:
    for act in recorded:
        entry = _entry(act)
        if entry is not None:
            assert act.classes is None or entry.operation_class in act.classes, act
            assert act.objects is None or not entry.objects or act.objects <= set(entry.objects), act


@pytest.mark.spec("O3")
def test_no_entry_of_daybook_is_of_an_act_that_nothing_does(recorded: list[Recorded]) -> None:
    done = {act.key for act in recorded}
    undone = {entry.key[1:] for entry in entries("daybook") if entry.key[1:] not in done}
    assert {key for key in undone if key[0] not in OF_EVERY_SECTION} == set()


def _entry(act: Recorded) -> Entry | None:
    return catalogued("daybook", *(each or "" for each in act.key))


def test_an_act_outside_the_catalogue_is_caught_however_it_is_written() -> None:
    planted = Source(
        "lib/planted.py",
        "def _noted(session, action, is_old=False):\n"
        '    place = "old" if is_old else "new"\n'
        '    record(session, 1, operator, Act("planted", action, "querying", submodule=place))\n'
        "def one(session):\n"
        '    _noted(session, "fly")\n'
        "def two(session, word):\n"
        "    _noted(session, word)\n",
    )
    assert {act.key for act in Acts([planted])} == {
        ("planted", "new", "fly"),
        ("planted", "old", "fly"),
        ("planted", "new", None),
        ("planted", "old", None),
    }
