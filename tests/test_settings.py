"""Settings: environment before file before default, and bad values named."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import SettingsError
from workbench.settings import load_settings


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_environment_comes_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SIGHTLINE_HOME")
    (tmp_path / "sightline.env").write_text(
        "SIGHTLINE_HOME=from-file\nSIGHTLINE_PROFILE=yunet-dlib\n"
    )
    assert load_settings().home == Path("from-file")
    monkeypatch.setenv("SIGHTLINE_HOME", "from-environment")
    assert load_settings().home == Path("from-environment")
    assert load_settings().profile == "yunet-dlib"
    assert load_settings().models == Path("from-environment/models")


def test_a_gallery_has_a_place_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", "here")
    assert load_settings().gallery_file == Path("here/gallery.duckdb")


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
        load_settings()


def test_a_zone_is_given_only_where_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().zone is None
    monkeypatch.setenv("SIGHTLINE_TIME_ZONE", "Europe/London")
    zone = load_settings().zone
    assert zone is not None
    assert zone.key == "Europe/London"
