"""Galleries that are damaged, exports that are, and full disks: all is told, and nothing lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from workbench.cli.main import main
from workbench.district import from_geojson
from workbench.domain import Candidate, ClockCorrection, IndexedRecording, Profile, Scope
from workbench.errors import GalleryError
from workbench.gallery import Gallery, background, upkeep
from workbench.gallery import search as gallery_search
from workbench.gallery.checking import check
from workbench.gallery.exporting import export
from workbench.gallery.importing import import_into
from workbench.gallery.joining import merge
from workbench.gallery.opening import folder_of
from workbench.permit.issuing import issue

START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
Make = Callable[..., IndexedRecording]


def content(gallery: Gallery) -> list[object]:
    """All that people and searches see, in an order of its own."""
    templates = sorted(
        (row["recording_id"], row["ordinal"], tuple(row["template"]), row["first_seen"])
         for row in gallery.templates().to_pylist()
    )  # fmt: skip
    names = sorted(f"{row[0]}-{row[1]}" for row in templates)
    pictures = [(s.jpeg, s.template.tobytes()) for name in names for s in gallery.shots(name)]
    less = {"shots": 'EXCLUDE (pack, "offset", length)'}  # where they lie
    tables = [
        gallery.arrow(f"SELECT * {less.get(table, '')} FROM {table} ORDER BY ALL").to_pylist()
        for table in (
            "cameras", "recordings", "tracklets", "shots", "problems", "stretches", "unseen",
            "spans", "clocks", "refusals",
        )
    ]  # fmt: skip
    return [templates, pictures, *tables]


def everything(gallery: Gallery) -> list[Candidate]:
    """All of its searchable tracklets, as a search tells of them."""
    ring = [[-1, 51], [1, 51], [1, 52], [-1, 52], [-1, 51]]
    district = from_geojson({"type": "Polygon", "coordinates": [ring]}, name="test")
    scope = Scope(district, START - timedelta(days=1), START + timedelta(days=1))
    probe = np.ones(gallery.profile.dimension, np.float32)
    permit = issue("TEST", "test", 1, gallery=gallery.path, template=probe, scope=scope)
    return gallery_search.search(gallery, probe, scope, permit=permit)


def test_pictures_that_are_cut_off_are_an_error(gallery: Gallery, path: Path) -> None:
    gallery.close()
    for target in folder_of(path).rglob("*.pack"):
        os.truncate(target, 50)
    with Gallery.open(path) as again, pytest.raises(GalleryError, match="as it was stored"):
        everything(again)


def test_what_comes_from_elsewhere_is_merged_and_named_as_if_it_were_indexed(
    gallery: Gallery, tmp_path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    due: list[Path] = []
    monkeypatch.setattr(background, "start_unattended", due.append)
    monkeypatch.setattr(upkeep, "COMMITS", 1)
    export(gallery, tmp_path / "parquet")
    with Gallery.create(tmp_path / "imported.duckdb", profile) as imported:
        import_into(imported.writer, tmp_path / "parquet")
        assert {*due} == {imported.path}
        clock = ClockCorrection(90.0, "Anna", "speaking clock", START)
        gallery.correct_clock(clock, camera_id="C1")
        assert merge(imported.writer, gallery).corrected == 3
        # Its views name parts, of which those with the old times are gone.
        imported.refresh()
        with duckdb.connect(str(imported.path), read_only=True) as shell:
            ((found,),) = shell.execute('SELECT "commit" FROM as_of').fetchall()
            ((shown,),) = shell.execute("SELECT count(*) FROM tracklets").fetchall()
        assert (found, shown) == (imported.snapshot.commit, 72)
    due.clear()
    with Gallery.create(tmp_path / "other.duckdb", profile) as other:
        merge(other.writer, gallery)
        assert {*due} == {other.path}


def test_a_damaged_export_changes_nothing(
    gallery: Gallery, tmp_path: Path, profile: Profile
) -> None:
    folder = tmp_path / "parquet"
    export(gallery, folder)
    before = content(gallery)
    next(folder.rglob("shots.parquet")).write_bytes(b"no parquet")
    with Gallery.create(tmp_path / "again.duckdb", profile) as again:
        with pytest.raises(GalleryError, match="is not a part of an export"):
            import_into(again.writer, folder)
        assert len(again.recordings()) == 0
    with pytest.raises(GalleryError, match="is not an export"):
        import_into(gallery.writer, tmp_path)
    about = folder / "gallery.json"
    export(gallery, tmp_path / "timeless")
    for file in (tmp_path / "timeless").rglob("stretches.parquet"):
        pq.write_table(pq.read_table(file).slice(0, 0), file)
    with Gallery.create(tmp_path / "timeless.duckdb", profile) as timeless:
        with pytest.raises(GalleryError, match="column recording_id, row 1: is without the clock"):
            import_into(timeless.writer, tmp_path / "timeless")
        assert len(timeless.recordings()) == 0
    about.write_text(about.read_text().replace('"format": 2', '"format": 1'))
    with pytest.raises(GalleryError, match="was exported by an earlier Sightline"):
        import_into(gallery.writer, folder)
    with pytest.raises(GalleryError, match="is not empty"):
        export(gallery, folder)
    assert content(gallery) == before


@pytest.mark.slow
def test_the_commands_say_what_they_did(
    gallery: Gallery, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gallery.close()
    assert main(["gallery", "info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["recordings"], facts["searchable"], facts["cameras"]) == (12, 60, 6)
    assert main(["gallery", "check", str(path)]) == 0
    assert main(["gallery", "compact", str(path)]) == 0
    folder = tmp_path / "out"
    assert main(["gallery", "export", str(path), "--output", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"exported": 12}
    copy = tmp_path / "copy.duckdb"
    assert main(["gallery", "import", str(copy), str(folder)]) == 0
    assert main(["gallery", "merge", str(copy), str(path)]) == 0
    assert main(["gallery", "export", str(path), "--to", str(tmp_path / "x"), "--from", "x"]) == 2
    target = next(folder_of(path).rglob("scan.arrow"))
    target.write_bytes(target.read_bytes()[:-1] + b"\x01")
    assert main(["gallery", "check", str(path)]) in (1, 2)


def test_a_disk_that_is_full_or_read_only_is_told_and_loses_nothing(
    gallery: Gallery, path: Path, indexed: Make
) -> None:
    import resource

    before = content(gallery)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # no file may grow beyond that
    try:
        with pytest.raises(GalleryError, match="cannot be written"):
            gallery.add_recording(indexed(1, 600, tuple(range(40))))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert content(gallery) == before
    gallery.add_recording(indexed(1, 600, (1,)))
    assert np.isin("1-600.mp4", gallery.recordings()["file"])
    assert list(check(gallery)) == []
