"""What people read: the file that gathers it follows the sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import interface_strings as tool


def test_the_file_is_what_the_sources_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(["--check"]) == 0, capsys.readouterr().err


def test_a_file_that_is_behind_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, found = tmp_path / "strings.txt", list(tool.gather())
    monkeypatch.setattr(tool, "PAGE", old)
    monkeypatch.setattr(tool, "gather", lambda: iter(found))
    assert tool.main(["--check"]) == 1
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0
    old.write_text(old.read_text().replace("Search", "Seek"))
    assert tool.main(["--check"]) == 1
    assert "python -m tools.interface_strings" in capsys.readouterr().err


def test_an_error_stands_as_it_is_printed() -> None:
    source = (
        'raise ImageError(f"no face of {size} px" + (f"; {n} found" if n else ""), '
        'where=f"photograph {name}", fix="Use a closer one")'
    )
    error, hole = tool.python_strings(source)
    assert error == "photograph {}: no face of {} px{}. Use a closer one."
    assert hole == "; {} found"


def test_labels_and_sentences_are_gathered_and_code_is_not() -> None:
    source = '''
"""A docstring is for those who write code."""
button = Button(description="search", tooltip="Search again", layout="1px solid grey")
rows = sql("SELECT camera_id FROM cameras WHERE name = ?")
kind, entry = "case.opened", {"first_seen": f"{n} of {total} cameras", "Heading": "Cameras"}
if state == "not found":
    found = re.search(r"(?<![0-9])of the day", name)
    table("rank", "first seen").add_row(re.sub(r"[^\\w ]", "", name), "<b>Time</b> and place")
faults = [f"entry {number} is missing", f"seen: {count}; more: {rest}", "flex: none; color: #fff"]
'''
    assert tool.python_strings(source) == [
        "search", "Search again", "{} of {} cameras", "Cameras", "rank", "first seen",
        "Time and place", "entry {} is missing", "seen: {}; more: {}",
    ]  # fmt: skip


def test_scripts_templates_and_notebooks_are_read() -> None:
    script = """
// "A comment" is for those who write code
const tidy = text.replace(/"[^"]+"/g, '');
label.textContent = open ? "Hide it" : `Show ${count === 1 ? "one more" : "all of them"} here`;
"""
    assert tool.script_strings(script) == [
        "Hide it", "one more", "all of them", "Show {} here",
    ]  # fmt: skip
    template = (
        "{# not this #}{% if a %}<h1 title='Two words'>Page {{ title | e }}</h1>{% endif %}"
        "<script>const no = 'not this';</script><p>End it with <code>?token</code>, then go.</p>"
    )
    assert tool.template_strings(template) == [
        "Two words", "Page {}", "End it with ?token, then go.",
    ]  # fmt: skip
    cells = [
        {"cell_type": "markdown", "source": ["# A heading\n", "\n", "A sentence."]},
        {"cell_type": "code", "source": ["folder = here / 'files'  # of your own"]},
    ]
    notebook = {"cells": cells, "metadata": {"sightline": {"title": "Review"}}}
    assert tool.notebook_strings(json.dumps(notebook)) == [
        "Review", "# A heading", "A sentence.", "of your own",
    ]  # fmt: skip
