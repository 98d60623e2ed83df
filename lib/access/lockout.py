"""How failed attempts to sign in slow down the next ones, and then lock for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address


@dataclass(frozen=True)
class LockoutRules:
    """After `free_failures` a wait of `first_delay_seconds` doubles with each, up to `most_delay_seconds`;
    `lock_failures` in the window lock."""

    free_failures: int
    lock_failures: int
    first_delay_seconds: float = 2.0
    most_delay_seconds: float = 900.0
    window_seconds: float = 900.0
    lock_seconds: float = 900.0

    @property
    def memory(self) -> timedelta:
        """How far back a failure can still matter."""
        return timedelta(seconds=self.window_seconds + self.lock_seconds)


PER_ACCOUNT = LockoutRules(free_failures=3, lock_failures=10)
PER_ADDRESS = LockoutRules(free_failures=10, lock_failures=50, most_delay_seconds=15.0)
"""Wider than an account's: an office, or everybody behind a proxy, shares one address."""

_ONE_CLIENT = 64
"""How many first bits of an IPv6 address tell one client from another: the rest it chooses itself."""

QUICK_FOR_TESTS = LockoutRules(
    free_failures=3, lock_failures=5, first_delay_seconds=0.2, window_seconds=2.0, lock_seconds=2.0
)


@dataclass(frozen=True)
class Wait:
    """From the last failure `since` until when no attempt is let in; a lock, or only the slowing down; whose it is."""

    until: datetime
    is_lock: bool
    since: datetime
    of_address: bool = False


def wait_after(failures: Sequence[datetime], rules: LockoutRules, now: datetime) -> Wait | None:
    """The wait that the failures (oldest first) impose now, or None when the next attempt may come."""
    if not failures:
        return None
    last = failures[-1]
    window = timedelta(seconds=rules.window_seconds)
    if len(failures) >= rules.lock_failures and last - failures[-rules.lock_failures] <= window:
        wait = Wait(last + timedelta(seconds=rules.lock_seconds), is_lock=True, since=last)
    else:
        recent = sum(1 for failure in failures if now - failure <= window)
        if recent < rules.free_failures:
            return None
        delay = rules.first_delay_seconds * 2 ** (recent - rules.free_failures)
        wait = Wait(last + timedelta(seconds=min(delay, rules.most_delay_seconds)), is_lock=False, since=last)
    return wait if wait.until > now else None


def counted_address(address: str) -> str:
    """What the failures of a client address are counted under: IPv6 by its /64, IPv4 and all else as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed), _ONE_CLIENT), strict=False))
