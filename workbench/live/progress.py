"""Progress of long work as people see it: in a notebook, on a terminal, or in a file.

>>> with indexing() as progress:                                        # doctest: +SKIP
...     index_catalogue(catalogue, gallery, models, progress=progress)

A notebook shows one bar below the cell, a terminal a bar on its last line, and where standard error
is neither, as in a log, a line is printed now and then. All with what is done and the time left.
"""

from __future__ import annotations

import contextlib
import html
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from typing import Any

from workbench.domain import Progress, ProgressCallback, length_words
from workbench.live.terminal import printable, say

# Where progress goes to a file, a line now and then shows that work goes on.
SECONDS_BETWEEN_LINES = 30.0
# Often enough to be seen to move; each update is a message to the browser.
SECONDS_BETWEEN_UPDATES = 0.5

Words = Callable[[Progress], str]


def indexing(stopped: str = "") -> AbstractContextManager[ProgressCallback]:
    """Show the progress of indexing, and *stopped* where it is interrupted."""
    return shown("Indexing", _indexing, stopped=stopped)


def reembedding() -> AbstractContextManager[ProgressCallback]:
    """Show the progress of a change of profile."""
    return shown("Embedding", _recordings)


def upgrading() -> AbstractContextManager[ProgressCallback]:
    """Show the progress of an upgrade."""
    return shown("Upgrading", _recordings)


def surveying() -> AbstractContextManager[ProgressCallback]:
    """Show the progress of looking through a folder."""
    return shown("Reading", _files)


def copying(title: str) -> AbstractContextManager[ProgressCallback]:
    """Show the progress of copying a gallery, with an estimate of the time left."""
    return shown(title, _copied)


def downloading() -> AbstractContextManager[ProgressCallback]:
    """Show the progress of a download."""
    return shown("Fetching", _download)


def searching() -> AbstractContextManager[ProgressCallback]:
    """Show the progress of a search that takes more than a second."""
    return shown("Searching", _tracklets, after_seconds=1.0)


@contextlib.contextmanager
def enrolling(stopped: str = "") -> Iterator[ProgressCallback]:
    """Show the progress of making templates of pictures, with an estimate of the time left.

    The estimate is by the latest pictures: those that were made by an earlier run take no time.
    """
    latest: deque[tuple[float, int]] = deque(maxlen=100)

    def words(progress: Progress) -> str:
        if progress.done == progress.total:
            pictures = "1 picture" if progress.total == 1 else f"{progress.total:,} pictures"
            return f"{pictures}; now they are compared"
        latest.append((time.monotonic(), progress.done))
        (began, before), (now, done) = latest[0], latest[-1]
        left = (progress.total - done) * (now - began) / (done - before) if done > before else 0.0
        estimate = f", {length_words(round(left))} left" if left >= 1 else ""
        return f"{progress.done:,}/{progress.total:,} pictures{estimate}"

    with shown("Enrolling", words, stopped=stopped) as update:
        yield update


@contextlib.contextmanager
def followed(
    progress: ProgressCallback | bool, by: Callable[[], contextlib.AbstractContextManager[Any]]
) -> Iterator[ProgressCallback | None]:
    """Give work the callback that a caller asked for: their own, none, or (True) what is shown."""
    if progress is True:
        with by() as update:
            yield update
    else:
        yield progress or None


@contextlib.contextmanager
def shown(
    title: str, words: Words, *, stopped: str = "", after_seconds: float = 0.0
) -> Iterator[ProgressCallback]:
    """Show progress where the person is: below a cell, on a terminal, or in a log.

    Parameters
    ----------
    title : str
        What is done.
    words : callable
        Puts a Progress in words.
    stopped : str
        What to say if the work ends with an error or is interrupted.
    after_seconds : float
        Show nothing before.
    """
    display = _notebook()
    if display is not None:
        way = _below_the_cell(title, words, display)
    elif sys.stderr.isatty():
        way = _bar(title, words)
    else:
        way = _lines(title, words)
    began, drawn = time.monotonic() if after_seconds else 0.0, False
    next(way)

    def update(progress: Progress) -> None:
        nonlocal drawn
        if drawn or not after_seconds or time.monotonic() - began >= after_seconds:
            drawn = True
            way.send(progress)

    try:
        yield update
    except BaseException:
        way.close()
        if stopped:
            say(stopped)
        raise
    with contextlib.suppress(StopIteration):
        way.send(None)


# Each of these takes Progress after Progress, and None at the end.
_Way = Generator[None, "Progress | None", None]


def _lines(title: str, words: Words) -> _Way:
    said_at: float | None = None
    latest = said = ""
    while (progress := (yield)) is not None:
        latest = f"{title}: {words(progress)}"
        now = time.monotonic()
        if said_at is None or now - said_at >= SECONDS_BETWEEN_LINES:
            said_at, said = now, latest
            say(latest)
    if latest != said:
        say(latest)


def _bar(title: str, words: Words) -> _Way:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        TextColumn("{task.fields[words]}", markup=False),
        TimeElapsedColumn(),
    ]
    progress = yield
    if progress is None:
        return
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, words="")
        while progress is not None:
            bar.update(
                task,
                total=progress.total or None,
                completed=progress.done + progress.part,
                words=printable(words(progress)),
            )
            progress = yield


def _below_the_cell(title: str, words: Words, display: Callable[..., Any]) -> _Way:
    """Draw a bar as HTML that is renewed: no widget, so that a saved notebook shows its end."""
    handle: Any = None
    drawn_at, latest = 0.0, None
    while (progress := (yield)) is not None:
        latest = progress
        now = time.monotonic()
        if handle is not None and now - drawn_at < SECONDS_BETWEEN_UPDATES:
            continue
        drawn_at, drawing = now, _drawn(title, words, progress)
        if handle is None:
            handle = display(drawing, raw=True, display_id=True)
        else:
            handle.update(drawing, raw=True)
    if latest is not None and handle is not None:
        handle.update(_drawn(title, words, latest), raw=True)


def _drawn(title: str, words: Words, progress: Progress) -> dict[str, str]:
    said = f"{title}: {words(progress)}"
    value = f' value="{progress.fraction:.4f}"' if progress.total else ""
    label = html.escape(title)
    page = (
        f'<div><progress max="1"{value} aria-label="{label}" style="width:16em;max-width:100%">'
        f"</progress> <span>{html.escape(said)}</span></div>"
    )
    return {"text/html": page, "text/plain": said}


def _notebook() -> Callable[..., Any] | None:
    """Return IPython's ``display`` in the kernel of a notebook; None elsewhere."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display


def _indexing(progress: Progress) -> str:
    left = progress.remaining_seconds
    return (
        f"{progress.done:,}/{progress.total:,} recordings, "
        f"{progress.pace:.1f} hours of footage per hour, {progress.faces:,} faces"
        + ("" if left is None or not progress.what else f", {length_words(round(left))} left")
    )


def _recordings(progress: Progress) -> str:
    return f"{progress.done:,}/{progress.total:,} recordings"


def _files(progress: Progress) -> str:
    return f"{progress.done:,}/{progress.total:,} files"


def _tracklets(progress: Progress) -> str:
    return f"{progress.done:,}/{progress.total:,} tracklets"


def _copied(progress: Progress) -> str:
    unit, name = (1e9, "GB") if progress.total >= 1e9 else (1e6, "MB")
    left = progress.remaining_seconds
    estimate = f", {length_words(round(left))} left" if left is not None and left >= 1 else ""
    return f"{progress.done / unit:,.1f} of {progress.total / unit:,.1f} {name}{estimate}"


def _download(progress: Progress) -> str:
    done = f"{progress.done / 1e6:.1f}"
    return f"{progress.what}, {done}" + (
        f" of {progress.total / 1e6:.1f} MB" if progress.total else " MB"
    )
