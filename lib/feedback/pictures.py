"""Whether bytes are a picture that browsers show: by what they hold, never by what they are called."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

MOST_PIXELS = 50_000_000
"""A picture of more would fill the memory of whoever looks at it, small as its file may be."""

NO_PICTURE = "application/octet-stream"

_MIMES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}


@dataclass(frozen=True)
class Picture:
    """What bytes were found to be; NO_PICTURE has no width and no height."""

    mime: str = NO_PICTURE
    width: int | None = None
    height: int | None = None


def picture_of(source: BinaryIO) -> Picture:
    """The PNG, JPEG, GIF or WebP picture that a file begins with; it stands at its beginning afterwards.

    Only its header is read: nothing is unpacked.
    """
    source.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(source, formats=tuple(_MIMES)) as image:
                (width, height), form = image.size, image.format or ""
    except Exception:  # a parser of strangers' bytes: whatever it stumbles over is no picture
        return Picture()
    finally:
        source.seek(0)
    if form not in _MIMES or not 0 < width * height <= MOST_PIXELS:
        return Picture()
    return Picture(_MIMES[form], width, height)
