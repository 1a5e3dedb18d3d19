"""The examples in Python of documents, run from top to bottom on the demo."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.demo import demo_town
from workbench.demo.home import HOME

DOCUMENTS = Path(__file__).parents[2] / "docs"
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WANTED = "Maren Holt"

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def folder(
    demo: Path, copied: Callable[[Path, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A home with the demo indexed in it, and beside it the files that examples name."""
    folder, town = tmp_path_factory.mktemp("examples"), demo_town()
    folder.joinpath(HOME).mkdir(0o700)
    copied(demo, folder / HOME)
    copied(demo, folder)
    for part in folder.glob(f"{demo.name}*"):
        part.rename(part.with_name(part.name.replace(demo.name, "town.duckdb")))
    named = {
        "footage": town.root,
        "centre.geojson": next(iter(town.districts.values())),
        "a.jpg": town.photographs[WANTED][0],
        "b.jpg": town.photographs[WANTED][1],
    }
    for name, path in named.items():
        folder.joinpath(name).symlink_to(path)
    return folder


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run(document, without=())``: the names that its examples have made."""
    monkeypatch.setenv("SIGHTLINE_HOME", str(folder))
    monkeypatch.chdir(folder)

    def run(document: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
        made: dict[str, Any] = {}
        left_out = []
        for code in CODE.findall(DOCUMENTS.joinpath(f"{document}.md").read_text()):
            if needs := [words for words in without if words in code]:
                left_out += needs
            else:
                exec(compile(code, document, "exec"), made)
        assert left_out == list(without)
        return made

    return run


def test_the_first_sighting_finds_the_person_where_she_was(run: Run) -> None:
    found = run("guides/first-sighting")["found"]
    seen = {candidate.camera.camera_id for candidate in found.candidates}
    assert seen == {one.camera_id for one in demo_town().truth if one.person == WANTED}


def test_the_examples_for_data_scientists_run(run: Run) -> None:
    made = run("guides/data-scientist")
    assert made["busy"]["tracklets"].sum() > 0
    assert made["strict"].score > 0
    assert len(made["compared"]) == 2
    assert len(made["worth"]) > 0


def test_the_examples_about_notebooks_run(run: Run) -> None:
    # One needs a profile that does not come with Sightline, the other shows a page.
    made = run("notebooks", without=("yunet-dlib", "import investigate"))
    assert {one.camera_id for one in demo_town().truth if one.person == WANTED} <= {
        candidate.camera.camera_id for candidate in made["result"].candidates
    }
    assert len(made["busy"]) > 0
    assert made["templates"].num_rows > 0
