"""The examples in Python of the guides, run from top to bottom on the demo."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.demo import demo_town
from workbench.demo.home import HOME

GUIDES = Path(__file__).parents[2] / "docs/guides"
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def run(
    demo: Path, copied: Callable[[Path, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, Any]]:
    """``run(guide)``: the names that the examples of a guide have made, in a home of their own."""
    home = tmp_path_factory.mktemp("guides")
    home.joinpath(HOME).mkdir(0o700)
    copied(demo, home / HOME)  # indexed already

    def run(guide: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        text = GUIDES.joinpath(f"{guide}.md").read_text()
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("SIGHTLINE_HOME", str(home))
            for code in CODE.findall(text):
                exec(compile(code, guide, "exec"), made)
        return made

    return run


def test_the_first_sighting_finds_the_person_where_she_was(
    run: Callable[[str], dict[str, Any]],
) -> None:
    found = run("first-sighting")["found"]
    seen = {candidate.camera.camera_id for candidate in found.candidates}
    assert seen == {one.camera_id for one in demo_town().truth if one.person == "Maren Holt"}


def test_the_examples_for_data_scientists_run(run: Callable[[str], dict[str, Any]]) -> None:
    made = run("data-scientist")
    assert made["busy"]["tracklets"].sum() > 0
    assert made["strict"].score > 0
    assert len(made["compared"]) == 2
    assert len(made["worth"]) > 0
