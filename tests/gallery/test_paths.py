"""Galleries in folders of any name: usable, or refused by the sign that is in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.domain import Profile
from workbench.errors import GalleryError
from workbench.gallery import Gallery

NAMES = (
    "a#b", "100%", "50%20x", "a b", "it's", 'say "x"', "北門", "cafe\u0301", "semi;colon", "a&b=c",
    "[x]", "{x}", "$HOME", "-dash", "http:", "file:", ":memory:", "*", "a'||'b",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_gallery_may_lie_in_a_folder_of_any_name(
    tmp_path: Path, profile: Profile, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for path in (folder / "town.duckdb", tmp_path / f"{name}.duckdb"):
        Gallery.create(path, profile).close()
        with Gallery.open(path, write=True) as gallery:
            assert gallery.profile == profile
        with Gallery.open(path) as gallery, gallery.connection() as connection:
            assert connection.sql("FROM sightings_view").fetchall() == []


@pytest.mark.parametrize(("name", "said"), [("who?", "a question mark"), ("a\\b", "a backslash")])
def test_a_sign_that_duckdb_misreads_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: Profile, name: str, said: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for path in (folder / "town.duckdb", tmp_path / f"{name}.duckdb"):
        with pytest.raises(GalleryError, match=f"its path holds {said}"):
            Gallery.create(path, profile)
    monkeypatch.chdir(folder)
    with pytest.raises(GalleryError, match=f"its path holds {said}"):
        Gallery.for_writing(Path("town.duckdb"), profile)
    assert [*folder.iterdir()] == []
