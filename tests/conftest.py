"""What every test may use."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import hypothesis
import pytest

from workbench.calibration import Calibration
from workbench.domain import Camera, Candidate, Profile, TimeNote
from workbench.installation import Installation
from workbench.settings import Settings

pytest_plugins = ("office", "material", "clock", "rays", "documents", "commands")

# Whoever starts the tests in the background has them ignore an interrupt, and with them every
# process that they start: a test that interrupts one would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long something takes decides nothing here: the machine may be busy. See make soak.
PATIENT = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("suite", **PATIENT)
hypothesis.settings.register_profile("soak", max_examples=5_000, **PATIENT)
hypothesis.settings.load_profile("soak" if "SIGHTLINE_KILLS" in os.environ else "suite")

REPOSITORY = Path(__file__).parents[1]
SHARED = Path(os.environ.get("SIGHTLINE_SHARED", REPOSITORY.parent / "shared"))

# Footage that is indexed, browsers and servers take seconds to set up: make check does without.
SLOW = {
    "browser", "built", "cuts", "demo", "ray_nodes", "servers", "serving", "shared", "small_town",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what needs something slow, or is long by itself."""
    for item in items:
        needed = set(getattr(item, "fixturenames", ()))
        if needed & SLOW or item.get_closest_marker("soak"):
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def no_merging() -> Iterator[None]:
    """Have no gallery merged by a process that outlives a test; those of merging start it."""
    from workbench.gallery import background

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(background, "start_unattended", lambda path: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of an installation of the tests' own: no setting of this machine plays a part."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("SIGHTLINE_")}
    folder = tmp_path_factory.mktemp("home")
    for name in kept:
        del os.environ[name]
    os.environ["SIGHTLINE_HOME"] = str(folder)
    yield folder
    del os.environ["SIGHTLINE_HOME"]
    os.environ |= kept


@pytest.fixture(scope="session")
def installation(home: Path) -> Installation:
    """The tests' own installation, which nobody has put in service.

    Its case is named, since pages choose one by themselves only where there is no other.
    """
    return Installation(Settings(home=home, case="TRAINING"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real footage, faces and models, which are not part of the repository."""
    if not (SHARED / "footage").is_dir():
        pytest.skip(f"no test material at {SHARED}; set SIGHTLINE_SHARED to its folder")
    return SHARED


@pytest.fixture(scope="session")
def training(installation: Installation) -> str:
    """The reference of a training case that covers the globe for a century."""
    from shapely import box

    from workbench.domain import District, Scope

    century = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    scope = Scope(District("the globe", box(-180, -90, 180, 90)), *century)
    return installation.register.train("TRAINING", scope).reference


@pytest.fixture(scope="session")
def calibrated() -> Callable[[Profile], Calibration]:
    """``calibrated(profile)``: really fitted, to templates of eighty people who are but numbers."""

    def calibrated(profile: Profile) -> Calibration:
        import numpy as np
        import pandas as pd

        from workbench.domain import QUALITY_PARTS
        from workbench.evaluation.calibrate import calibrate
        from workbench.evaluation.samples import Samples

        generator = np.random.default_rng(0)
        people = np.repeat([f"person {number}" for number in range(80)], 6)
        # Around places that differ in a few directions alone, so that some come near each other.
        places = np.zeros((80, profile.dimension))
        places[:, :8] = generator.normal(0, 0.16, (80, 8))
        noise = generator.normal(0, 0.02, (len(people), profile.dimension))
        quality = generator.uniform(0.4, 1.0, len(people))
        about = pd.DataFrame({"person": people, "name": [f"{n}.jpg" for n in range(len(people))]})
        about = about.assign(width=80.0, quality=quality, **dict.fromkeys(QUALITY_PARTS, 1.0))
        templates = (np.repeat(places, 6, axis=0) + noise).astype(np.float32)
        failed = pd.DataFrame(columns=["person", "name", "reason"])
        samples = Samples(about, templates, templates, profile, failed)
        return calibrate(
            [samples], data="eighty sets of numbers", photographs=(1, 3), qualities=(0.0, 0.8)
        )

    return calibrated


@pytest.fixture(scope="session")
def calibration(calibrated: Callable[[Profile], Calibration]) -> Calibration:
    """That of a profile of no real weights."""
    from workbench.faces.profiles import make_profile

    return calibrated(make_profile("dlib", (("none.dat", "0" * 64),)))


@pytest.fixture(scope="session")
def small_jpeg() -> bytes:
    """A picture of 48 x 48 pixels with nobody in it."""
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (48, 48), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def make_candidate(small_jpeg: bytes) -> Callable[..., Candidate]:
    """``make_candidate(camera, minute, score)``: seen for eight seconds from 00:30 UTC on."""

    def make(
        camera: Camera,
        minute: float = 0,
        score: float = 0.7,
        *,
        start: datetime = datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        recording: str = "clip.mp4",
    ) -> Candidate:
        seen = start + timedelta(minutes=minute)
        return Candidate(
            tracklet_id=f"{camera.camera_id}-{minute:g}",
            camera=camera,
            recording_id=camera.camera_id,
            recording=recording,
            first_seen=seen,
            last_seen=seen + timedelta(seconds=8),
            score=score,
            quality=0.8,
            shot_seconds=4.0,
            shot_time=seen + timedelta(seconds=4),
            shot_jpeg=small_jpeg,
            time=TimeNote(recorded=seen),
        )

    return make


@pytest.fixture(scope="session")
def shared_data() -> Callable[[Path], Path]:
    """``shared_data(folder)``: what the wheel puts into ``share``, laid out in a folder."""
    import tomllib

    def lay_out(folder: Path) -> Path:
        project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
        wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
        for source, target in wheel["shared-data"].items():
            place = folder / target
            if (REPOSITORY / source).is_dir():
                shutil.copytree(REPOSITORY / source, place, dirs_exist_ok=True)
            else:
                shutil.copyfile(REPOSITORY / source, place)
        return folder / "share"

    return lay_out
