"""Settings: environment before file before default, and bad values named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.errors import SettingsError
from workbench.settings import settings


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_the_environment_comes_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SIGHTLINE_HOME")
    (tmp_path / "sightline.env").write_text(
        "SIGHTLINE_HOME=from-file\nSIGHTLINE_PROFILE=yunet-dlib\n"
    )
    assert settings().home == Path("from-file")
    settings.cache_clear()
    monkeypatch.setenv("SIGHTLINE_HOME", "from-environment")
    assert settings().home == Path("from-environment")
    assert settings().profile == "yunet-dlib"
    assert settings().models == Path("from-environment/models")


def test_a_gallery_has_a_place_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", "here")
    assert settings().gallery_file == Path("here/gallery.duckdb")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SIGHTLINE_TIME_ZONE", "Mars/Olympus", "is not a time zone"),
        ("SIGHTLINE_THRESHOLD", "high", "SIGHTLINE_THRESHOLD: "),
    ],
)
def test_a_bad_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said):
        settings()


def test_a_zone_is_given_only_where_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings().zone is None
    settings.cache_clear()
    monkeypatch.setenv("SIGHTLINE_TIME_ZONE", "Europe/London")
    zone = settings().zone
    assert zone is not None
    assert zone.key == "Europe/London"
