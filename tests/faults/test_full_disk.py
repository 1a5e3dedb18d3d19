"""A full disk is told as such wherever something is written, and leaves all as it was."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filling import CAMERA, PROFILE, numbered
from small_disks import WRONG, Disk

from workbench.calibration import read_calibration, write_calibration
from workbench.domain import ClockCorrection
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.exporting import export
from workbench.gallery.importing import import_into
from workbench.gallery.joining import merge
from workbench.gallery.opening import folder_of


@pytest.fixture
def disk(small_disk: Callable[..., Path]) -> Disk:
    return Disk(small_disk("size=48m"))


@pytest.fixture
def gallery(disk: Disk) -> Iterator[Gallery]:
    with Gallery.create(disk.folder / "gallery.duckdb", PROFILE) as made:
        made.add_cameras([CAMERA])
        made.add_recordings([numbered(number) for number in range(900, 904)])
        yield made


def sound(gallery: Gallery) -> Callable[[], object]:
    def look() -> object:
        assert not list(check(gallery))
        return sorted(gallery.recordings()["file"])

    return look


def test_indexing(disk: Disk, gallery: Gallery) -> None:
    disk.hold(lambda n: gallery.add_recording(numbered(n)), leaves=sound(gallery))


def test_indexing_into_parts(disk: Disk) -> None:
    path, ballast = disk.folder / "town.duckdb", disk.folder / "ballast"
    stored, refused = 2, 0
    with Gallery.create(path, PROFILE) as gallery:
        gallery.add_cameras([CAMERA])
        gallery.add_recording(numbered(0))
        for number, room in enumerate(range(0, 90_000, 8192), start=2):
            before = {one for one in folder_of(path).rglob("*") if one.is_file()}
            disk.left(room)
            with contextlib.suppress(GalleryError):
                gallery.add_recording(numbered(number))
                stored += 1
            if not gallery.holds(numbered(number).recording_id):
                # Nothing of it stays, which would keep the disk full.
                assert {one for one in folder_of(path).rglob("*") if one.is_file()} == before, room
                refused += 1
            ballast.unlink()
        assert refused > 3
        gallery.add_recording(numbered(1))
        disk.left(0)  # so that there is no room for a new file to name the gallery
    ballast.unlink()
    with Gallery.open(path, write=True) as again:
        assert len(again.recordings()) == stored


def test_a_gallery_that_is_made(disk: Disk) -> None:
    disk.hold(
        lambda n: Gallery.create(disk.folder / f"{n}.duckdb", PROFILE).close(), leaves=lambda: 0
    )


def test_purging(disk: Disk, gallery: Gallery) -> None:
    """Each time a recording that came before."""
    gallery.add_recordings([numbered(number) for number in range(20)])

    def purge(number: int) -> None:
        there = [n for n in range(20) if gallery.holds(numbered(n).recording_id)]
        gallery.purge([numbered(there[0]).recording_id])

    disk.hold(purge, leaves=sound(gallery))


def test_correcting_a_clock(disk: Disk, gallery: Gallery) -> None:
    def correct(number: int) -> None:
        said = ClockCorrection(float(number), "sara", "speaking clock", datetime.now(UTC))
        gallery.correct_clock(said, camera_id=CAMERA.camera_id)

    disk.hold(correct, leaves=sound(gallery))


def test_importing_and_merging(disk: Disk, gallery: Gallery, tmp_path: Path) -> None:
    for number in range(8):
        with Gallery.create(tmp_path / f"{number}.duckdb", PROFILE) as other:
            other.add_cameras([CAMERA])
            other.add_recordings([numbered(100 + 10 * number + k) for k in range(2)])
            export(other, tmp_path / f"{number}")

    def bring(number: int) -> None:
        import_into(gallery.writer, tmp_path / f"{number % 8}")

    def together(number: int) -> None:
        with Gallery.open(tmp_path / f"{number % 8}.duckdb") as other:
            merge(gallery.writer, other)

    disk.hold(bring, leaves=sound(gallery))
    gallery.purge(gallery.recordings()["recording_id"])
    disk.hold(together, leaves=sound(gallery))


def test_exporting(disk: Disk, gallery: Gallery) -> None:
    def write(number: int) -> None:
        export(gallery, disk.folder / f"parquet{number}")

    disk.hold(write, leaves=sound(gallery))


def test_calibrations(disk: Disk) -> None:
    from workbench.calibration import files

    shipped = read_calibration(Path(files.__file__).parent / "dlib.json")
    path = disk.folder / "calibrations" / "dlib.json"
    write_calibration(shipped, path)
    disk.hold(
        lambda _: write_calibration(shipped, path), leaves=lambda: read_calibration(path).digest
    )


# Needs no disk of its own: a file may not grow beyond a limit.
LIMITED = """
import resource, sys
from workbench.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
raise SystemExit(main(sys.argv[2:]))
"""


@pytest.mark.slow
def test_commands_where_no_file_can_grow(tmp_path: Path) -> None:
    path, parquet = tmp_path / "gallery.duckdb", tmp_path / "parquet"
    with Gallery.create(path, PROFILE) as gallery:
        gallery.add_cameras([CAMERA])
        gallery.add_recordings([numbered(number) for number in range(3)])
        export(gallery, parquet)

    def limited(most: int, *words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", LIMITED, str(most), *map(str, words)],
            capture_output=True, text=True, check=False, timeout=300,
            env=os.environ | {"SIGHTLINE_HOME": str(tmp_path / "home")},
        )  # fmt: skip

    before = {one: one.read_bytes() for one in path.parent.rglob("*") if one.is_file()}
    for most, words in (
        (4096, ("gallery", "import", tmp_path / "new.duckdb", parquet)),
        (1000, ("gallery", "export", path, "--output", tmp_path / "again")),
        (100, ("gallery", "compact", path)),
    ):
        said = limited(most, *words)
        if said.returncode:
            assert said.returncode == 2, said
            assert re.search(
                "the disk is full|Free space on the disk|Check the disk", said.stderr
            ), said
            assert not any(word in said.stderr for word in WRONG), said
        else:
            assert words[1] == "compact"  # there was nothing to merge
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "new.duckdb").exists()
    for one, content in before.items():
        assert one.read_bytes() == content, one


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_to_a_full_disk(tmp_path: Path) -> None:
    with (
        Gallery.create(tmp_path / "gallery.duckdb", PROFILE),
        Path("/dev/full").open("w") as full,
    ):
        said = subprocess.run(
            [sys.executable, "-m", "workbench", "gallery", "info", str(tmp_path / "gallery.duckdb"),
             "--json"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=300,
        )  # fmt: skip
    assert said.returncode == 2
    assert said.stderr.startswith("the output: cannot be written: the disk is full."), said.stderr
    assert "Traceback" not in said.stderr
