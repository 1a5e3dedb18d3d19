"""Indexing on the nodes of a cluster of Ray: what one process finds, whatever is killed."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import films
import numpy as np
import psutil
import pytest
from raynodes import HEAD
from rays import LONG, RayCluster, frozen, raylet

from workbench.cli.output import REFUSED
from workbench.cluster.connection import connected
from workbench.domain import Progress
from workbench.errors import SettingsError
from workbench.faces.models import Models
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.indexing import index_catalogue, on_ray
from workbench.installation import Installation

CAMERAS = "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\nC2,Park,51.49,-0.02\n"
# Rounds of kills and freezes at seeded moments, which SIGHTLINE_KILLS asks for (make soak).
ROUNDS = range(int(os.environ.get("SIGHTLINE_KILLS", "0")) // 10)


@pytest.fixture(scope="module")
def models(installation: Installation) -> Models:
    return installation.load_models("dlib")


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory, cuts: dict[str, Path]) -> Path:
    """Two recordings of 36 seconds and four of three, of one person each, on six days."""
    folder = tmp_path_factory.mktemp("footage")
    (folder / "cameras.csv").write_text(CAMERAS)
    rows = ["file,camera_id,started_at"]
    people = ("Imani Cole", "Agnes Thorn", "Maren Holt", "Tobias Reed", "Maren Holt again",
              "Edwin Marsh")  # fmt: skip
    files = ("long.mkv", "other.mkv", "maren.mkv", "tobias.mkv", "later.mkv", "edwin.mkv")
    for day, (person, file) in enumerate(zip(people, files, strict=True), start=1):
        films.repeated(cuts[person], folder / file, 12 if day < 3 else 1)
        rows.append(f"{file},C{day % 2 + 1},2026-03-0{day}T10:00:00Z")
    (folder / "footage.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def alone(
    tmp_path_factory: pytest.TempPathFactory, models: Models, footage: Path
) -> Iterator[Gallery]:
    """What one process finds."""
    path = tmp_path_factory.mktemp("alone") / "gallery.duckdb"
    with Gallery.create(path, models.profile) as made:
        assert index_catalogue(footage, made, models).count("indexed") == 6
        yield made


def assert_same(gallery: Gallery, alone: Gallery, *, but: str = "") -> None:
    """Expect the recordings and tracklets of the other gallery, once each, to the last bit."""
    assert not list(check(gallery))
    wanted = alone.tracklets()
    wanted = wanted[wanted["recording"] != but]
    assert sorted(gallery.recordings()["file"]) == sorted(
        file for file in alone.recordings()["file"] if file != but
    )
    found = gallery.tracklets()
    columns = [name for name in wanted.columns if name != "source"]
    assert found[columns].to_dict("records") == wanted[columns].to_dict("records")
    for name in wanted["tracklet_id"][wanted["searchable"]]:
        for one, other in zip(alone.shots(name), gallery.shots(name), strict=True):
            assert one.jpeg == other.jpeg
            assert np.array_equal(one.template, other.template)


def readers(*files: str) -> Iterator[psutil.Process]:
    """Processes on nodes that have a file of this name open."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("ray::") and any(
                Path(opened.path).name in files for opened in process.open_files()
            ):
                yield process


def test_a_cluster_finds_what_one_process_finds(
    tmp_path: Path, alone: Gallery, models: Models, footage: Path, ray_cluster: RayCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    told: list[Progress] = []
    # Processes on nodes import none of the modules that lie beside footage.
    monkeypatch.chdir(tmp_path)
    Path("selectors.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")
    path = tmp_path / "two.duckdb"
    with Gallery.create(path, models.profile) as two, connected(ray_cluster.address):
        report = index_catalogue(footage, two, models, ray="auto", progress=told.append)
        assert report.count("indexed") == 6
        assert report.problems == ()
        assert not Path("imported").exists()
        assert_same(two, alone)
        assert index_catalogue(footage, two, models, ray="auto").count("present") == 6

        # What nodes cannot do is told of the run, and of a recording what is its own.
        elsewhere = footage.with_name("elsewhere")
        shutil.copytree(footage, elsewhere)
        (elsewhere / "gone.mkv").touch()
        with (elsewhere / "footage.csv").open("a") as rows:
            rows.write("gone.mkv,C1,2026-03-09T10:00:00Z\nempty.mkv,C1,2026-03-10T10:00:00Z\n")
        (elsewhere / "gone.mkv").unlink()
        (elsewhere / "empty.mkv").touch()
        refused = index_catalogue(elsewhere, two, models, ray="auto")
        assert [(p.where, p.what) for p in refused.problems] == [
            ("gone.mkv", "the file does not exist. Check the name in footage.csv"),
            ("empty.mkv", "is empty. Obtain it again"),
        ]
        assert (refused.count("present"), refused.count("refused")) == (6, 2)
        monkeypatch.setattr(on_ray, "code", lambda: "another")
        with pytest.raises(SettingsError, match="another version of Sightline is installed"):
            index_catalogue(elsewhere, two, models, ray="auto")
    assert told[-1].done == told[-1].total == 6
    assert told[-1].remaining_seconds == 0


def test_what_crashes_its_reader_twice_is_refused_and_a_lost_node_costs_nothing(
    tmp_path: Path, alone: Gallery, models: Models, footage: Path, ray_cluster: RayCluster
) -> None:
    killed: Counter[str] = Counter()

    def kill(progress: Progress) -> None:
        """Kill each reader of one recording, and once the node that is not the head."""
        for reader in readers("long.mkv"):
            reader.kill()
            killed["readers"] += 1
        if killed["readers"] and not killed["nodes"] and progress.what == "other.mkv":
            node = raylet(ray_cluster.other)
            assert node is not None
            node.kill()
            killed["nodes"] += 1

    with Gallery.create(tmp_path / "killed.duckdb", models.profile) as gallery:
        report = index_catalogue(footage, gallery, models, ray=ray_cluster.address, progress=kill)
        assert killed["nodes"] == 1
        assert killed["readers"] >= 2  # one more if a node was lost with it
        (problem,) = report.problems
        assert problem.where == "long.mkv"
        assert problem.what.startswith("crashed the process that read it, 2 times")
        assert (report.count("indexed"), report.count("refused")) == (5, 1)
        assert_same(gallery, alone, but="long.mkv")


def test_a_driver_that_ends_leaves_no_reader_and_the_next_goes_on(
    tmp_path: Path, alone: Gallery, models: Models, footage: Path, ray_cluster: RayCluster
) -> None:
    path = tmp_path / "stopped.duckdb"

    def stop(how: signal.Signals) -> tuple[int, str, str]:
        """Run the command, end it while nodes read, and wait until none does."""
        sightline = [sys.executable, "-m", "workbench", "index", str(footage)]
        with subprocess.Popen(
            [*sightline, "--gallery", str(path), "--ray", ray_cluster.address],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        ) as running:  # fmt: skip
            until = time.monotonic() + 120
            while not list(readers("long.mkv", "other.mkv")) and time.monotonic() < until:
                assert running.poll() is None, running.communicate()
                time.sleep(0.05)
            os.killpg(running.pid, how)
            said, error = running.communicate(timeout=120)
        until = time.monotonic() + 120
        while left := list(readers(*(film.name for film in footage.glob("*.mkv")))):
            assert time.monotonic() < until, left
            time.sleep(0.1)
        return running.returncode, said, error

    assert stop(signal.SIGKILL)[0] == -signal.SIGKILL
    status, said, error = stop(signal.SIGINT)  # as a terminal sends it: to the whole group
    assert (status, said) == (REFUSED, "")
    assert "Stopped. Finished work is kept; run the same command to go on." in error
    assert "Traceback" not in error
    with Gallery.for_writing(path, models.profile) as gallery:
        assert index_catalogue(footage, gallery, models).problems == ()
        assert_same(gallery, alone)


# The command; none of what is killed is a recording's fault.
PROGRAM = """
import sys
from workbench.cli.main import main
from workbench.indexing import on_ray
on_ray.MOST_CRASHES = on_ray.MOST_LOST = 1000
sys.exit(main(sys.argv[1:]))
"""
DISTURBANCES = (
    *["reader"] * 3, "node", "driver", "frozen reader", "frozen node", "frozen head",
    "frozen driver",
)  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize("seed", ROUNDS)
def test_killed_and_frozen_at_seeded_moments_all_is_there_once(
    tmp_path: Path, alone: Gallery, models: Models, footage: Path, ray_cluster: RayCluster,
    seed: int,
) -> None:  # fmt: skip
    """Ten kills or freezes of readers, nodes and the command, until a run comes through."""
    draw, done, path = random.Random(seed), Counter[str](), tmp_path / "soak.duckdb"
    files = [film.name for film in footage.glob("*.mkv")]

    def disturb(running: subprocess.Popen[str]) -> None:
        what = draw.choice(DISTURBANCES)
        whom, seconds = what.split()[-1], draw.uniform(0.0, 5.0)
        victim = {
            "reader": lambda: next(readers(*files), None),
            "node": lambda: raylet(ray_cluster.other),
            "head": lambda: raylet(HEAD),
            "driver": lambda: psutil.Process(running.pid),
        }[whom]()
        if victim is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            if what.startswith("frozen"):
                with frozen(victim):
                    time.sleep(seconds)
            else:
                victim.kill()
            done[what] += 1

    for _ in range(100):
        command = [sys.executable, "-c", PROGRAM, "index", str(footage)]
        with (
            (tmp_path / "said").open("w+") as said,
            subprocess.Popen(
                [*command, "--gallery", str(path), "--ray", ray_cluster.address],
                stdout=said, stderr=said, text=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            ) as running,
        ):  # fmt: skip
            while running.poll() is None and sum(done.values()) < 10:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(draw.uniform(0.0, 3.0))
                    break
                disturb(running)
            status = running.wait(600)
            said.seek(0)
            assert status in (0, -signal.SIGKILL), said.read()
        if status:
            continue
        with Gallery.for_writing(path, models.profile) as gallery:
            assert_same(gallery, alone)
            if sum(done.values()) >= 10:
                break
            gallery.purge(gallery.recordings()["recording_id"])
    print(seed, dict(done))
    assert sum(done.values()) >= 10


@pytest.mark.soak
@pytest.mark.parametrize("seed", ROUNDS[:1])
@pytest.mark.parametrize("whom", ["node", "driver"])
def test_who_stands_still_for_longer_than_ray_waits_costs_time_alone(
    tmp_path: Path, alone: Gallery, footage: Path, ray_cluster: RayCluster, whom: str, seed: int
) -> None:
    """A node is taken for lost after some 65 s, and what it read is read elsewhere."""
    path = tmp_path / "long.duckdb"
    files = [film.name for film in footage.glob("*.mkv")]

    def victim(running: subprocess.Popen[str]) -> psutil.Process | None:
        """Give who is to stand still, once nodes read; the node, once one of its readers does."""
        node, reading = raylet(ray_cluster.other), {*readers(*files)}
        if whom == "driver":
            return psutil.Process(running.pid) if reading else None
        return node if node and reading & {*node.children(recursive=True)} else None

    def freeze(process: psutil.Process) -> None:
        with frozen(process):
            time.sleep(LONG)

    command = [sys.executable, "-m", "workbench", "index", str(footage)]
    with (tmp_path / "said").open("w+") as said, subprocess.Popen(
        [*command, "--gallery", str(path), "--ray", ray_cluster.address],
        stdout=said, stderr=said, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as running:  # fmt: skip
        while (found := victim(running)) is None:
            assert running.poll() is None, "it was done before anybody stood still"
        freezing = threading.Thread(target=freeze, args=(found,))
        freezing.start()
        status = running.wait(600)
        freezing.join()
        said.seek(0)
        assert status == 0, said.read()
    with Gallery.open(path) as gallery:
        assert_same(gallery, alone)


@pytest.mark.soak
@pytest.mark.parametrize("seed", ROUNDS[:1])
def test_a_reader_that_stands_still_is_given_up(
    tmp_path: Path, alone: Gallery, models: Models, footage: Path, ray_cluster: RayCluster,
    seed: int, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(on_ray, "SILENT_SECONDS", 20.0)
    frozen: list[psutil.Process] = []

    def freeze(progress: Progress) -> None:
        if not frozen:
            for reader in readers("long.mkv"):
                reader.suspend()
                frozen.append(reader)

    try:
        with Gallery.create(tmp_path / "still.duckdb", models.profile) as gallery:
            report = index_catalogue(
                footage, gallery, models, ray=ray_cluster.address, progress=freeze
            )
            assert report.problems == ()
            assert_same(gallery, alone)
        assert frozen
        assert psutil.wait_procs(frozen, timeout=60)[1] == []
    finally:
        for process in frozen:
            with contextlib.suppress(psutil.Error):
                process.kill()
