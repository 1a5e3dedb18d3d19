"""An office with people in it: a server that knows them, a gallery, an approved case."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import RATE, SIZE, write
from pictures import jpeg
from shapely import box

from workbench.calibration import Normaliser
from workbench.casework.cases import Case, Request
from workbench.casework.provenance import Provenance
from workbench.casework.record.audit import HEAD, LOG
from workbench.casework.record.chain import canonical
from workbench.casework.record.identity import SERVED, socket_address
from workbench.casework.record.installation_file import InstallationFile, write_installation
from workbench.casework.register import CaseRegister, all_entries
from workbench.casework.subjects import describe_subject
from workbench.domain import (
    Box,
    Camera,
    District,
    Face,
    IndexedRecording,
    Photograph,
    Probe,
    Profile,
    Quality,
    Recording,
    Scope,
    Shot,
    Tracklet,
    stretches_of,
)
from workbench.footage.files import sha256_of
from workbench.gallery import Gallery
from workbench.gallery.opening import folder_of
from workbench.installation import Installation

START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
PROFILE = Profile("test", "dlib", "Dlib", "dlib-chip", "euclidean", 8, (("a.dat", "00"),))
AREA = District("Old Town", box(-0.02, 51.47, 0.0, 51.49))
ROLES = {
    "anna": ["analyst"],
    "ben": ["analyst"],
    "cleo": ["analyst"],  # a member of no case
    "rosa": ["reviewer"],
    "rolf": ["reviewer"],
    "sara": ["supervisor"],
    "sven": ["supervisor"],
    "otto": ["auditor"],
    "ada": ["administrator"],
}


OFFICE_ID = "0ff1ce" + 26 * "0"
"""Id of the installation that every office is: galleries made for tests belong to it."""


def normaliser_of(profile: Profile, *, seed: int = 0) -> Normaliser:
    """A normaliser for made-up templates."""
    centroids = np.random.default_rng(seed).normal(0, 0.1, (6, profile.dimension))
    return Normaliser(
        profile.metric, centroids.astype(np.float32), -0.4, 0.15, people_each=5, people=30,
        source="made up", licence="CC0",
    )  # fmt: skip


class Teller:
    """What the server of an office tells its processes: who sits there."""

    def __init__(self, folder: Path, *, listener: int | None = None) -> None:
        self.says: object = {"account": None}
        (folder / "run").mkdir(mode=0o700, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        with socket_address(folder) as address:
            self._socket.bind(address)
        if listener is not None:
            os.seteuid(listener)  # the account that listens is the one that others see
        try:
            self._socket.listen()
        finally:
            os.seteuid(os.getuid())
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                asker, _ = self._socket.accept()
            except OSError:  # closed
                return
            with asker, contextlib.suppress(OSError):  # who asked has gone
                asker.sendall(json.dumps(self.says).encode() + b"\n")

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()


@dataclass
class Office:
    """An installation in service, and whoever sits in it."""

    home: Path
    patch: pytest.MonkeyPatch
    installation: Installation
    teller: Teller

    @property
    def folder(self) -> Path:
        return self.register.folder

    @property
    def register(self) -> CaseRegister:
        return self.installation.register

    def sit(self, name: str) -> CaseRegister:
        """Somebody who has signed in by the hub sits down: the server tells its processes so."""
        self.teller.says = {"account": name, "way": "hub"}
        return self.register

    def approve(self, name: str, reference: str) -> Case:
        """Somebody sits down, reads what is requested and approves that."""
        register = self.sit(name)
        return register.approve(reference, digest=register.case(reference).digest)

    def fresh(self) -> CaseRegister:
        """The register as another process would open it, with the settings as they are now."""
        self.installation = Installation.open()
        return self.register

    def write_at(self, moment: datetime) -> None:
        """An entry as a machine writes it whose clock shows *moment*."""
        head = self.register.head
        body = {"n": head.number + 1, "at": moment.isoformat(), "by": {}, "what": "x", "about": {}}
        rest = head.hash.encode() + b" " + canonical(body)
        digest = hashlib.sha256(rest).hexdigest()
        with (self.folder / LOG).open("ab") as file:
            file.write(digest.encode() + b" " + rest + b"\n")
        (self.folder / HEAD).write_text(f"{head.number + 1:020d}:{digest}\n")

    def events(self, what: str = "") -> list[Any]:
        return [e for e in all_entries(self.folder) if e.what.startswith(what)]


@pytest.fixture
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of an installation that nobody has used yet."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("SIGHTLINE_", "JUPYTERHUB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SIGHTLINE_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home


@pytest.fixture
def office(fresh_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    folder = fresh_home / "casework"
    folder.mkdir(mode=0o700)
    (folder / "people.json").write_text(json.dumps({"people": ROLES}))
    (folder / "people.json").chmod(0o644)
    write_installation(folder, InstallationFile(OFFICE_ID, "in service"))
    monkeypatch.setenv(SERVED, "1")
    # The teller is a thread of this process, which may stand still.
    monkeypatch.setattr("workbench.casework.record.identity._SECONDS", 600.0)
    teller = Teller(folder)
    made = Office(fresh_home, monkeypatch, Installation.open(), teller)
    made.sit("ada")
    yield made
    teller.close()


def vector(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, 8).astype(np.float32)


def stated(photographs: int = 2, **changed: Any) -> tuple[Provenance, ...]:
    """What is stated of so many photographs: nothing that anybody would be warned of."""
    given = {"source": "album", "given_by": "the mother", "taken": "2026-01", "changes": "nothing"}
    return (Provenance(**{**given, **changed}),) * photographs


def probe_of(seed: int, *, photographs: int = 2) -> Probe:
    face = Face(Box(0, 0, 10, 10), 1.0)
    pictures = tuple(
        Photograph(
            f"{n}.jpg", face, Quality(0.9, 0.9, 0.9, 0.9, 0.9), b"jpeg %d %d" % (seed, n),
            (vector(seed) + np.float32(n / 100)).astype(np.float32),
            original=jpeg(f"{seed} {n}"),
        )
        for n in range(photographs)
    )  # fmt: skip
    template = np.mean([p.template for p in pictures], axis=0).astype(np.float32)
    return Probe(pictures, template, PROFILE)


@pytest.fixture(scope="session")
def subject() -> Probe:
    """Person number 0, who is on every camera."""
    return probe_of(0)


@pytest.fixture(scope="session")
def stranger() -> Probe:
    return probe_of(1)


@pytest.fixture(scope="session")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four cameras in the Old Town and one elsewhere; persons 0 to 4 pass each of them."""
    path = tmp_path_factory.mktemp("town") / "town.duckdb"
    with Gallery.create(path, PROFILE) as gallery:
        places = [(-0.015, 51.475), (-0.010, 51.478), (-0.005, 51.480), (-0.001, 51.489), (0.1, 51)]
        gallery.add_cameras(
            Camera(f"C{n}", f"Camera {n}", latitude, longitude)
            for n, (longitude, latitude) in enumerate(places)
        )
        for camera in range(len(places)):
            started = START + timedelta(hours=camera)
            tracklets = []
            for person in range(5):
                seen = started + timedelta(minutes=person)
                template = (vector(person) + np.float32(camera / 50)).astype(np.float32)
                shot = Shot(
                    60.0 * person, seen, Box(10, 20, 30, 40),
                    Quality(0.9, 0.9, 0.8, 0.7, 0.6), jpeg(), template,
                )  # fmt: skip
                end = seen + timedelta(seconds=5)
                tracklets.append(Tracklet(person, seen, end, 9, (shot,), template))
            recording = Recording(f"{camera}.mp4", Path("x.mp4"), f"C{camera}", started)
            gallery.add_recording(
                IndexedRecording(
                    recording,
                    hashlib.sha256(b"recording %d" % camera).hexdigest(),
                    1000,
                    2000,
                    600.0,
                    640,
                    360,
                    7200,
                    1200,
                    50,
                    tuple(tracklets),
                )
            )
        gallery.give_to(OFFICE_ID)
    return path


@pytest.fixture
def gallery(town_file: Path) -> Iterator[Gallery]:
    with Gallery.open(town_file) as opened:
        yield opened


@pytest.fixture
def unowned(town_file: Path, tmp_path: Path) -> Iterator[Gallery]:
    """The same gallery as one that belongs to no installation, opened for reading."""
    folder = tmp_path / "unowned"
    folder.mkdir()
    shutil.copy(town_file, folder)
    shutil.copytree(folder_of(town_file), folder / folder_of(town_file).name)
    with Gallery.open(folder / town_file.name, write=True) as made:
        made.give_to("")
    with Gallery.open(made.path) as opened:
        yield opened


@pytest.fixture
def permitted() -> Scope:
    return Scope(AREA, START, START + timedelta(hours=12))


@pytest.fixture
def ask(subject: Probe, permitted: Scope, tmp_path: Path) -> Callable[..., Request]:
    """``ask(reference="A-1", …)``: a request that nothing is wrong with but what is said."""

    def make(reference: str = "A-1", **changed: Any) -> Request:
        now = datetime.now(UTC)
        request = Request(
            reference=reference,
            purpose="missing person",
            title="A child from the Old Town",
            legal_basis="Search for a missing person",
            authority="Public prosecutor",
            authorisation="P 117/26",
            district=permitted.district,
            start=permitted.start,
            end=permitted.end,
            valid_from=now - timedelta(hours=1),
            valid_until=now + timedelta(days=2),
            subject=describe_subject(subject, calibrations=tmp_path / "none", provenance=stated()),
            members=("ben", "rosa", "rolf"),
        )
        return replace(request, **changed)

    return make


@pytest.fixture
def case(office: Office, ask: Callable[..., Request], subject: Probe) -> Case:
    """A-1, of anna, ben, rosa and rolf: anna asked for it, sara approved it; anna sits there."""
    office.sit("anna").ask(ask(), subject=subject)
    office.approve("sara", "A-1")
    return office.sit("anna").case("A-1")


@pytest.fixture(scope="session")
def clocked_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clocked")
    grey = (np.full((*SIZE, 3), 3 * number, np.uint8) for number in range(5 * RATE))
    film = write(folder / "gate.mp4", grey)
    started, joined = datetime(2026, 3, 31, 17, 4, tzinfo=UTC), [(3.0, "recordings were joined")]
    recordings = []
    for number, (file, camera) in enumerate(
        [("gate.mp4", "C0"), ("night/a.mp4", "C0"), ("night/b.mp4", "C1")]
    ):
        begins = started + timedelta(hours=number)
        seen, template = begins + timedelta(seconds=1), vector(number)
        quality = Quality(0.9, 0.9, 0.8, 0.7, 0.6)
        shot = Shot(1.0, seen, Box(10, 20, 30, 40), quality, jpeg(), template)
        tracklet = Tracklet(0, seen, seen + timedelta(seconds=2), 9, (shot,), template)
        recordings.append(
            IndexedRecording(
                Recording(file, folder / file, camera, begins),
                sha256_of(film) if number == 0 else hashlib.sha256(file.encode()).hexdigest(),
                film.stat().st_size,
                film.stat().st_mtime_ns,
                5.0,
                SIZE[1],
                SIZE[0],
                5 * RATE,
                5 * RATE,
                9,
                (tracklet,),
                stretches=stretches_of(joined if number == 1 else ()),
            )
        )
    with Gallery.create(folder / "town.duckdb", PROFILE) as gallery:
        gallery.add_cameras(
            [Camera("C0", "Gate", 51.475, -0.015), Camera("C1", "Bridge", 51.478, -0.01)]
        )
        gallery.add_recordings(recordings)
        gallery.add_run("clocked", started, started, indexed=3, refused=(), left=0)
    return folder


@pytest.fixture
def clocked(clocked_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gallery of a film of five seconds, catalogued as of 17:04 UTC, and two that are away.

    The second is in doubt from 3 s on. The folder that it was indexed from is that of the test.
    """
    shutil.copytree(clocked_once, tmp_path / "clocked")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "clocked" / "town.duckdb"
