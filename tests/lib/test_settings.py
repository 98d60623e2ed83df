"""Settings: read once, refused by name."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lib.errors import BadSetting
from lib.settings import PROJECT_DIR, load_settings


def test_everything_has_a_place_in_the_home_by_default(tmp_path: Path) -> None:
    settings = load_settings({"DAYBOOK_HOME": str(tmp_path / "new" / "home")})
    assert settings.home == tmp_path / "new" / "home"
    assert settings.home.is_dir()
    assert settings.database_url == f"sqlite:///{settings.home}/daybook.sqlite"
    assert settings.lake == settings.home / "lake"
    assert settings.log_dir == settings.home / "logs"
    assert settings.rejects_dir == settings.home / "rejects"
    assert settings.base_url == ""


def test_the_projects_folder_is_where_the_pages_are() -> None:
    assert (PROJECT_DIR / "pages").is_dir()


def test_the_environment_goes_before_the_file_in_the_home(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DAYBOOK_BASE_URL=https://written.example/\nDAYBOOK_LOG_DIR=/var/log/daybook\n")
    home = {"DAYBOOK_HOME": str(tmp_path)}
    assert load_settings(home).base_url == "https://written.example"
    assert load_settings(home).log_dir == Path("/var/log/daybook")
    assert load_settings({**home, "DAYBOOK_BASE_URL": "http://given.example"}).base_url == "http://given.example"
    assert load_settings({**home, "DAYBOOK_BASE_URL": ""}).base_url == "https://written.example"


def test_the_secret_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    home = {"DAYBOOK_HOME": str(tmp_path)}
    first = load_settings(home).secret_key
    assert len(first) >= 32
    assert load_settings(home).secret_key == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("postgres://amy@db/daybook", "postgresql+psycopg://amy@db/daybook"),
        ("postgresql://amy@db/daybook", "postgresql+psycopg://amy@db/daybook"),
        ("postgresql+psycopg://amy@db/daybook", "postgresql+psycopg://amy@db/daybook"),
        ("sqlite:////var/lib/daybook.sqlite", "sqlite:////var/lib/daybook.sqlite"),
    ],
)
@pytest.mark.spec("P4")
def test_a_database_is_reached_by_the_one_driver_there_is(tmp_path: Path, url: str, read: str) -> None:
    assert load_settings({"DAYBOOK_HOME": str(tmp_path), "DAYBOOK_DATABASE_URL": url}).database_url == read


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DAYBOOK_DATABASE_URL", "mysql://db/daybook"),
        ("DAYBOOK_LAKE_URL", "s3://bucket/lake"),
        ("DAYBOOK_SECRET_KEY", "short"),
        ("DAYBOOK_BASE_URL", "daybook.example"),
        ("DAYBOOK_TRUSTED_PROXIES", "10.0.0.0/8, proxy.example"),
        ("DAYBOOK_OLDEST_EVENT_DAYS", "0"),
        ("DAYBOOK_OLDEST_EVENT_DAYS", "36501"),
        ("DAYBOOK_OLDEST_EVENT_DAYS", "-3"),
        ("DAYBOOK_OLDEST_EVENT_DAYS", "a month"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"^The setting {name} is wrong: .+\\.$"):
        load_settings({"DAYBOOK_HOME": str(tmp_path), name: value})


def test_how_old_events_may_be_is_thirty_days_or_what_the_setting_says(tmp_path: Path) -> None:
    home = {"DAYBOOK_HOME": str(tmp_path)}
    assert load_settings(home).oldest_event_days == 30
    assert load_settings({**home, "DAYBOOK_OLDEST_EVENT_DAYS": "400"}).oldest_event_days == 400


def test_a_home_that_cannot_be_made_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="DAYBOOK_HOME"):
        load_settings({"DAYBOOK_HOME": str(tmp_path / "file" / "home")})


PROVIDER = {
    "DAYBOOK_BASE_URL": "https://daybook.example",
    "DAYBOOK_OIDC_ISSUER": "https://id.example/realms/corp/",
    "DAYBOOK_OIDC_CLIENT_ID": "daybook",
    "DAYBOOK_OIDC_CLIENT_SECRET": "a secret between the two",
}


@pytest.mark.spec("A7")
def test_a_provider_of_single_sign_on_is_read_whole(tmp_path: Path) -> None:
    assert load_settings({"DAYBOOK_HOME": str(tmp_path)}).single_sign_on is None
    provider = load_settings({"DAYBOOK_HOME": str(tmp_path), **PROVIDER}).single_sign_on
    assert provider is not None
    assert (provider.client_id, provider.client_secret) == ("daybook", "a secret between the two")
    assert provider.metadata_url == "https://id.example/realms/corp/.well-known/openid-configuration"
    assert provider.name == "id.example"
    assert "a secret" not in repr(provider)
    given = {**PROVIDER, "DAYBOOK_OIDC_ISSUER": provider.metadata_url, "DAYBOOK_OIDC_NAME": "Corp"}
    by_metadata = load_settings({"DAYBOOK_HOME": str(tmp_path), **given}).single_sign_on
    assert by_metadata is not None
    assert (by_metadata.metadata_url, by_metadata.name) == (provider.metadata_url, "Corp")


@pytest.mark.spec("A7")
@pytest.mark.parametrize("name", sorted(PROVIDER))
def test_half_a_provider_is_refused_by_what_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSetting, match=f"^The setting {name} is wrong: single sign-on needs it"):
        load_settings({"DAYBOOK_HOME": str(tmp_path), **PROVIDER, name: ""})


@pytest.mark.spec("A7")
@pytest.mark.parametrize("issuer", ["http://id.example", "id.example", "https://", "ftp://id.example"])
def test_a_provider_that_anybody_could_listen_to_is_refused(tmp_path: Path, issuer: str) -> None:
    with pytest.raises(BadSetting, match="DAYBOOK_OIDC_ISSUER is wrong: it must begin with https://"):
        load_settings({"DAYBOOK_HOME": str(tmp_path), **PROVIDER, "DAYBOOK_OIDC_ISSUER": issuer})


def test_a_folder_for_checkpoints_must_be_there(tmp_path: Path) -> None:
    home = {"DAYBOOK_HOME": str(tmp_path / "home")}
    assert load_settings(home).checkpoint_dir is None
    assert load_settings({**home, "DAYBOOK_CHECKPOINT_DIR": str(tmp_path)}).checkpoint_dir == tmp_path
    with pytest.raises(BadSetting, match=r"DAYBOOK_CHECKPOINT_DIR is wrong: .*/missing is no folder"):
        load_settings({**home, "DAYBOOK_CHECKPOINT_DIR": str(tmp_path / "missing")})
