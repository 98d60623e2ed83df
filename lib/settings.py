"""The settings: one frozen value, read once from the environment and from `.env` in the home folder."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from lib.errors import BadSetting

PROJECT_DIR = Path(__file__).resolve().parent.parent
"""Where Home.py and pages/ are."""

OLDEST_EVENT_DAYS = 30
"""How old an event may be that a client library sends, unless a setting says otherwise."""

_DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class SingleSignOn:
    """A provider of OpenID Connect, and what it calls this Daybook; `name` is what people read on the button."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str

    @property
    def metadata_url(self) -> str:
        """Where the provider says how it is spoken to."""
        return self.issuer.rstrip("/") + _DISCOVERY


@dataclass(frozen=True)
class Settings:
    """Where things are and how they are reached; see README.md for each name."""

    home: Path
    database_url: str
    lake: Path
    secret_key: str
    base_url: str
    log_dir: Path
    trusted_proxies: str = ""
    oldest_event_days: int = OLDEST_EVENT_DAYS
    checkpoint_dir: Path | None = None
    single_sign_on: SingleSignOn | None = None

    @property
    def cookie_key(self) -> str:
        """What Streamlit signs its cookies with; the secret key cannot be told from it."""
        return hmac.new(self.secret_key.encode(), b"streamlit cookies", hashlib.sha256).hexdigest()

    @property
    def rejects_dir(self) -> Path:
        """Where the lines that an import set aside are kept."""
        return self.home / "rejects"

    @property
    def feedback_dir(self) -> Path:
        """Where the bytes of images and logs of feedback are kept."""
        return self.home / "feedback"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings, the environment before `.env`; makes the home folder and a secret key when there are none.

    Raises BadSetting, which names the setting.
    """
    given = dict(os.environ if environment is None else environment)
    home = Path(given.get("DAYBOOK_HOME") or PROJECT_DIR / "data").expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadSetting(name="DAYBOOK_HOME", what=f"{home} cannot be made ({error.strerror})") from error
    written = {name: value for name, value in dotenv_values(home / ".env").items() if value is not None}
    values = {**written, **{name: value for name, value in given.items() if value}}
    if values.get("DAYBOOK_SCHEDULE", "on") not in {"on", "off"}:
        raise BadSetting(name="DAYBOOK_SCHEDULE", what="it is on or off")
    return Settings(
        home=home,
        database_url=_database_url(values.get("DAYBOOK_DATABASE_URL") or f"sqlite:///{home / 'daybook.sqlite'}"),
        lake=_lake(values.get("DAYBOOK_LAKE_URL") or str(home / "lake")),
        secret_key=_secret_key(values.get("DAYBOOK_SECRET_KEY"), home),
        base_url=_base_url(values.get("DAYBOOK_BASE_URL") or ""),
        log_dir=_log_dir(values.get("DAYBOOK_LOG_DIR") or str(home / "logs")),
        trusted_proxies=_trusted_proxies(values.get("DAYBOOK_TRUSTED_PROXIES") or ""),
        oldest_event_days=_oldest_event_days(values.get("DAYBOOK_OLDEST_EVENT_DAYS") or str(OLDEST_EVENT_DAYS)),
        checkpoint_dir=_checkpoint_dir(values.get("DAYBOOK_CHECKPOINT_DIR") or ""),
        single_sign_on=_single_sign_on(values),
    )


def _database_url(url: str) -> str:
    scheme = url.split(":", 1)[0]
    if scheme == "postgres":
        url = "postgresql" + url.removeprefix("postgres")
    if scheme.split("+")[0] not in {"sqlite", "postgres", "postgresql"}:
        raise BadSetting(name="DAYBOOK_DATABASE_URL", what="it must begin with sqlite:/// or postgresql://")
    if scheme == "postgresql" or scheme == "postgres":
        url = "postgresql+psycopg" + url.removeprefix("postgresql")
    return url


def _lake(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme in {"", "file"}:
        return Path(parts.path).expanduser().absolute()
    raise BadSetting(name="DAYBOOK_LAKE_URL", what=f"{parts.scheme}:// is not supported yet: name a folder")


def _secret_key(key: str | None, home: Path) -> str:
    if key is not None:
        if len(key.encode()) < 32:
            raise BadSetting(name="DAYBOOK_SECRET_KEY", what="it must have at least 32 bytes")
        return key
    kept = home / "secret_key"
    try:
        with open(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    except OSError as error:
        raise BadSetting(name="DAYBOOK_HOME", what=f"{kept} cannot be written ({error.strerror})") from error
    return kept.read_text()


def _log_dir(path: str) -> Path:
    folder = Path(path).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(name="DAYBOOK_LOG_DIR", what=f"{folder} cannot be made ({error.strerror})") from error
    return folder


def _checkpoint_dir(path: str) -> Path | None:
    """A folder on another disk or machine, which must be there: one made in place of a missing mount is no copy."""
    if not path:
        return None
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise BadSetting(name="DAYBOOK_CHECKPOINT_DIR", what=f"{folder} is no folder that can be written")
    return folder


def _base_url(url: str) -> str:
    if url and urlsplit(url).scheme not in {"http", "https"}:
        raise BadSetting(name="DAYBOOK_BASE_URL", what="it must begin with http:// or https://")
    return url.rstrip("/")


def _trusted_proxies(networks: str) -> str:
    """Addresses and networks, with commas between them."""
    for network in filter(None, (part.strip() for part in networks.split(","))):
        try:
            ip_network(network)
        except ValueError as error:
            what = f"{network} is neither an address nor a network such as 10.0.0.0/8"
            raise BadSetting(name="DAYBOOK_TRUSTED_PROXIES", what=what) from error
    return networks


def _oldest_event_days(days: str) -> int:
    if not (days.isascii() and days.isdecimal() and len(days) <= 5 and 1 <= int(days) <= 36_500):
        raise BadSetting(name="DAYBOOK_OLDEST_EVENT_DAYS", what="it must be a whole number from 1 to 36500")
    return int(days)


def _single_sign_on(values: Mapping[str, str]) -> SingleSignOn | None:
    """All of its settings or none; a provider sends people back to the base address, so that is needed too."""
    name, issuer = values.get("DAYBOOK_OIDC_NAME"), values.get("DAYBOOK_OIDC_ISSUER")
    client_id, client_secret = values.get("DAYBOOK_OIDC_CLIENT_ID"), values.get("DAYBOOK_OIDC_CLIENT_SECRET")
    if not (issuer or client_id or client_secret):
        return None
    for missing, given in (
        ("DAYBOOK_OIDC_ISSUER", issuer),
        ("DAYBOOK_OIDC_CLIENT_ID", client_id),
        ("DAYBOOK_OIDC_CLIENT_SECRET", client_secret),
        ("DAYBOOK_BASE_URL", values.get("DAYBOOK_BASE_URL")),
    ):
        if not given:
            raise BadSetting(name=missing, what="single sign-on needs it, and it is not set")
    parts = urlsplit(issuer or "")
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not parts.hostname or parts.scheme not in ({"https", "http"} if local else {"https"}):
        raise BadSetting(name="DAYBOOK_OIDC_ISSUER", what="it must begin with https://")
    return SingleSignOn(
        (issuer or "").removesuffix(_DISCOVERY), client_id or "", client_secret or "", name or parts.hostname
    )
