"""The cookie that carries a session's token: HttpOnly, SameSite=Lax, and on https Secure and bound to the host."""

from __future__ import annotations

COOKIE = "daybook"
HOST_COOKIE = "__Host-daybook"
