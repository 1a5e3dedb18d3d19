"""Getting at footage round the installation that answers for it, and copying it out of it."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Run
from searching import search

from workbench import notebook
from workbench.casework.cases import Case
from workbench.casework.record.identity import SERVED
from workbench.casework.training import FICTIONAL
from workbench.domain import Probe, Scope
from workbench.errors import GalleryError, NotPermitted
from workbench.gallery import Gallery
from workbench.gallery.exporting import export
from workbench.gallery.importing import import_into
from workbench.gallery.opening import folder_of
from workbench.installation import Installation


@pytest.fixture
def desk(office: Any, tmp_path: Path) -> Callable[[], Installation]:
    """``desk()``: a home of one's own, in which one is everything; a shell, nobody's page."""

    def sit() -> Installation:
        (tmp_path / "mine").mkdir()
        office.patch.setenv("SIGHTLINE_HOME", str(tmp_path / "mine"))
        office.patch.delenv(SERVED)
        return Installation.open()

    return sit


def test_links_to_a_gallery_in_service(
    town_file: Path, desk: Callable[[], Installation], subject: Probe, permitted: Scope,
    tmp_path: Path,
) -> None:  # fmt: skip
    """A hard link to the named file and a symbolic one to the folder, beside no casework."""
    mine = desk()
    mine.register.train("T-1", permitted)
    other = tmp_path / "linked" / "town.duckdb"
    other.parent.mkdir()
    os.link(town_file, other)
    folder_of(other).symlink_to(folder_of(town_file))
    why = "belongs to another installation"
    with Gallery.open(other) as gallery, pytest.raises(NotPermitted, match=why):
        search(gallery, subject, permitted, case="T-1")  # past the installation
    for opening in (mine.open_gallery, notebook.Gallery.open):
        with pytest.raises(GalleryError, match=why):
            opening(other)


def test_a_gallery_taken_into_training(
    office: Any, town_file: Path, desk: Callable[[], Installation], copied: Any, tmp_path: Path
) -> None:
    mine, copy = desk(), copied(town_file, tmp_path / "copy")
    with pytest.raises(NotPermitted, match="takes over no gallery of an installation in service"):
        mine.take_gallery(copy)
    with pytest.raises(GalleryError, match="belongs to another installation"):
        mine.open_gallery(copy, write=True)
    there = copied(town_file, office.home)
    with pytest.raises(GalleryError) as refused:
        mine.open_gallery(there)
    assert refused.value.fix == f"Set SIGHTLINE_HOME to {office.home}"


def test_a_gallery_of_the_time_before_service(
    office: Any, unowned: Gallery, desk: Callable[[], Installation], copied: Any, run: Run,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Made in training, it goes into service with its installation, or is searched by none."""
    mine, account = desk(), getpass.getuser()
    path, moved = unowned.path, copied(unowned.path, tmp_path / "moved")
    for each in (path, moved):
        mine.open_gallery(each, write=True).close()
    away = moved.rename(moved.with_name("away.duckdb"))
    folder_of(moved).rename(folder_of(away))
    assert run("people", "grant", account, "analyst").status == 0
    mine = Installation.open()
    mine.open_gallery(path).close()
    with pytest.raises(GalleryError, match="was not put in service") as refused:
        mine.open_gallery(away)
    assert "sightline installation take" in refused.value.fix
    mine.take_gallery(away)
    mine.open_gallery(away).close()
    office.patch.setenv("SIGHTLINE_HOME", str(tmp_path / "another"))
    another = Installation.open()
    for each in (path, away):
        with pytest.raises(NotPermitted, match="of an installation in service"):
            another.take_gallery(each)


def test_a_gallery_that_was_not_taken_over(
    office: Any, case: Case, unowned: Gallery, subject: Probe, permitted: Scope
) -> None:
    def full(gallery: Gallery, owner: str) -> None:
        raise GalleryError("no space", where=str(gallery.path), fix="Free some")

    with pytest.raises(NotPermitted, match="the gallery belongs to no installation"):
        search(unowned, subject, permitted, case="A-1")
    with pytest.raises(GalleryError, match="sightline installation take"):
        office.installation.open_gallery(unowned.path)
    for name in ("anna", "sara", "nobody"):
        office.sit(name)
        with pytest.raises(NotPermitted):
            office.installation.take_gallery(unowned.path)
    office.sit("ada")
    with office.patch.context() as patch:
        patch.setattr(Gallery, "give_to", full)
        with pytest.raises(GalleryError, match="no space"):
            office.installation.take_gallery(unowned.path)
    assert office.events("gallery.taken.failed")[0].about["reason"] == "no space"
    office.installation.take_gallery(unowned.path)
    *_, entry = office.events("gallery.taken")
    assert (entry.account, entry.about["recordings"], entry.about["before"]) == ("ada", 5, "")
    office.sit("anna")
    with office.installation.open_gallery(unowned.path) as taken:
        assert search(taken, subject, permitted, case="A-1").candidates


def test_footage_that_calls_itself_the_demo(
    office: Any, town_file: Path, subject: Probe, permitted: Scope, tmp_path: Path
) -> None:
    """Exported, given the SHA-256 of the demo's clips, and imported again."""
    with Gallery.open(town_file) as gallery:
        export(gallery, tmp_path / "parquet")
    for number, file in enumerate(sorted((tmp_path / "parquet").rglob("recordings.parquet"))):
        table = pq.read_table(file)
        fakes = sorted(FICTIONAL)[number : number + len(table)]
        place = table.column_names.index("sha256")
        pq.write_table(table.set_column(place, "sha256", pa.array(fakes, pa.string())), file)
    with Gallery.create(tmp_path / "fake.duckdb", gallery.profile) as fake:
        import_into(fake.writer, tmp_path / "parquet")
        assert set(fake.recordings()["sha256"]) <= FICTIONAL
        fake.compact()
    office.sit("anna").train("T-1", permitted)
    with Gallery.open(fake.path) as fake:
        why = "belongs to no installation.*the fictional footage of the demo"
        with pytest.raises(NotPermitted, match=why):
            search(fake, subject, permitted, case="T-1")
    office.sit("ada")
    office.installation.take_gallery(fake.path)
    office.sit("anna")
    with Gallery.open(fake.path) as fake, pytest.raises(NotPermitted, match="of the demo"):
        search(fake, subject, permitted, case="T-1")


def test_templates_exported_without_the_role(
    office: Any, town_file: Path, run: Run, tmp_path: Path
) -> None:
    for name in ("anna", "rosa", "sara", "otto", "nobody"):
        office.sit(name)
        said = run("gallery", "export", town_file, "--output", tmp_path / "out")
        assert (said.status, "this action requires administrator" in said.err) == (2, True)
        copying = run("gallery", "backup", town_file, tmp_path / "out/town.duckdb")
        assert (copying.status, "this action requires administrator" in copying.err) == (2, True)
    assert not (tmp_path / "out").exists()
    assert len(office.events("gallery.export.refused")) == 10
    office.sit("ada")
    assert run("gallery", "export", town_file, "--output", tmp_path / "out").status == 0
    (entry,) = office.events("gallery.exported")
    assert (entry.account, entry.about["recordings"]) == ("ada", 5)
    assert entry.about["folder"] == str(tmp_path / "out")


def test_galleries_written_without_the_role(
    office: Any, town_file: Path, copied: Any, run: Run, tmp_path: Path
) -> None:
    copy = copied(town_file, tmp_path / "copy")
    with Gallery.open(town_file) as gallery:
        export(gallery, tmp_path / "parquet")
    commands = (
        ("gallery", "compact", copy),
        ("gallery", "merge", copy, town_file),
        ("gallery", "import", copy, tmp_path / "parquet"),
        ("gallery", "reembed", copy, "--profile", "dlib"),
        ("gallery", "upgrade", copy),
        ("gallery", "move", copy, "--storage", tmp_path / "elsewhere"),
        ("gallery", "move", copy, "--delete-old", "--yes"),
        ("gallery", "restore", tmp_path / "new.duckdb", copy),
    )
    for name in ("anna", "sara", "nobody"):
        office.sit(name)
        for command in commands:
            assert "this action requires administrator" in run(*command).err
        with pytest.raises(NotPermitted, match="this action requires"):
            notebook.Gallery.open(copy, write=True)
    assert len(office.events("gallery.maintain.refused")) == 27
    office.sit("anna")
    with pytest.raises(NotPermitted, match="this action requires supervisor or administrator"):
        office.installation.gallery_for_writing(tmp_path / "new.duckdb", gallery.profile)
    assert office.events("footage.index.refused")
    assert not (tmp_path / "new.duckdb").exists()
    office.sit("ada")
    for command in commands[:3]:
        assert run(*command).status == 0
    assert [e.about.get("doing") for e in office.events("gallery.writing")] == [
        "compact", "merge", "import",
    ]  # fmt: skip


def test_footage_fetched_by_who_searches(
    office: Any, case: Case, town_file: Path, copied: Any, run: Run, tmp_path: Path
) -> None:
    """Nor by who approved the case, nor for a gallery of another installation.

    The program is not even started.
    """
    (tmp_path / "cameras.csv").write_text(
        "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\n"
    )
    (tmp_path / "fetch.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    program = (sys.executable, tmp_path / "fetch.py")
    index = ("index", tmp_path, "--case", "A-1", "--hook", *program)
    for name in ("anna", "rosa", "otto", "nobody"):
        office.sit(name)
        said = run(*index, "--gallery", tmp_path / "mine.duckdb")
        assert (said.status, "requires supervisor or administrator" in said.err) == (2, True)
    other = copied(town_file, tmp_path / "other")
    with Gallery.open(other, write=True) as gallery:
        gallery.give_to("1" * 32)
    office.sit("sara")
    assert "approved the case" in run(*index, "--gallery", tmp_path / "mine.duckdb").err
    office.sit("sven")
    assert "belongs to another installation" in run(*index, "--gallery", other).err
    assert not (tmp_path / "ran").exists()
    assert len(office.events("footage.index.refused")) == 4
    assert not office.events("footage.asked")
    run(*index, "--gallery", tmp_path / "new.duckdb", "--profile", "dlib")
    assert (tmp_path / "ran").exists()
