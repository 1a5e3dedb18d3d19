"""Output of the commands: results on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.domain import Progress, ProgressCallback

DONE, PROBLEMS, REFUSED = 0, 1, 2  # exit statuses

# Where progress goes to a file, a line now and then shows that work goes on.
SECONDS_BETWEEN_LINES = 30.0
# What a terminal acts on (controls), or what hides letters or turns their order round (format
# characters, but for the joiners that Persian, Hindi and emoji are written with), or ends a line.
_ACTS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SAFE = frozenset("\t\u200c\u200d")


def replace_unwritable() -> None:
    """Have characters that a console cannot show, as in Latin-1, printed as question marks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def printable(text: str) -> str:
    """Make a text one line that shows what it holds; all that is printed goes through here.

    In a name, control characters would let the person who gave it move the cursor, write over what
    is said or begin a line of their own. They become question marks, line ends a visible ``\\n``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(r"\n" if sign == "\n" else "?" if _acts(sign) else sign for sign in text)


def _acts(sign: str) -> bool:
    return unicodedata.category(sign) in _ACTS and sign not in _SAFE


def table(*headings: str) -> Any:
    """Make a table to fill with ``add_row``; without headings where all of them are empty."""
    from rich.table import Table

    class Printable(Table):
        def add_row(self, *cells: Any, **options: Any) -> None:
            super().add_row(*(printable(c) if isinstance(c, str) else c for c in cells), **options)

    made = Printable(box=None, pad_edge=False, header_style="bold", show_header=any(headings))
    for heading in headings:
        made.add_column(printable(heading), overflow="fold")
    return made


def show(what: Any) -> None:
    """Print a table, or a text of one line, as a result."""
    from rich.console import Console

    # markup=False: a file or a camera may be called "[red]". A pipe has room for whole names.
    width = None if sys.stdout.isatty() else 200
    console = Console(markup=False, highlight=False, width=width)
    is_text = isinstance(what, str)
    console.print(printable(what) if is_text else what, soft_wrap=is_text)


def lines(objects: Iterable[Any]) -> None:
    """Print one JSON object a line, for scripts; in ASCII where the output is not in UTF-8."""
    coded = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    for item in objects:
        text = json.dumps(item, ensure_ascii=coded, default=str)
        if not text.isascii() or "\x7f" in text:  # the same value, without a sign that acts
            text = "".join(json.dumps(s)[1:-1] if _acts(s) else s for s in text)
        sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(*texts: str) -> None:
    """Print a message to the person at the terminal, each text on a line of its own."""
    for text in texts:
        sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def ask(question: str) -> str:
    """Print a question, and return the line with which it is answered."""
    sys.stderr.write(f"{printable(question)} ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def at_a_terminal() -> bool:
    """Check that somebody can be asked: input and messages are a terminal's."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(question: str) -> bool:
    """Ask for a yes; anything else is no."""
    return ask(f"{question} [y/N]").lower() in ("y", "yes")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 file``, ``1,200 files``, ``2 entries``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


@contextlib.contextmanager
def indexing_progress() -> Iterator[ProgressCallback]:
    """Show the progress of indexing on standard error."""
    with _progress("Indexing", _indexing) as update:
        yield update


@contextlib.contextmanager
def reembedding_progress() -> Iterator[ProgressCallback]:
    """Show the progress of a change of profile on standard error."""
    with _progress("Embedding", _reembedding) as update:
        yield update


@contextlib.contextmanager
def upgrading_progress() -> Iterator[ProgressCallback]:
    """Show the progress of an upgrade on standard error."""
    with _progress("Upgrading", _reembedding) as update:
        yield update


@contextlib.contextmanager
def survey_progress() -> Iterator[ProgressCallback]:
    """Show the progress of looking through a folder on standard error."""
    with _progress("Reading", _survey) as update:
        yield update


@contextlib.contextmanager
def download_progress() -> Iterator[ProgressCallback]:
    """Show the progress of a download on standard error."""
    with _progress("Fetching", _download) as update:
        yield update


@contextlib.contextmanager
def enrolling_progress() -> Iterator[ProgressCallback]:
    """Show the progress of making templates of pictures, with an estimate of the time left.

    The estimate is by the latest pictures: those that were made by an earlier run take no time.
    """
    from workbench.domain import length_words

    latest: deque[tuple[float, int]] = deque(maxlen=100)

    def words(progress: Progress) -> str:
        if progress.done == progress.total:
            return f"{counted(progress.total, 'picture')}; now they are compared"
        latest.append((time.monotonic(), progress.done))
        (began, before), (now, done) = latest[0], latest[-1]
        left = (progress.total - done) * (now - began) / (done - before) if done > before else 0.0
        estimate = f", {length_words(round(left))} left" if left >= 1 else ""
        return f"{progress.done:,}/{progress.total:,} pictures{estimate}"

    with _progress("Enrolling", words) as update:
        yield update


def _indexing(progress: Progress) -> str:
    from workbench.domain import length_words

    left = progress.remaining_seconds
    return (
        f"{progress.done}/{progress.total} recordings, "
        f"{progress.footage_seconds / 60:.1f} min at {progress.pace:.1f} h/h, "
        f"{progress.faces} faces"
        + ("" if left is None or not progress.what else f", {length_words(round(left))} left")
    )


def _reembedding(progress: Progress) -> str:
    return f"{progress.done:,}/{progress.total:,} recordings"


def _survey(progress: Progress) -> str:
    return f"{progress.done:,}/{progress.total:,} files"


def _download(progress: Progress) -> str:
    done = f"{progress.done / 1e6:.1f}"
    return f"{progress.what}, {done}" + (
        f" of {progress.total / 1e6:.1f} MB" if progress.total else " MB"
    )


@contextlib.contextmanager
def _progress(title: str, words: Callable[[Progress], str]) -> Iterator[ProgressCallback]:
    """Show progress as a bar on a terminal, else as a line now and then."""
    if sys.stderr.isatty():
        with _bar(title, words) as draw:
            yield draw
        return
    said_at: float | None = None
    latest = said = ""

    def update(progress: Progress) -> None:
        nonlocal said_at, latest, said
        latest = f"{title}: {words(progress)}"
        now = time.monotonic()
        if said_at is None or now - said_at >= SECONDS_BETWEEN_LINES:
            said_at, said = now, latest
            say(latest)

    yield update
    if latest != said:
        say(latest)


@contextlib.contextmanager
def _bar(title: str, words: Callable[[Progress], str]) -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TextColumn("{task.fields[words]}", markup=False),
        TimeElapsedColumn(),
    ]
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, words="")
        yield lambda progress: bar.update(
            task,
            total=progress.total or None,
            completed=progress.done + progress.part,
            words=printable(words(progress)),
        )
