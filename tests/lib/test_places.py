"""Where addresses are: what holds whatever the data say, as those of two packages agree on nine addresses in ten."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as some

from lib.logs.place_names import country_names, named_places, place_name, region_names
from lib.logs.places import KINDS, PLACE, place_of, places_of
from lib.logs.regions import REGIONS, region_numbers
from lib.words import Language

pytestmark = pytest.mark.spec("L1")


@pytest.mark.parametrize(
    ("address", "country", "region"),
    [
        ("114.114.114.114", "CN", "CN-JS"),
        ("202.96.128.86", "CN", "CN-GD"),
        ("8.8.8.8", "US", None),
        ("::ffff:8.8.8.8", "US", None),
        ("::ffff:202.96.128.86", "CN", "CN-GD"),
        ("64:ff9b::8.8.8.8", "US", None),
        ("2001:4860:4860::8888", "US", None),
        ("2408:8000::/64", "CN", None),
        ("10.1.2.3", "private", None),
        ("172.16.0.1", "private", None),
        ("172.32.0.1", "US", None),
        ("192.168.255.255", "private", None),
        ("169.254.1.1", "private", None),
        ("100.64.0.1", "private", None),
        ("fc00::1", "private", None),
        ("fe80::1%eth0", "private", None),
        ("127.0.0.1", "loopback", None),
        ("::1", "loopback", None),
        ("::ffff:127.0.0.1", "loopback", None),
        ("2002:7f00:1::", "loopback", None),
        ("0.0.0.0", "reserved", None),
        ("192.0.2.7", "reserved", None),
        ("224.0.0.1", "reserved", None),
        ("255.255.255.255", "reserved", None),
        ("2001:db8::1", "reserved", None),
        ("::", "reserved", None),
        ("", "unknown", None),
        ("-", "unknown", None),
        ("01.2.3.4", "unknown", None),
        ("1.2.3", "unknown", None),
        ("1.2.3.4 ", "unknown", None),
        ("１.2.3.4", "unknown", None),
        ("1.2.3.4\x00", "unknown", None),
        ("crawler.example.com", "unknown", None),
    ],
)
def test_an_address_is_in_a_place_or_of_a_kind(address: str, country: str, region: str | None) -> None:
    assert place_of(address) == (country, region)


@given(some.lists(some.one_of(some.ip_addresses().map(str), some.text(max_size=40)), max_size=20))
def test_each_different_text_has_one_place(texts: list[str]) -> None:
    places = places_of(pl.Series(texts, dtype=pl.String))
    assert places.schema == pl.Schema(PLACE)
    assert sorted(places["address"]) == sorted(set(texts))
    for country, region in places.select("country", "region").rows():
        assert country in KINDS or re.fullmatch("[A-Z]{2}", country)
        assert region is None or (country == "CN" and region in {each.code for each in REGIONS})


@given(some.ip_addresses(v=4))
def test_an_address_mapped_to_ipv6_is_where_it_is(address: object) -> None:
    assert place_of(f"::ffff:{address}") == place_of(str(address))


def test_every_region_has_addresses_and_a_name_of_its_own() -> None:
    every_network = np.arange(0, 1 << 32, 1 << 10, dtype=np.uint32)
    assert set(region_numbers(every_network).tolist()) == set(range(len(REGIONS) + 1))
    for language in Language:
        assert len(set(region_names(language).values())) == 34


def test_places_are_called_by_their_names_in_both_languages() -> None:
    assert place_name("CN", "CN-GD", Language.EN) == "China, Guangdong"
    assert place_name("CN", "CN-GD", Language.ZH) == "中国广东"
    assert place_name("TW", None, Language.ZH) == "中国台湾"
    assert place_name("unknown", None, Language.EN) == "Unknown"
    assert place_name("ZZX", None, Language.EN) == "ZZX"
    assert place_name(None, None, Language.EN) == ""
    assert country_names(Language.ZH)["DE"] == "德国"
    rows = pl.DataFrame({"country": ["JP", "private", None], "region": [None, None, "CN-BJ"]})
    assert named_places(rows, Language.ZH).rows() == [("日本", None), ("内网", None), (None, "北京")]
