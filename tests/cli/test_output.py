"""What commands print while they work, and what old names of options say."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from pathlib import Path

import pytest

from workbench.cli import gallery, output
from workbench.cli.main import build_parser, main
from workbench.cli.output import REFUSED
from workbench.domain import Progress
from workbench.live import progress as shown


def test_a_name_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    table = output.table("Camera")
    table.add_row("Gate\x1b[1A\x9b2K")
    output.show(table)
    output.show("Gate\x1b[2J")
    output.say("Gate\r\x1b[2J\nQuay", "Weir")
    said = capsys.readouterr()
    assert "Gate?[1A?2K" in said.out
    assert "Gate?[2J\n" in said.out
    assert said.err == "Gate??[2J\\nQuay\nWeir\n"


HOSTILE = "Gate\rX\x1b]0;x\x07\x9b2K\u202egpj\u2066\u200b\u2028\x7f\ufeff\U000e0041\udcff\nVALID"


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_printed_acts_on_a_terminal(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in (output.sys.stdout, output.sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(output.sys, "stdin", io.StringIO("y\n"))
    table = output.table("Camera", HOSTILE)
    table.add_row(HOSTILE, "1")
    output.show(table)
    output.show(HOSTILE)
    output.say(HOSTILE)
    assert output.ask(HOSTILE) == "y"
    output.lines([{HOSTILE: [HOSTILE]}])
    with shown.downloading() as progress:
        progress(Progress(1, 2, HOSTILE))
    with pytest.raises(SystemExit):
        build_parser("gallery").parse_args(["gallery", "info", "a", HOSTILE])
    said = capsys.readouterr()
    for stream in (said.out, said.err):
        text = (
            re.sub(r"\r?\x1b\[[0-9;?]*[a-zA-Z]", "", stream) if terminal else stream
        )  # rich's own
        assert {s for s in text if unicodedata.category(s) in {"Cc", "Cf", "Cs", "Zl"}} <= {"\n"}
        assert not [line for line in text.splitlines() if line.startswith("VALID")]
    found = [line for line in said.out.splitlines() if line.startswith("{")]
    assert json.loads(found[0]) == {HOSTILE: [HOSTILE]}  # the same value, for scripts


def test_letters_of_all_languages_are_printed() -> None:
    for text in ("Büro 東 Київ", "می\u200cخواهم", "👩\u200d🚒", "a\tb"):
        assert output.printable(text) == text


def test_only_what_cleans_a_text_prints() -> None:
    """So that nothing goes round what it cleans."""
    ways = re.compile(r"(?<![\w.])print\(|sys\.std(?:out|err)\.write|Console\(|sys\.__std|input\(")
    package = Path(output.__file__).parents[1]
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if ways.search(line) and not line.lstrip().startswith(("#", ">>>", "..."))
    }
    # These are heard by the process that started them alone.
    to_parents = {
        "cli/serve.py",
        "cluster/connection.py",
        "faces/trial.py",
        "gallery/background.py",
        "server/api/application.py",
        "server/forking.py",
    }
    assert found - to_parents == {"cli/output.py", "live/progress.py", "live/terminal.py"}


def test_progress_of_a_download_is_in_megabytes(capsys: pytest.CaptureFixture[str]) -> None:
    with shown.downloading() as progress:
        progress(Progress(1_500_000, 3_000_000, "yunet.onnx"))
    assert capsys.readouterr().err == "Fetching: yunet.onnx, 1.5 of 3.0 MB\n"
    with shown.downloading() as progress:
        progress(Progress(1_500_000, 0, "yunet.onnx"))
    assert capsys.readouterr().err == "Fetching: yunet.onnx, 1.5 MB\n"


@pytest.mark.parametrize(
    ("words", "folder", "end"),
    [
        (["--output", "f", "--to", "2026-03-31T19:00:00Z"], "f", "2026-03-31T19:00:00Z"),
        (["--to", "2026-03-31T19:00:00Z", "--output", "f"], "f", "2026-03-31T19:00:00Z"),
        (["--to", "f"], "f", None),
        (["--to", "f", "--until", "2026-03-31T19:00:00Z"], "f", "2026-03-31T19:00:00Z"),
        (["--to", "2026", "--until", "2026-03-31T19:00:00Z"], "2026", "2026-03-31T19:00:00Z"),
        (["--output", "f", "--until", "2026-03-31T19:00:00Z"], "f", "2026-03-31T19:00:00Z"),
        (["--to", "f", "--to", "2026-03-31T19:00:00Z"], "f", "2026-03-31T19:00:00Z"),
        # A time that parse_time refuses later, with what is wrong with it.
        (["--output", "f", "--to", "tomorrow"], "f", "tomorrow"),
    ],
)
def test_a_gallery_is_exported_by_the_old_names_of_options_too(
    words: list[str], folder: str, end: str | None
) -> None:
    options = build_parser("gallery").parse_args(["gallery", "export", "g.duckdb", *words])
    assert gallery._folder_and_end(options) == (Path(folder), end)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the folder to write is missing"),
        (["--to", "2026-03-31T19:00:00Z"], "the folder to write is missing"),
        (["--output", "f", "--to", "a", "--to", "b"], "--to b: more than one end"),
        (["--output", "f", "--to", "2026-03-31T19:00:00Z"], "needs --district, --from and --to"),
    ],
)
def test_an_export_that_is_not_clear_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gallery", "export", "g.duckdb", *words]) == REFUSED
    assert said in capsys.readouterr().err


def test_an_old_name_of_an_option_says_the_name_of_today(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = build_parser("serve").parse_args(["serve", "--heated", "3"])
    assert options.warm_kernels == 3
    assert capsys.readouterr().err == (
        "--heated is now called --warm-kernels; the old name still works.\n"
    )
    assert build_parser("serve").parse_args(["serve"]).warm_kernels == 1
    assert "--heated" not in build_parser("serve").format_help()
