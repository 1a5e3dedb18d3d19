"""Check of the demo: index the town, search it, and compare with the known answers."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from shapely import box

from workbench.calibration import read_calibration
from workbench.casework.training import covering_case
from workbench.district import from_file
from workbench.domain import District, Probe, Scope, Threshold
from workbench.faces.probes import make_probe
from workbench.fennmouth import Appearance, DemoTown
from workbench.footage.catalog import read_catalogue
from workbench.indexing import index_catalogue
from workbench.indexing.workers import available_cores
from workbench.installation import Installation
from workbench.investigation import search
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.casework.register import CaseRegister
    from workbench.domain import ProgressCallback
    from workbench.gallery import Gallery

PROFILE = "dlib"


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of one search in the demo: what it should find and what it found."""

    person: str
    district: str
    appearances: int
    found: int
    missed: int
    false: int
    lowest_right: float | None  # score
    highest_wrong: float | None  # score, threshold or not


@dataclass(frozen=True, slots=True)
class DemoCheck:
    """Results of all searches in the demo."""

    rows: tuple[Answer, ...]

    @property
    def passed(self) -> bool:
        """True if every appearance was found and no other person."""
        return all(row.missed == 0 and row.false == 0 for row in self.rows)

    def frame(self) -> pd.DataFrame:
        """Return the results as a DataFrame, one row per search."""
        return pd.DataFrame([asdict(row) for row in self.rows]).round(3)


def demo_gallery(
    town: DemoTown, installation: Installation, *, progress: ProgressCallback | None = None
) -> Path:
    """Return the demo's gallery in an installation; index what is not in it yet."""
    # Named after the data, so that a newer demo does not open the gallery of an older one.
    digest = hashlib.sha256((town.root / "truth.json").read_bytes()).hexdigest()[:8]
    path = installation.settings.home / f"demo-{digest}.duckdb"
    _index(town, path, installation, progress)
    return path


def demo_settings(town: DemoTown, installation: Installation) -> Settings:
    """Return the settings of an installation, changed so that its pages show the demo."""
    return installation.settings.model_copy(
        update={
            "time_zone": town.time_zone.key,
            "base_map": town.streets.resolve(),
            "calibrations": (town.root / "calibrations").resolve(),
            "districts": (town.root / "districts").resolve(),
            "home": installation.settings.home.resolve(),
            "case": training_case(town, installation.register),
        }
    )


def demo_threshold(town: DemoTown, *, photographs: int) -> Threshold:
    """Default threshold for the demo's rendered people, who are more alike than real ones."""
    calibration = read_calibration(town.root / "calibrations" / f"{PROFILE}.json")
    return calibration.threshold(photographs=photographs)


def training_case(town: DemoTown, register: CaseRegister) -> str:
    """Return the reference of a training case for the demo, opened or widened if necessary."""
    day = timedelta(days=1)
    cameras = read_catalogue(town.root).cameras
    places = [camera.place for camera in cameras if camera.place is not None]
    west, east = min(p.longitude for p in places), max(p.longitude for p in places)
    south, north = min(p.latitude for p in places), max(p.latitude for p in places)
    margin = 0.1  # degrees: a district may be drawn beyond the last camera
    area = box(west - margin, south - margin, east + margin, north + margin)
    scope = Scope(District("Fennmouth and around", area), town.start - day, town.end + day)
    return covering_case(register, scope, title="The demo")


def check_demo(
    town: DemoTown, installation: Installation, *, progress: ProgressCallback | None = None
) -> DemoCheck:
    """Index the town from scratch and run all searches; compare with the known appearances.

    That is done in a home of its own, which is deleted: no entry or case of the installation comes
    of it.
    """
    with tempfile.TemporaryDirectory(prefix="sightline-demo-") as scratch:
        home = Path(scratch)
        alone = Installation(installation.settings.model_copy(update={"home": home}))
        path = home / "demo.duckdb"
        _index(town, path, alone, progress)
        return check_gallery(town, path, alone)


def check_gallery(town: DemoTown, path: Path, installation: Installation) -> DemoCheck:
    """Run all searches in a gallery that holds the town already."""
    people = {**town.photographs, **town.absent}
    with installation.open_gallery(path) as gallery:
        models = installation.load_models(gallery.profile)
        probes = {name: make_probe(list(files), models=models) for name, files in people.items()}
        register = installation.register
        case = training_case(town, register)
        rows = [
            _ask(town, gallery, name, probe, district, case, register)
            for district in town.districts
            for name, probe in probes.items()
        ]
    return DemoCheck(tuple(rows))


def _index(
    town: DemoTown, path: Path, installation: Installation, progress: ProgressCallback | None
) -> None:
    models = installation.load_models(PROFILE)
    with installation.gallery_for_writing(path, models.profile) as gallery:
        index_catalogue(
            town.root,
            gallery,
            models,
            workers=available_cores(),
            normaliser=installation.normaliser(models.profile),
            progress=progress,
        )


def _ask(
    town: DemoTown,
    gallery: Gallery,
    name: str,
    probe: Probe,
    district: str,
    case: str,
    register: CaseRegister,
) -> Answer:
    scope = Scope(from_file(town.districts[district]), town.start, town.end)
    result = search(gallery, probe, scope, case=case, register=register, top=None)
    inside = {camera.camera_id for camera in result.cameras}
    unseen: list[Appearance] = [
        appearance
        for appearance in town.truth
        if appearance.person == name and appearance.camera_id in inside
    ]
    total, right, wrong = len(unseen), [], []
    least = demo_threshold(town, photographs=len(probe.photographs)).score
    for candidate in result.candidates:
        own = next(
            (
                appearance
                for appearance in unseen
                if appearance.file == candidate.recording
                and appearance.first_seen <= candidate.last_seen
                and appearance.last_seen >= candidate.first_seen
            ),
            None,
        )
        if own is None or candidate.score < least:
            wrong.append(candidate.score)
        else:
            unseen.remove(own)
            right.append(candidate.score)
    return Answer(
        person=name,
        district=district,
        appearances=total,
        found=len(right),
        missed=len(unseen),
        false=sum(score >= least for score in wrong),
        lowest_right=min(right, default=None),
        highest_wrong=max(wrong, default=None),
    )
