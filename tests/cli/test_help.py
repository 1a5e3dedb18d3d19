"""Help: each command says what it does, with an example that can be typed, and the nearest name."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.casework.cases import TEMPLATES
from workbench.casework.record.people import ROLES
from workbench.cli.main import COMMANDS, build_parser, main
from workbench.cli.output import REFUSED
from workbench.faces.sources import WEIGHTS

REPOSITORY = Path(__file__).parents[2]


def parsers(
    parser: argparse.ArgumentParser, name: str = "sightline"
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a parser and all below it, each with the words that lead to it."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, child in action.choices.items():
                yield from parsers(child, f"{name} {word}")


ALL = dict(parsers(build_parser()))


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_a_description_an_example_and_help_for_each_option(name: str) -> None:
    parser = ALL[name]
    assert parser.description
    assert parser.description[0].isupper()
    assert parser.description.endswith(".")
    assert "  sightline " in (parser.epilog or "")
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            assert action.help, f"{name} {action.option_strings or action.dest}"
            assert action.help == argparse.SUPPRESS or action.help[0].islower(), action.help


@pytest.mark.parametrize("name", ALL)
def test_examples_can_be_typed(name: str) -> None:
    for line in (ALL[name].epilog or "").splitlines()[1:]:
        words = shlex.split(line)
        assert words[0] == "sightline"
        if "--help" not in words:
            assert callable(build_parser().parse_args(words[1:]).command)


@pytest.mark.parametrize("name", ALL)
def test_help_fits_a_terminal_and_leaves_examples_in_their_lines(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words, _, examples = ALL[name].format_help().partition("\nExample")
    assert max(map(len, words.splitlines())) <= 80
    assert all(line.startswith("  sightline ") for line in examples.splitlines()[1:])


def test_help_names_what_may_be_given() -> None:
    def text(name: str) -> str:
        return re.sub(r"-\s+", "-", " ".join(ALL[name].format_help().split()))

    assert all(name in text("sightline case request") for name in TEMPLATES)
    assert all(role in text("sightline people grant") for role in ROLES)
    fetched = text("sightline models fetch")
    assert all(weight.model in fetched for weight in WEIGHTS if not weight.embedded)
    assert "dlib" in text("sightline index")
    assert "yunet-dlib" in text("sightline index")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serch"], "sightline: 'serch' is not a command. Did you mean search?"),
        (["case", "aprove", "A-1"], "sightline case: 'aprove' is not a command. Did you mean appr"),
        (["case", "opn", "A-1"], "sightline case: 'opn' is not a command. Did you mean request?"),
        (["xyzzy"], "sightline: 'xyzzy' is not a command. `sightline --help` lists them."),
    ],
)
def test_a_mistyped_command_is_answered_with_the_nearest(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == REFUSED
    captured = capsys.readouterr()
    assert captured.err.startswith(said)
    assert captured.out == ""


@pytest.mark.parametrize("name", [[], ["case"], ["gallery"]])
def test_a_command_that_is_missing_lists_those_there_are(
    name: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(name)
    assert stopped.value.code == REFUSED
    captured = capsys.readouterr()
    assert captured.err == build_parser().format_help() if not name else "COMMAND" in captured.err
    assert captured.out == ""


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    listed = {line.split()[0] for line in said.splitlines() if line.startswith("    ")}
    assert set(COMMANDS) < listed | {"COMMAND"}


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "--version"],
        capture_output=True, text=True, check=True, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.stdout == "sightline 0.1.0\n"


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["case", "--help"], ["index", "--help"], ["audit", "head"]],
    ids=" ".join,
)
def test_heavy_libraries_wait_for_a_command_that_needs_them(
    words: list[str], tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom workbench.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        "heavy = {'deepface', 'duckdb', 'pandas', 'cv2', 'onnxruntime', 'voila', 'ipywidgets'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
        env=os.environ | {"SIGHTLINE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
