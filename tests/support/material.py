"""Faces and footage for the tests: the demo's rendered people, and recordings made of them.

What takes long to make is made once for all processes of a test run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import films
import pytest
from sharing import made_once

from workbench.demo import demo_town
from workbench.installation import Installation

# The twelve cameras of the small town, on a rough grid in London.
PLACES = (
    (51.470906, -0.022397), (51.480774, -0.016115), (51.487839, -0.007751), (51.48156, -0.013034),
    (51.469665, 0.004833), (51.478348, 0.00508), (51.471542, -0.010714), (51.481951, -0.021813),
    (51.470782, 0.009418), (51.491524, 0.012), (51.482065, 0.001313), (51.483432, -0.008899),
)  # fmt: skip
# Clips of the demo, the camera and the moment that the small town gives them.
SMALL_TOWN = (
    ("fm-06-20260331T172840Z", "CAM-001", "2026-03-29T00:47:55+00:00"),
    ("fm-02-20260331T170905Z", "CAM-003", "2026-03-29T02:18:32+00:00"),
    ("fm-01-20260331T170410Z", "CAM-006", "2026-03-29T15:20:07+00:00"),
)
WANTED, SOMEBODY_ELSE = "Maren Holt", "Ruth Vane"

Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """``once(name, make)``: a folder that ``make(folder)`` filled, once for the whole test run."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # each worker has a folder of its own below that of the run
    return lambda name, make: made_once(root, name, make)


@pytest.fixture(scope="session")
def copied() -> Callable[[Path, Path], Path]:
    """``copied(gallery, folder)``: the gallery, with all that lies beside it, in *folder*."""

    def copied(gallery: Path, folder: Path) -> Path:
        for part in gallery.parent.glob(f"{gallery.name}*"):
            if part.is_dir():
                # What other workers write there meanwhile is computed again where it is not.
                derived = shutil.ignore_patterns("derived")
                shutil.copytree(part, folder / part.name, ignore=derived)
            else:
                shutil.copyfile(part, folder / part.name)
        return folder / gallery.name

    return copied


@pytest.fixture(scope="session")
def demo(installation: Installation, once: Once, copied: Callable[[Path, Path], Path]) -> Path:
    """The demo town's gallery in the tests' installation, for tests that only read it."""
    from workbench.demo.check import demo_gallery

    def make(folder: Path) -> None:
        copied(demo_gallery(demo_town(), installation), folder)

    made = next(once("demo", make).glob("*.duckdb"))
    home = installation.settings.home
    return home / made.name if (home / made.name).exists() else copied(made, home)


@pytest.fixture(scope="session")
def demo_calibrations() -> dict[str, str]:
    """The setting with which a process takes the demo's calibration for that of its profile."""
    return {"SIGHTLINE_CALIBRATIONS": str(demo_town().root / "calibrations")}


@pytest.fixture(scope="session")
def calibrated_on_the_demo(installation: Installation) -> Installation:
    """The tests' installation, calibrated on the demo: rendered faces are more alike than real."""
    folder = demo_town().root / "calibrations"
    return Installation(installation.settings.model_copy(update={"calibrations": folder}))


@pytest.fixture(scope="session")
def small_town(installation: Installation, once: Once) -> Path:
    """A gallery of twelve cameras and three clips; the wanted person walks through two of them.

    02:18 UTC at CAM-003, 15:20 UTC at CAM-006, and only other people at 00:47 UTC at CAM-001, on
    29 March 2026, when clocks in London go forward from 01:00 to 02:00.
    """

    def make(folder: Path) -> None:
        from workbench.gallery import Gallery
        from workbench.indexing import index_catalogue

        models = installation.load_models("dlib")
        with Gallery.create(folder / "gallery.duckdb", models.profile) as gallery:
            report = index_catalogue(small_catalogue(folder / "footage"), gallery, models)
        assert not report.problems

    return once("small-town", make) / "gallery.duckdb"


def small_catalogue(folder: Path, clips: int = len(SMALL_TOWN)) -> Path:
    """Write the catalogue of the small town, with the first of its *clips*."""
    (folder / "clips").mkdir(parents=True)
    cameras = [f"CAM-{n:03},Camera {n},{y},{x}" for n, (y, x) in enumerate(PLACES, start=1)]
    (folder / "cameras.csv").write_text(
        "\n".join(["camera_id,name,latitude,longitude", *cameras]) + "\n"
    )
    rows = ["file,camera_id,started_at"]
    for clip, camera, began in SMALL_TOWN[:clips]:
        file = f"clips/{camera.lower()}.mp4"
        shutil.copyfile(demo_town().root / "clips" / f"{clip}.mp4", folder / file)
        rows.append(f"{file},{camera},{began}")
    (folder / "footage.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def wanted() -> tuple[Path, ...]:
    """Three photographs of the wanted person of the small town."""
    return demo_town().photographs[WANTED]


@pytest.fixture(scope="session")
def somebody_else() -> Path:
    """A photograph of somebody who is not in the small town."""
    return demo_town().absent[SOMEBODY_ELSE][0]


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A photograph of one face, sharp, evenly lit and with nothing before it."""
    return demo_town().photographs["Edwin Marsh"][0]


@pytest.fixture(scope="session")
def two_people(wanted: tuple[Path, ...], somebody_else: Path) -> bytes:
    """A photograph of the wanted person, at the left, and of somebody else."""
    from PIL import Image

    people = [Image.open(path).convert("RGB") for path in (wanted[0], somebody_else)]
    both = Image.new("RGB", (sum(one.width for one in people), max(one.height for one in people)))
    both.paste(people[0], (0, 0))
    both.paste(people[1], (people[0].width, 0))
    buffer = BytesIO()
    both.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def cuts(once: Once) -> dict[str, Path]:
    """Recordings of three seconds by the name of the only person on them (:data:`films.CUTS`)."""

    def make(folder: Path) -> None:
        for number, name in enumerate(films.CUTS):
            films.cut(folder / f"{number}.mkv", name)

    folder = once("cuts", make)
    return {name: folder / f"{number}.mkv" for number, name in enumerate(films.CUTS)}


@pytest.fixture(scope="session")
def bad_recordings(once: Once) -> Path:
    """A folder of unusual and of broken recordings."""
    return once("bad-recordings", films.make_bad_recordings)
