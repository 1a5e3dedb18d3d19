"""The copy that deploy/backup makes while people work, brought back elsewhere."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from office import PROFILE

from workbench.casework.cases import Case
from workbench.casework.record.acting import acting_for
from workbench.casework.record.audit import verify
from workbench.casework.record.chain import Head
from workbench.cli.main import main
from workbench.domain import Camera, Probe, Scope
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.opening import folder_of
from workbench.installation import Installation
from workbench.investigation import search
from workbench.settings import Settings

BACKUP = Path(__file__).parents[2] / "deploy/backup"


@contextmanager
def at_work(*jobs: Callable[[int], object]) -> Iterator[list[int]]:
    """Do each job again and again in a thread of its own; yields how often each was done."""
    done, over, failed = [0] * len(jobs), threading.Event(), []

    def work(number: int, job: Callable[[int], object]) -> None:
        try:
            while not over.is_set():
                job(done[number])
                done[number] += 1
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=one) for one in enumerate(jobs)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failed == []


def copying(folder: Path, before: str) -> dict[str, str]:
    """Environment in which ``cp`` does something else first."""
    (folder / "programs").mkdir()
    program = folder / "programs/cp"
    program.write_text(f'#!/bin/sh\n{before}\nexec {shutil.which("cp")} "$@"\n')
    program.chmod(0o700)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}


def test_what_is_copied_while_people_work_is_whole_elsewhere(
    office: Any,
    case: Case,
    town_file: Path,
    copied: Any,
    subject: Probe,
    permitted: Scope,
    tmp_path: Path,
) -> None:
    town = copied(town_file, office.home)
    (north := office.home / "the north").mkdir(mode=0o700)
    beside = copied(town_file, north)
    for name in ("hub-token", "sightline.env"):
        (office.home / name).touch(mode=0o600)
        (office.home / name).write_text(name)
    with Gallery.for_writing(town, PROFILE) as gallery:
        with at_work(
            lambda n: gallery.add_cameras([Camera(f"N{n}", "New", 51.4, 0.2)]),
            lambda n: office.register.record("note.made", {"number": n}),
        ) as done:
            while min(done) < 3:
                time.sleep(0.01)
            before = list(done)
            copy = subprocess.run(
                [BACKUP, office.home, tmp_path / "copy"], capture_output=True, text=True, check=True
            )
        assert all(now > then for now, then in zip(done, before, strict=True))
    # The office burns down; the copy is brought to another machine, as docs/operate.md says.
    office.home.rename(tmp_path / "ashes")
    (elsewhere := tmp_path / "elsewhere").mkdir(mode=0o700)
    subprocess.run(["cp", "-a", f"{tmp_path / 'copy'}/.", f"{elsewhere}/"], check=True)
    head = Head.parse(copy.stdout.rpartition(" ")[2])
    found = verify(elsewhere / "casework", pins=[head])
    assert found.sound, found.faults
    assert found.entries >= head.number > 3
    restored = Installation(Settings(home=elsewhere))
    with restored.open_gallery(elsewhere / town.name) as gallery, acting_for("anna", "hub"):
        assert list(check(gallery)) == []
        assert restored.register.case("A-1").status() == "open"
        result = search(
            gallery, subject, permitted, case="A-1", register=restored.register, threshold=None
        )
        assert result.candidates
    with restored.open_gallery(elsewhere / north.name / beside.name) as gallery:
        assert list(check(gallery)) == []
    for name in ("hub-token", "sightline.env"):
        assert (elsewhere / name).read_text() == name
        assert (elsewhere / name).stat().st_mode & 0o077 == 0
    assert elsewhere.stat().st_mode & 0o077 == 0, "others may read the copy"
    assert list((tmp_path / "ashes").rglob("*.backup-*")) == []


def test_a_copy_is_never_made_into_a_folder_that_holds_something(
    office: Any, tmp_path: Path
) -> None:
    (tmp_path / "copy").mkdir()
    refused = subprocess.run(
        [BACKUP, office.home, tmp_path / "copy"], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert list((tmp_path / "copy").iterdir()) == []


def test_a_copy_is_never_made_into_the_installation(office: Any) -> None:
    there = sorted(office.home.rglob("*"))
    refused = subprocess.run(
        [BACKUP, office.home, office.home / "copy"], capture_output=True, text=True, check=False
    )
    assert (refused.returncode, "name a folder elsewhere" in refused.stderr) == (2, True)
    assert sorted(office.home.rglob("*")) == there


def test_two_galleries_of_one_name_are_not_copied_over_each_other(
    office: Any, town_file: Path, copied: Any, tmp_path: Path
) -> None:
    office.register.record("note.made", {})
    copied(town_file, office.home)
    (tmp_path / "elsewhere").mkdir()
    other = copied(town_file, tmp_path / "elsewhere")
    refused = subprocess.run(
        [BACKUP, office.home, tmp_path / "copy", other], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "another gallery of that name was copied before" in refused.stderr
    assert not (tmp_path / "copy").exists()


def test_what_links_lead_to_is_copied_and_what_is_named_twice_once(
    office: Any, town_file: Path, copied: Any, tmp_path: Path
) -> None:
    office.register.record("note.made", {})
    (disk := tmp_path / "disk").mkdir(mode=0o700)
    far, town = copied(town_file, disk), copied(town_file, office.home)
    (office.home / "far").mkdir(mode=0o700)
    for path in (far, folder_of(far)):
        (office.home / "far" / path.name).symlink_to(path)
    (disk / "settings").write_text("set")
    (office.home / "sightline.env").symlink_to(disk / "settings")
    copy = tmp_path / "copy"
    subprocess.run([BACKUP, office.home, copy, town], capture_output=True, check=True)
    assert (copy / "sightline.env").read_text() == "set"
    assert not [path for path in copy.rglob("*") if path.is_symlink()]
    for path in (copy / town.name, copy / "far" / far.name):
        with Gallery.open(path) as gallery:
            assert list(check(gallery)) == []
    assert sorted(path.name for path in disk.iterdir()) == sorted(
        (far.name, folder_of(far).name, "settings")
    )


def test_a_gallery_whose_parts_are_elsewhere_is_named_and_the_rest_copied(
    office: Any, town_file: Path, copied: Any, tmp_path: Path
) -> None:
    office.register.record("note.made", {})
    town = copied(town_file, office.home)
    (north := office.home / "the north").mkdir(mode=0o700)
    copied(town_file, north)
    office.sit("ada")
    assert main(["gallery", "move", str(town), "--storage", str(tmp_path / "large")]) == 0
    copy = tmp_path / "copy"
    found = subprocess.run([BACKUP, office.home, copy], capture_output=True, text=True, check=False)
    assert found.returncode == 3
    assert found.stderr == (
        f"{town}: NOT COPIED, since its parts or its manifest are elsewhere; "
        "copy it with sightline gallery backup\n"
    )
    assert not (copy / town.name).exists()
    with Gallery.open(copy / north.name / town.name) as gallery:
        assert list(check(gallery)) == []
    assert (copy / "casework/audit.log").exists()


def test_what_goes_away_while_it_is_copied_ends_no_copy(office: Any, tmp_path: Path) -> None:
    """And a gallery of the earliest versions, a file alone, is copied from any folder."""
    office.register.record("note.made", {})
    passing = [office.home / "passing", office.folder / "passing", office.folder / "drafts/passing"]
    passing[2].parent.mkdir(exist_ok=True)
    for path in (*passing, passing[2].with_name("kept")):
        path.write_text(path.name)
    (old := office.home / "the north/old.duckdb").parent.mkdir()
    old.write_text("old")
    # They go once their copying has begun; of a folder, after it was listed.
    before = """case "$2" in
        */passing) rm -f "$2" ;;
        */drafts)
            if [ -e "$2/passing" ]; then
                rm "$2/passing"
                mkdir -p "$3/drafts"
                echo "cp: cannot stat '$2/passing': No such file or directory" >&2
                exit 1
            fi ;;
    esac"""
    copy = tmp_path / "copy"
    subprocess.run(
        [BACKUP, office.home, copy], check=True, capture_output=True, env=copying(tmp_path, before)
    )
    assert [*copy.rglob("passing")] == []
    assert (copy / "casework/drafts/kept").read_text() == "kept"
    assert (copy / "the north/old.duckdb").read_text() == "old"


@pytest.mark.parametrize("by", ["a full disk", signal.SIGTERM])
def test_a_copy_that_is_cut_short_leaves_no_links_to_faces(
    office: Any, town_file: Path, copied: Any, tmp_path: Path, by: Any
) -> None:
    town = copied(town_file, office.home)
    office.register.record("note.made", {})
    there = sorted(office.home.iterdir())
    # Parts are copied by `cp -a`, after the links to them were made.
    end = "exit 1" if by == "a full disk" else "kill -TERM $PPID; exit 0"
    before = f'case "$*" in "-a "*.backup-*) touch {tmp_path}/reached; {end};; esac'
    cut = subprocess.run(
        [BACKUP, office.home, tmp_path / "copy"], capture_output=True, text=True, check=False,
        env=copying(tmp_path, before),
    )  # fmt: skip
    assert (tmp_path / "reached").exists()
    assert cut.returncode == (1 if by == "a full disk" else 143)
    assert sorted(office.home.iterdir()) == there
    assert not (tmp_path / "copy").exists()
    assert {path.stat().st_nlink for path in folder_of(town).rglob("*") if path.is_file()} == {1}
