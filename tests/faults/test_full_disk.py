"""A full disk is told as such wherever something is written, and leaves all as it was."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filling import CAMERA, PROFILE, numbered

from workbench.calibration import read_calibration, write_calibration
from workbench.domain import ClockCorrection
from workbench.errors import SightlineError
from workbench.gallery import Gallery
from workbench.gallery.lifecycle import check, export, import_into, merge

WRONG = ("Restore it from a copy", "index the footage again", "deleted on request", "Traceback")
ROOM = (0, 4096, 40_960, 200_000)  # bytes left


@dataclass
class Disk:
    """A small disk, to be filled and emptied again."""

    folder: Path
    tried: int = 0

    def left(self, room: int) -> None:
        free = shutil.disk_usage(self.folder).free
        with (self.folder / "ballast").open("wb") as file:
            file.write(bytes(max(0, free - room)))

    def files(self) -> dict[str, str]:
        """What is on it, but for the record, which refusals are on, and for locks."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.folder.rglob("*")
            if path.is_file() and path.name not in ("ballast", "lock", "audit.log", "audit.head")
        }

    def hold(self, action: Callable[[int], object], *, leaves: Callable[[], object]) -> None:
        """Do something with less and less room; what is refused must be told, and change nothing.

        *action* gets a number of its own for each time; *leaves* says what must stay the same.
        """
        refused = 0
        for room in ROOM:
            self.tried += 1
            before, kept = self.files(), leaves()
            self.left(room)
            told = refusal_of(lambda: action(self.tried))
            if told:
                refused += 1
                assert "the disk is full" in told
                assert not any(word in told for word in WRONG), told
                assert self.files() == before, room
            (self.folder / "ballast").unlink()
            if told:
                assert leaves() == kept
            self.tried += 1
            action(self.tried)  # there is room again
        assert refused, "the disk was never full"


def refusal_of(action: Callable[[], object]) -> str:
    """What an action says that is refused; empty if it is done."""
    try:
        action()
    except SightlineError as error:
        return str(error)
    return ""


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
        import_into(gallery, tmp_path / f"{number % 8}")

    def together(number: int) -> None:
        with Gallery.open(tmp_path / f"{number % 8}.duckdb") as other:
            merge(gallery, other)

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
