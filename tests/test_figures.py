"""Figures in the documents are those that benchmarks have kept, and say where they are from."""

from __future__ import annotations

import argparse
import importlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import workbench
from tools import figures as tool

REPOSITORY = Path(__file__).parents[1]
RUNS = json.loads(tool.FIGURES.read_text("utf-8"))
BENCHMARKS = REPOSITORY / "benchmarks"
# History, with a date: decisions hold what was measured when they were made. So do the words of
# findings; its tables are held against the file like all others.
HISTORY = ("findings.md",)
# What only a measurement can say. Limits and settings are told in other words.
MEASURED = re.compile(
    r"\d ?(?:ms|MiB|µs)\b"
    r"|\b\d[\d.,]* times (?:as |faster|real time|the time|the loop)"
    r"|(?:takes?|some|about|after) \d[\d.,]* (?:s|seconds|MB|GB)\b(?! (?:if|without))"
    r"|\d ?% \(\d"
)


def marks() -> list[tuple[Path, str]]:
    """Each mark of a document, with what it names."""
    return [
        (document, match["address"])
        for document in tool.documents()
        for match in tool.MARK.finditer(document.read_text("utf-8"))
    ]


def test_documents_have_the_figures_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(marks()) > 100
    assert tool.main(["--check"]) == 0, capsys.readouterr().err


def test_no_document_claims_a_figure_of_its_own() -> None:
    # Commands are described by the parser, and what was tried against the rules meets limits.
    apart = ("commands.md", "abuse.md", *HISTORY)
    claimed = [
        (document.name, match[0])
        for document in tool.documents()
        if document.name not in apart
        for match in MEASURED.finditer(tool.MARK.sub("…", document.read_text("utf-8")))
    ]
    assert claimed == []


def test_no_mark_begins_a_line_of_text() -> None:
    for document in tool.documents():
        for line in re.findall(r"^<!-- figure .+", document.read_text("utf-8"), re.MULTILINE):
            assert line.endswith("-->"), (document.name, line)


def test_each_run_says_when_where_and_by_which_code_it_was_made() -> None:
    for name, run in RUNS.items():
        about = run["measured"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", about["date"]), name
        assert about["machine"], name
        assert re.match(r"[0-9a-f]{7}", about["commit"]), name
        assert about["version"], name
        program = re.match(r"python (benchmarks/\w+\.py)", about["command"])
        assert program, name
        assert REPOSITORY.joinpath(program[1]).exists(), name


def test_make_renews_every_run() -> None:
    made = re.findall(
        r"\$\(MEASURE\)/(\w+)\.py(.*?) \$\(KEPT\)", REPOSITORY.joinpath("Makefile").read_text()
    )
    named = {
        name if name not in ("lab", "town", "unlabelled") else f"{name} {profile_of(options)}"
        for name, options in made
    }
    if "cluster" in named:  # one call keeps both
        named.add("cluster searching")
    assert RUNS.keys() <= named


def profile_of(options: str) -> str:
    found = re.search(r"--profile (\S+)", options)
    return found[1] if found else "dlib"


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], Path]:
    """``documents(text, runs)``: a README and a file of figures to try the program on."""

    def made(text: str, runs: Any) -> Path:
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "README.md").write_text(text)
        (tmp_path / "docs/figures.json").write_text(json.dumps(runs))
        monkeypatch.setattr(tool, "ROOT", tmp_path)
        monkeypatch.setattr(tool, "FIGURES", tmp_path / "docs/figures.json")
        return tmp_path / "README.md"

    return made


def run_of(figures: dict[str, Any], command: str = "python benchmarks/page.py") -> dict[str, Any]:
    about = {"date": "2026-11-28", "commit": "0123456", "machine": "two cores", "command": command}
    return {"measured": {**about, "version": "0.1.0"}, "figures": figures}


def test_figures_and_tables_are_written_where_they_are_marked(
    documents: Callable[[str, Any], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "After <!-- figure page > search, s > 0 as .1f -->9<!-- end --> s, of which "
        "<!-- figure page > rows / FAISS as .2f --><!-- end --> and "
        "<!-- figure page > rates > photographs=3; FPIR=1.0% > FNIR --><!-- end -->.\n\n"
        "<!-- figure page > rates -->\n<!-- end -->\n\n<!-- figure runs -->\n<!-- end -->\n"
    )
    rates = [
        {"photographs": n, "FPIR": f"{p}%", "FNIR": f"{n}{p}"} for n in (1, 3) for p in (0.3, 1.0)
    ]
    readme = documents(
        text,
        {
            "page": run_of(
                {
                    "search, s": [1.24, 3.0],
                    "rows / FAISS": "0.748 (at most 0.8 is wanted: ok)",
                    "rates": rates,
                }
            )
        },
    )
    assert tool.main(["--check"]) == 1
    assert "README.md is not what docs/figures.json gives" in capsys.readouterr().err
    assert readme.read_text() == text
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0
    written = tool.MARK.findall(readme.read_text())
    assert [found[-1] for found in written[:3]] == ["1.2", "0.75", "31.0"]
    head = "| photographs | FPIR | FNIR |\n| --- | --- | --- |\n"
    assert f"{head}| 1 | 0.3% | 10.3 |" in written[3][-1]
    assert "| `page` | 2026-11-28 | two cores | 0.1.0 (0123456) |" in written[4][-1]


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("other > one", "there is no run 'other'"),
        ("page > three", "there is no 'three'"),
        ("page > two > 2", "there is no '2'"),
        ("page > rows > a=1", "2 rows have 'a=1'"),
        ("page > two", "several figures that are no table"),
    ],
)
def test_a_mark_that_names_nothing_is_refused(
    documents: Callable[[str, Any], Path],
    capsys: pytest.CaptureFixture[str],
    address: str,
    complaint: str,
) -> None:
    text = f"It takes <!-- figure {address} -->1<!-- end --> s."
    rows = [{"a": "1", "b": "2"}, {"a": "1", "b": "3"}]
    readme = documents(text, {"page": run_of({"one": 1, "two": [1, 2], "rows": rows})})
    assert tool.main([]) == 1
    said = capsys.readouterr().err
    assert said.startswith("README.md: ")
    assert complaint in said
    assert readme.read_text() == text


def test_a_small_run_is_written_nowhere(
    documents: Callable[[str, Any], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    documents("", {"page": run_of({}, "python benchmarks/page.py --small")})
    assert tool.main([]) == 1
    assert "small runs say nothing: page" in capsys.readouterr().err


# --- What benchmarks keep -----------------------------------------------------------------------


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that benchmarks share."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("options")


def test_a_benchmark_keeps_its_figures_with_where_they_are_from(
    options: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "figures.json"
    monkeypatch.setattr(
        "sys.argv", ["/x/page.py", "--rounds", "3", "--figures", str(file), "--folder", "/var/a"]
    )
    given = argparse.Namespace(figures=file)
    frame = pd.DataFrame({"photographs": [1, 2], "FNIR": ["20%", "6%"]})
    options.keep(given, {"search, s": (1.5, 2.0), "rates": frame})
    options.keep(given, {"one": frame["photographs"].max()}, "page elsewhere")
    kept = json.loads(file.read_text())
    assert list(kept) == ["page", "page elsewhere"]
    assert kept["page"]["figures"] == {
        "search, s": [1.5, 2.0],
        "rates": [{"photographs": 1, "FNIR": "20%"}, {"photographs": 2, "FNIR": "6%"}],
    }
    assert kept["page elsewhere"]["figures"] == {"one": 2}
    about = kept["page"]["measured"]
    assert about["command"] == "python benchmarks/page.py --rounds 3 --folder a"
    assert about["version"] == workbench.__version__
    assert re.fullmatch(r".+, \d+ cores, \d+ GB", about["machine"])
    assert re.fullmatch(r"[0-9a-f]{7,}(, changed)?", about["commit"])
    # The same run again takes the place of the first; a row of a table is a line of the file.
    options.keep(given, {"search, s": [1.0]})
    assert json.loads(file.read_text())["page"]["figures"] == {"search, s": [1.0]}
    options.keep(given, {"rates": frame})
    assert '\n    {"photographs": 1, "FNIR": "20%"},\n' in file.read_text()


def test_nothing_is_kept_unless_it_is_asked_for(
    options: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options.keep(argparse.Namespace(figures=None), {"one": 1})
    assert list(tmp_path.iterdir()) == []
