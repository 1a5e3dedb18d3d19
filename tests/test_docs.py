"""Documents against the code: what there is stands in them, and what they name is there."""

from __future__ import annotations

import argparse
import ast
import configparser
import inspect
import json
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from documented import NOT_RUN, every

import workbench
from tools import commands as tool
from tools import interface_strings
from workbench.casework.record.people import ACTIONS, MAY, ROLES
from workbench.cli.main import build_parser
from workbench.settings import Settings

REPOSITORY = Path(__file__).parents[1]
README = REPOSITORY / "README.md"
CONTRIBUTING = REPOSITORY / "CONTRIBUTING.md"
GLOSSARY = REPOSITORY / "docs/glossary.md"
PAGES = REPOSITORY / "docs/pages.md"
PYTHON = REPOSITORY / "docs/notebooks.md"
SETTINGS = REPOSITORY / "docs/settings.md"
IMAGES = REPOSITORY / "docs/images"
MOST_BYTES = 600_000  # of a picture: README has two that move
DECISIONS = sorted(REPOSITORY.joinpath("docs/decisions").glob("*.md"))
ALL = [
    REPOSITORY / line
    for line in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.splitlines()
]  # fmt: skip
# The changelog alone may name what was taken away.
PRESENT = [document for document in ALL if document.name != "CHANGELOG.md"]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(document: Path) -> str:
    return str(document.relative_to(REPOSITORY))


documents = pytest.mark.parametrize("document", PRESENT, ids=name_of)


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    return build_parser()


def spans(document: Path) -> list[str]:
    """Words in backquotes, outside blocks of code."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", document.read_text()))


def blocks(document: Path, language: str) -> list[str]:
    """Blocks of code in one language."""
    return [code for given, code in FENCE.findall(document.read_text()) if given == language]


def command_lines(document: Path) -> list[str]:
    """Lines of the ``sightline`` command in blocks of code, without the prompt."""
    lines = "".join(blocks(document, "console")).replace("\\\n", " ").splitlines()
    typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line for line in map(shortened, typed) if line.startswith("sightline ")]


def shortened(line: str) -> str:
    return re.sub(r"^python -m workbench\b", "sightline", line)


def children(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The sub-commands of a parser, by name."""
    actions = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return {name: child for action in actions for name, child in action.choices.items()}


def family(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and all below it."""
    yield parser
    for child in children(parser).values():
        yield from family(child)


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    return {
        name for below in family(parser) for action in below._actions
        for name in action.option_strings
    }  # fmt: skip


def named(
    parser: argparse.ArgumentParser, line: str
) -> tuple[set[tuple[str, ...]], argparse.ArgumentParser, list[str]]:
    """The commands that ``sightline a b | c`` names, the parser of the last, and the words left."""
    words = line.replace("\\|", "|").split()[1:]
    path: tuple[str, ...] = ()
    found = set()
    # Words in capitals stand for any, as in sightline COMMAND --help.
    while words and not words[0].isupper() and (below := children(parser)):
        name, *words = words
        assert name in below, f"{line!r}: {' '.join((*path, name))} is not a command"
        found = {(*path, name)}
        while words[:1] == ["|"]:
            name, *words = words[1:]
            assert name in below, f"{line!r}: {' '.join((*path, name))} is not a command"
            found.add((*path, name))
        if len(found) > 1:
            return found, parser, words
        path, parser = (*path, name), below[name]
    return found, parser, words


# --- Commands and options -----------------------------------------------------------------------


def test_the_page_of_commands_is_what_the_parser_gives(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.main(["--check"]) == 0, capsys.readouterr().err
    text = tool.PAGE.read_text()
    for path, child, line in tool.commands(parser):
        assert line, f"{' '.join(path)} has no line of help"
        section = re.split(r"^## ", text.split(f"\n## sightline {' '.join(path)}\n")[1], flags=re.M)
        for action in tool.arguments(child):
            for name in action.option_strings:
                assert f"`{name}" in section[0].replace(", --", "`, `--"), (path, name)


def test_a_page_of_commands_that_is_behind_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "commands.md"
    old.write_text(tool.PAGE.read_text().replace("--workers", "--processes"))
    monkeypatch.setattr(tool, "PAGE", old)
    assert tool.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0


def test_every_command_is_listed_or_another_name_of_one_that_is(
    parser: argparse.ArgumentParser,
) -> None:
    listed = {id(child) for _, child, _ in tool.commands(parser)}
    for child in family(parser):
        assert children(child) or id(child) in listed, child.prog


@documents
def test_commands_and_options_that_a_document_names_are_there(
    parser: argparse.ArgumentParser, document: Path
) -> None:
    for span in map(shortened, spans(document)):
        if span.startswith("sightline "):
            _, last, words = named(parser, span)
            written = [word for word in words if word.strip("[]").startswith("-")]
        elif span.startswith("--"):
            last, written = parser, span.split()[:1]
        else:
            continue
        for option in written:
            assert option.strip("[]…,.") in options_of(last), f"{span!r} has no {option}"


@documents
def test_command_lines_in_a_document_can_be_typed(
    parser: argparse.ArgumentParser, document: Path
) -> None:
    for line in command_lines(document):
        try:
            parser.parse_args(shlex.split(line, comments=True)[1:])
        except SystemExit:
            pytest.fail(f"{document.name}: cannot be typed: {line}")


def test_a_command_that_is_not_there_is_found(parser: argparse.ArgumentParser) -> None:
    with pytest.raises(AssertionError, match="gallery polish is not a command"):
        named(parser, "sightline gallery info \\| polish FILE")
    found, _, words = named(parser, "sightline case approve REF [--digest DIGEST]")
    assert found == {("case", "approve")}
    assert words == ["REF", "[--digest", "DIGEST]"]


# --- Examples -----------------------------------------------------------------------------------


def test_each_example_is_run_or_listed_with_the_reason() -> None:
    asked = {
        found
        for path in sorted(REPOSITORY.joinpath("tests").rglob("*.py"))
        for found in re.findall(r'\bexamples\(\s*"(\S+)", "(\w+)"', path.read_text("utf-8"))
    }
    there = {(one.document, one.language) for one in every() if one.is_run}
    assert asked == there
    assert len(every()) > 250
    unused = [start for start in NOT_RUN if not any(re.match(start, one.name) for one in every())]
    assert unused == []


# --- Settings, views, public names --------------------------------------------------------------


def variables(*folders: str) -> set[str]:
    """Environment variables of Sightline's that Python files in *folders* read."""
    pattern = re.compile(r"environ(?:\.get\(|\[)\"(SIGHTLINE_[A-Z0-9_]+)\"")
    return {
        name
        for folder in folders
        for path in REPOSITORY.joinpath(folder).rglob("*.py")
        for name in pattern.findall(path.read_text())
    }


def test_every_setting_is_described() -> None:
    rows = re.findall(r"^\| (`SIGHTLINE_[^|]+) \| [^|]+ \|$", SETTINGS.read_text(), re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"SIGHTLINE_[A-Z0-9_]+", row)}
    fields = {f"SIGHTLINE_{name.upper()}" for name in Settings.model_fields}
    assert described == fields | variables("workbench")


def test_the_defaults_of_numbers_are_given() -> None:
    rows = SETTINGS.read_text().splitlines()
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | float):
            (row,) = (row for row in rows if f"`SIGHTLINE_{name.upper()}`" in row and row[0] == "|")
            assert re.search(rf"\b{field.default:g}\b", row.rpartition("` |")[2]), row


@documents
def test_settings_that_a_document_names_are_there(document: Path) -> None:
    fields = {f"SIGHTLINE_{name.upper()}" for name in Settings.model_fields}
    written = set(re.findall(r"SIGHTLINE_[A-Z0-9_]+", document.read_text()))
    assert written <= fields | variables("workbench", "tests", "benchmarks")


def test_every_view_is_named_and_no_other() -> None:
    sql = REPOSITORY.joinpath("workbench/gallery/views.sql").read_text()
    views = set(re.findall(r"\b\w+_view\b", sql.split("-- Part 2")[1]))
    assert len(views) == 5
    assert set(re.findall(r"\b\w+_view\b", PYTHON.read_text())) == views


@documents
def test_views_that_a_document_names_are_there(document: Path) -> None:
    written = set(re.findall(r"\b[a-z]+_view\b", document.read_text()))
    assert written <= set(re.findall(r"\b[a-z]+_view\b", PYTHON.read_text()))


def test_every_public_name_is_named() -> None:
    written = set(re.findall(r"\bsl\.(\w+)", PYTHON.read_text()))
    assert written == set(workbench.__all__)


@documents
def test_names_of_the_package_in_a_document_are_there(document: Path) -> None:
    for span in spans(document):
        if match := re.match(r"sl((?:\.\w+)+)", span):
            pkgutil.resolve_name(f"workbench:{match[1].removeprefix('.')}")
        elif re.fullmatch(r"workbench(\.\w+)+", span):
            pkgutil.resolve_name(span)


def test_examples_in_python_name_what_is_there_and_define_what_they_use() -> None:
    examples = [code for document in PRESENT for code in blocks(document, "python")]
    assert len(examples) >= 2
    whole = "\n".join(examples)
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "check", "--isolated", "--select", "F821", "-"],
        input=whole, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    calls = [node for node in ast.walk(ast.parse(whole)) if isinstance(node, ast.Call)]
    ours = [call for call in calls if ast.unparse(call.func).startswith("sl.")]
    assert ours
    for call in ours:
        function = pkgutil.resolve_name(f"workbench:{ast.unparse(call.func)[3:]}")
        given = {keyword.arg: None for keyword in call.keywords if keyword.arg}
        inspect.signature(function).bind(*call.args, **given)


def test_every_page_is_named() -> None:
    for notebook in sorted(REPOSITORY.joinpath("dashboards").glob("*.ipynb")):
        title = json.loads(notebook.read_text())["metadata"]["sightline"]["title"]
        assert f"**{title}**" in README.read_text(), title
        assert f"**{title}**:" in PAGES.read_text(), title


# --- Casework ---------------------------------------------------------------------------------


def test_the_table_of_roles_is_what_each_role_may() -> None:
    text = REPOSITORY.joinpath("docs/casework.md").read_text()
    header, _, *rows = re.findall(r"^\|.+\|$", text, re.MULTILINE)
    assert [cell.strip() for cell in header.split("|")[2:-1]] == list(ROLES)
    written = [[cell.strip() for cell in row.split("|")[2:-1]] for row in rows]
    assert [[cell in ("yes", "own") for cell in row] for row in written] == [
        [action in MAY[role] for role in ROLES] for action in ACTIONS
    ]


def test_entries_and_files_that_casework_names_are_there() -> None:
    code = "".join(path.read_text() for path in REPOSITORY.joinpath("workbench").rglob("*.py"))
    written = [
        span.rpartition("/")[2]
        for span in spans(REPOSITORY / "docs/casework.md")
        if re.fullmatch(r"(HOME/casework/)?[a-z]+\.[a-z]+", span)
    ]
    assert len(written) > 4
    assert [name for name in written if f'"{name}"' not in code] == []


def test_controls_that_casework_names_are_on_a_page() -> None:
    code = "".join(
        path.read_text() for path in REPOSITORY.joinpath("workbench/widgets").rglob("*.py")
    )
    written = [
        span
        for span in spans(REPOSITORY / "docs/casework.md")
        if re.fullmatch(r"[A-Z][a-z]+( [a-z]+)+", span)
    ]
    assert len(written) > 2
    assert [label for label in written if f'"{label}"' not in code] == []


# --- Files and links ----------------------------------------------------------------------------


def anchors(document: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", ALL, ids=name_of)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", document.read_text())):
        if link.startswith(("http:", "https:")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), f"{document.name}: {link}"
        assert target.is_relative_to(REPOSITORY), f"{document.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{document.name}: {link}"


def test_the_readme_leads_to_every_document() -> None:
    found, ahead = {README}, [README]
    while ahead:
        document = ahead.pop()
        links = re.findall(r"\]\(([^)\s#]+)", FENCE.sub("", document.read_text()))
        linked = {(document.parent / link).resolve() for link in links}
        # A link to a folder leads to what lies in it.
        linked |= {path for folder in linked if folder.is_dir() for path in folder.glob("*.md")}
        new = {path for path in linked if path.suffix == ".md" and path.exists()} - found
        found |= new
        ahead += new
    unreached = set(REPOSITORY.joinpath("docs").rglob("*.md")) - found
    assert {name_of(document) for document in unreached} == set()


def test_each_picture_is_shown_somewhere_and_loads_quickly() -> None:
    shown = {
        (document.parent / link).resolve()
        for document in PRESENT
        for link in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", document.read_text())
    }
    pictures = sorted(IMAGES.iterdir())
    assert [picture.name for picture in pictures if picture not in shown] == []
    assert [p.name for p in pictures if p.stat().st_size > MOST_BYTES] == []


@documents
def test_files_that_a_document_names_are_there(document: Path) -> None:
    rooms = "workbench|tests|docs|examples|tools|benchmarks|dashboards|notebooks|data/demo"
    for span in spans(document):
        if match := re.match(
            rf"(?:{rooms})/[\w./-]*|\.importlinter|\.ci/run|Makefile|\w+\.toml", span
        ):
            # What stands for a name, as in <page>.py or *.py, ends the part that is looked for.
            known = match[0] if match[0] == span else match[0].rpartition("/")[0]
            assert REPOSITORY.joinpath(known).exists(), f"{document.name}: {span}"


@documents
def test_targets_of_make_that_a_document_names_are_there(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", REPOSITORY.joinpath("Makefile").read_text(), re.M))
    typed = [*spans(document), *re.findall(r"^\$ (.+)$", document.read_text(), re.MULTILINE)]
    for span in typed:
        if match := re.match(r"make ([a-z-]+)", span):
            assert match[1] in targets, f"{document.name}: {span}"


# --- The house ----------------------------------------------------------------------------------


def test_the_table_of_rooms_is_that_of_the_layers() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(REPOSITORY / ".importlinter")
    layers = contracts["importlinter:contract:rooms"]["layers"].split("\n")
    rooms = [re.split(r" [|:] ", layer) for layer in layers if layer.strip()]
    house = CONTRIBUTING.read_text().split("## The house")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \| [^|]{10,} \|$", house, re.MULTILINE)
    assert [re.findall(r"`(\w+)`", row) for row in rows] == rooms[::-1]


# --- The glossary -------------------------------------------------------------------------------


def entries() -> dict[str, list[str]]:
    """Terms of the glossary, each with the words that are not used for it."""
    found = {}
    for line in re.findall(r"^- (\*\*.+)$", GLOSSARY.read_text(), re.MULTILINE):
        (term,) = re.findall(r"^\*\*(.+?)\*\*", line)
        unused = re.findall(r"Not used here: (.+?)\.(?: |$)", line)
        found[term] = [word for words in unused for word in re.findall(r"\*(.+?)\*", words)]
    return found


def written(*, glossary: bool = False) -> str:
    """What users read: README and docs, without the glossary unless asked for."""
    pages = [README, *sorted(REPOSITORY.joinpath("docs").rglob("*.md"))]
    return "\n".join(page.read_text() for page in pages if glossary or page != GLOSSARY)


def has(text: str, words: str) -> bool:
    pattern = r"\s+".join(re.escape(word) for word in words.split())
    return re.search(rf"\b{pattern}(?:e?s)?\b", text, re.IGNORECASE) is not None


def test_every_term_of_the_glossary_is_used() -> None:
    terms = entries()
    assert len(terms) > 30
    text = written()
    for term in terms:
        for word in term.split(", "):
            assert has(text, word), term


def test_words_that_the_glossary_rules_out_are_not_used() -> None:
    text = written() + interface_strings.page(interface_strings.gather())
    unused = [word for words in entries().values() for word in words]
    assert len(unused) > 5
    assert [word for word in unused if has(text, word)] == []


@pytest.mark.parametrize("document", ALL, ids=name_of)
def test_documents_are_in_plain_english(document: Path) -> None:
    unwanted = (
        r"nobody|somebody|everybody|whoever|anew|so many|(?<!there )is no (?!longer)\w+|of just"
        r"|comes? to nothing|takes? up|t(?:ell|old)s? (?:of|as)|foretold|alike to"
    )
    text = re.sub(r"<!--.*?-->", "", document.read_text(), flags=re.DOTALL)
    assert re.findall(rf"\b(?:{unwanted})\b", text, re.IGNORECASE) == []


# --- Decision records ---------------------------------------------------------------------------

PARTS = (
    "Status", "Context", "Decision", "Consequences", "Alternatives considered", "Measurements",
)  # fmt: skip


@pytest.mark.parametrize("record", DECISIONS, ids=lambda record: record.stem)
def test_decision_records_have_one_form(record: Path) -> None:
    text = record.read_text()
    assert re.match(rf"# {record.name[:4]}: [A-Z]", text)
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert tuple(parts) in (PARTS, PARTS[:-1])
    status = text.split("## Status\n")[1].split("##")[0].strip()
    assert re.fullmatch(r"(Accepted|Superseded by \d{4}), \d{4}-\d{2}-\d{2}\.", status)


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [int(record.name[:4]) for record in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_architecture_lists_every_decision_by_its_title() -> None:
    rows = []
    for record in DECISIONS:
        text = record.read_text()
        number, _, title = text.splitlines()[0].removeprefix("# ").partition(": ")
        later = re.search(r"^Superseded by (\d{4})", text, re.MULTILINE)
        note = f" (superseded by {later[1]})" if later else ""
        rows.append(f"| [{number}](decisions/{record.name}) | {title}{note} |")
    text = REPOSITORY.joinpath("docs/architecture.md").read_text()
    assert re.findall(r"^\| \[\d{4}\].*$", text, re.MULTILINE) == rows
