"""What a request asked for, without what would let somebody in who reads it."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 2_000
MASK: Final = "(secret)"

_TICKET = re.compile(r"(/export/)(?!server-logs(?:/|$))[^/?#]+")
_SECRET_NAME = re.compile(
    r"token|ticket|secret|passw|pwd|auth|cred|session|cookie|nonce|assertion|jwt|signature|%"
    r"|keys?$|(?:^|[_.-])(?:sig|pass|sid|otp|pin)$|^(?:code|state)$",
    re.IGNORECASE,
)
"""What says of a parameter that it is secret. A percent sign in a name hides it: such a one is masked too."""

_BETWEEN = re.compile(r"([?&;])")
_USER_INFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/@?#]*@")
_OUR_TOKEN = re.compile(r"dbk_[A-Za-z0-9_-]+")
_TOKEN_LIKE = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{32,}(?![A-Za-z0-9_-])"
)
"""32 characters and more of letters and digits, without a dot or a slash: a hash, a key, a token, and no word."""

_UNSAFE = re.compile(r"[^\x21-\x7e]")


def masked(target: str) -> str:
    """A target or an address (of which the fragment goes) with secrets masked, in printable ASCII, not endless."""
    written_out = _UNSAFE.sub(_written_out, target[: 2 * LONGEST])
    plain = written_out[: 2 * LONGEST].partition("#")[0]
    plain = _USER_INFO.sub(rf"\1{MASK}@", plain)
    plain = _TICKET.sub(r"\1(ticket)", plain)
    plain = "".join(map(_parameter, _BETWEEN.split(plain)))
    plain = _OUR_TOKEN.sub(MASK, plain)
    return _TOKEN_LIKE.sub(MASK, plain)[:LONGEST]


def _parameter(text: str) -> str:
    name, equals, _ = text.partition("=")
    return f"{name}={MASK}" if equals and _SECRET_NAME.search(name) else text


def _written_out(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace"))
