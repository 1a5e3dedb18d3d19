"""The examples of documents: each block of code, and of blocks for a terminal each line.

A test that runs those of a document asks for them with ``examples``, by name. Those that no test
runs are listed here, with the reason; tests/test_docs.py counts all of them.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from commands import Run, Said

from workbench.cli.output import DONE

REPOSITORY = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What is not run, by the beginning of its name, and why.
NOT_RUN = {
    # No programs, or not ours.
    r"\S+ text: ": "nothing to be run: a drawing, a form, or lines of a file with names of a place",
    r"docs/decisions/\S+ : |docs/footage\.md : ": "what lies in a folder",
    r"\S+ (nginx|apache): ": "lines for programs that sign people in, which are not here",
    r"docs/releasing\.md console: |\S+ console: (pip|python3|/opt/sightline/bin/pip) ":
        "makes, signs or installs packages; tools/package_check.py does it from an index",
    r"\S+ console: (useradd|install|mkdir|cp|sudo) ": "changes a machine, as its administrator",
    r"\S+ console: podman ": "needs what builds images; tests/test_container.py reads the files",
    r"\S+ console: curl ": "tests/server/test_health.py asks the same of a running server",
    r"\S+ console: make |data/demo/README\.md : ":
        "tests are what make runs; the demo's footage is rendered once, as tests/tools/ say",
    # Servers, which other tests start.
    r"\S+ console: sightline (serve|lab|demo)\b":
        "tests/browser/, tests/server/ and tests/demo/ start each of them and use its pages",
    r"docs/operate\.md console: sightline sessions ":
        "is about people at a running server: tests/server/test_sessions.py",
    # What would need more than a test has.
    r"docs/commands\.md console: ":
        "one example of each command, from the parser, which test_help.py has it read; what "
        "commands do is tested by the rooms and in tests/cli/",
    r"\S+ console: sightline (index .*--(ray|hook)|audit verify --searchers) ":
        "needs a cluster, a recorder or its logs: tests/cluster/, examples/, searchers/",
    r"docs/operate\.md console: sightline gallery move town\.duckdb --storage s3:":
        "needs an object store and Postgres: tests/gallery/",
    r"docs/footage\.md console: sightline footage ":
        "is about one film and its clock: tests/cli/test_clocks.py and test_importing.py make such",
    r"docs/networks\.md console: (sightline (calibrate|models import .*examples/)|python bench)"
    r"|docs/guides/data-scientist\.md console: sightline calibrate ":
        "needs many people's pictures, or a network that does not come with Sightline; the example "
        "in Python beside it is run",
    r"docs/upgrading\.md console: ": "needs a gallery of an earlier version: tests/gallery/",
    r"docs/casework\.md console: sightline case decline ":
        "the other of two ends; tests/casework/ decline urgent cases",
    r"docs/notebooks\.md python: trial = ": "needs a profile that does not come with Sightline",
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """A block of code, or a line of a terminal without its prompt."""

    document: str
    language: str
    code: str

    @property
    def name(self) -> str:
        return f"{self.document} {self.language}: {self.code.splitlines()[0]}"

    @property
    def is_run(self) -> bool:
        return not any(re.match(start, self.name) for start in NOT_RUN)


@cache
def every() -> tuple[Example, ...]:
    """All examples of all documents, in their order."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return tuple(one for name in sorted(listed.stdout.split()) for one in _examples(name))


def _examples(document: str) -> Iterator[Example]:
    text = (REPOSITORY / document).read_text("utf-8")
    blocks = BLOCK.findall(text)
    assert len(re.findall(r"^\s*```", text, re.MULTILINE)) == 2 * len(blocks), document
    for language, code in blocks:
        if language == "console":
            for line in code.replace("\\\n", " ").splitlines():
                assert line.startswith(("$ ", "# ")), f"{document}: no prompt before {line!r}"
                yield Example(document, language, line[2:])
        else:
            yield Example(document, language, code)


def examples(document: str, language: str) -> list[str]:
    """Return those of a document that are run, in one language, in their order."""
    return [
        one.code
        for one in every()
        if (one.document, one.language) == (document, language) and one.is_run
    ]


def typed(
    lines: list[str],
    run: Run,
    *,
    words: Mapping[str, str | Callable[[], str]],
    people: Mapping[str, str] | None = None,
    sit: Callable[[str], object] = lambda account: None,
    statuses: Mapping[str, tuple[int, ...]] | None = None,
) -> list[Said]:
    """Type lines of the ``sightline`` command, or of ``deploy/``, as the people whose they are.

    Parameters
    ----------
    lines : list of str
    run : Run
    words : mapping
        What a place has in place of a word of the document; each must occur.
    people : mapping, optional
        Accounts by the beginning of a line; ada, the administrator, types the others.
    sit : callable, optional
        Has somebody sit down.
    statuses : mapping, optional
        Exit statuses other than 0 that are right, by the beginning of a line.
    """
    unused, said = set(words), []
    for line in lines:
        changed = line
        for word, place in words.items():
            if word in changed:
                changed = changed.replace(word, place() if callable(place) else place)
                unused.discard(word)
        sit(next((who for start, who in (people or {}).items() if line.startswith(start)), "ada"))
        program, *arguments = shlex.split(changed, comments=True)
        if program.startswith("deploy/"):
            done = subprocess.run(
                [REPOSITORY / program, *arguments], capture_output=True, text=True, check=False
            )
            said.append(Said(done.returncode, done.stdout, done.stderr))
        else:
            assert program == "sightline", line
            said.append(run(*arguments))
        right = next((r for s, r in (statuses or {}).items() if line.startswith(s)), (DONE,))
        assert said[-1].status in right, (changed, said[-1])
    assert unused == set()
    return said
