"""The examples of documents, run from top to bottom on the demo."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Run
from documented import examples, typed
from material import small_catalogue
from office import Office

from workbench.cli.output import DONE, PROBLEMS
from workbench.demo import demo_town
from workbench.demo.home import HOME
from workbench.footage.catalog import read_catalogue
from workbench.installation import Installation

WANTED = "Maren Holt"

Python = Callable[[list[str]], dict[str, Any]]


@pytest.fixture(scope="module")
def folder(
    demo: Path, copied: Callable[[Path, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A home with the demo indexed in it, and beside it the files that examples name."""
    folder = tmp_path_factory.mktemp("examples")
    folder.joinpath(HOME).mkdir(0o700)
    copied(demo, folder / HOME)
    lay_out(folder, copied(demo, folder))
    folder.joinpath("footage").symlink_to(demo_town().root)
    return folder


def lay_out(folder: Path, gallery: Path) -> None:
    """Give the demo's *gallery* in *folder* the name of examples, and so other files of it."""
    for part in folder.glob(f"{gallery.name}*"):
        part.rename(part.with_name(part.name.replace(gallery.name, "town.duckdb")))
    town = demo_town()
    whole = next(iter(town.districts.values()))
    photographs = town.photographs[WANTED]
    named = {
        "centre.geojson": whole, "city.geojson": whole, "a.jpg": photographs[0],
        "b.jpg": photographs[1],
    }  # fmt: skip
    for name, path in named.items():
        folder.joinpath(name).symlink_to(path)


@pytest.fixture
def python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Python:
    """``python(code)``: the names that examples have made, one after the other."""
    monkeypatch.setenv("SIGHTLINE_HOME", str(folder))
    monkeypatch.chdir(folder)

    def python(blocks: list[str]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for code in blocks:
            exec(compile(code, "example", "exec"), made)
        return made

    return python


def test_the_first_sighting_finds_the_person_where_she_was(python: Python) -> None:
    found = python(examples("docs/guides/first-sighting.md", "python"))["found"]
    seen = {candidate.camera.camera_id for candidate in found.candidates}
    assert seen == {one.camera_id for one in demo_town().truth if one.person == WANTED}


def test_the_examples_for_data_scientists_run(python: Python) -> None:
    made = python(examples("docs/guides/data-scientist.md", "python"))
    assert made["busy"]["tracklets"].sum() > 0
    assert made["strict"].score > 0
    assert len(made["compared"]) == 2
    assert len(made["worth"]) > 0


def test_the_examples_about_notebooks_run(python: Python, run: Run) -> None:
    made = python([*examples("docs/python.md", "python"), *examples("docs/notebooks.md", "python")])
    walked = {one.camera_id for one in demo_town().truth if one.person == WANTED}
    assert walked <= {candidate.camera.camera_id for candidate in made["result"].candidates}
    assert len(made["busy"]) > 0
    assert made["templates"].num_rows > 0
    # The same from a shell.
    _, found = typed(examples("docs/notebooks.md", "console"), run, words={})
    assert walked <= {json.loads(line)["camera_id"] for line in found.out.splitlines()}


def test_the_examples_of_casework_run(
    office: Office, run: Run, demo: Path, copied: Callable[[Path, Path], Path], tmp_path: Path
) -> None:
    lay_out(tmp_path, copied(demo, tmp_path))
    town = demo_town()
    assert run("installation", "set", "calibrations", town.root / "calibrations").status == DONE
    first = read_catalogue(town.root).recordings[0].file

    def digest(reference: str) -> str:
        return f"{reference} --digest {office.register.case(reference).digest}"

    def note() -> str:
        (made, *_) = office.events("note.written")
        return f"withdraw A-2026-117 {made.number}"

    said = typed(
        examples("docs/casework.md", "console"),
        run,
        words={
            "--from … --to …": "--from 2026-03-31T17:00:00Z --to 2026-03-31T18:00:00Z",
            "A-2026-117 --digest 4f…": lambda: digest("A-2026-117"),
            "A-2026-118 --digest 4f…": lambda: digest("A-2026-118"),
            "withdraw A-2026-117 412": note,
            "C01/1804.mp4": first, "--second 61.5": "--second 6.5",
            # The reference that an example of its own gives to a case that is there by then.
            "request A-2026-117 --template missing-person --authority": (
                "request A-2026-119 --template missing-person --authority"
            ),
        },
        sit=office.sit,
        people={
            "sightline case confirm": "sven", "sightline case approve": "sara",
            "sightline case": "anna", "sightline search": "anna", "sightline note": "anna",
        },
        statuses={"sightline case approve A-2026-117  ": (PROBLEMS,)},
    )  # fmt: skip
    assert "carries no authority" in said[0].err
    assert office.register.case("A-2026-117").status() == "open"
    assert office.register.case("A-2026-119").request.unplaced == ("BUS-9", "HANDED-IN-3")
    assert "confirmed by" in run("case", "show", "A-2026-118").out
    assert [entry.account for entry in office.events("note.withdrawn")] == ["anna"]


def test_the_examples_for_operators_run(
    fresh_home: Path, run: Run, demo: Path, copied: Callable[[Path, Path], Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    small_catalogue(tmp_path / "footage", clips=1)
    monkeypatch.chdir(tmp_path)
    shown = [
        *examples("README.md", "console"), *examples("docs/footage.md", "console"),
        *examples("docs/guides/first-sighting.md", "console"),
    ]  # fmt: skip
    assert len(shown) == 3
    home = str(fresh_home)
    # One process, one gallery: that of the guide.
    words = {"footage/": "footage/ --workers 1", "town.duckdb": f"{home}/gallery.duckdb"}
    typed(shown, run, words=words)
    monkeypatch.chdir(fresh_home)
    places = {
        "/srv/footage": str(tmp_path / "footage"),
        "/backup/gallery.duckdb": str(tmp_path / "gallery.duckdb"),
        "/mnt/large": str(tmp_path / "large"),
    }
    sound = {"sightline doctor": (DONE, PROBLEMS)}  # it judges the disk of this machine, too
    typed(
        examples("docs/guides/operator.md", "console"),
        run,
        words={
            "/srv/footage": places["/srv/footage"], "/var/lib/sightline": home,
            "/backup/2026-11-26": str(tmp_path / "first"),
        },
        statuses=sound,
    )  # fmt: skip
    lay_out(fresh_home, copied(demo, fresh_home))
    typed(
        examples("docs/operate.md", "console"),
        run,
        words={
            # A gallery is brought back where there is none.
            "restore /var/lib/sightline/gallery.duckdb": f"restore {home}/again.duckdb",
            **places,
            "--delete-old": "--delete-old --yes",  # no one is there to be asked
            "/var/lib/sightline": home,
            "/backup/2026-11-26": str(tmp_path / "second"),
            "--head …": lambda: f"--head {Installation.open().register.head}",
        },
        statuses=sound,
    )
    assert (fresh_home / "again.duckdb").exists()
    assert (tmp_path / "second/casework/audit.head").exists()
    assert list((tmp_path / "large").rglob("*.arrow"))
