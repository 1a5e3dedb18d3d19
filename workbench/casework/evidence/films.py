"""Films of a case's sightings: a clip of each, and all of them in the order of time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from workbench.casework.evidence.archive import Content, size_of
from workbench.casework.facts import notices_of
from workbench.domain import Progress
from workbench.errors import EvidenceError, unwritten
from workbench.maps.zones import local_time

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.casework.cases import Case
    from workbench.domain import Candidate, Image, ProgressCallback
    from workbench.faces.clips import Cut

OnPicture: TypeAlias = "Callable[[Image, datetime], None]"
"""Called with each coarse picture of a clip, and its time (UTC)."""
ClipMaker: TypeAlias = (
    "Callable[[Case, Candidate, Path, OnPicture, bool, Mapping[str, str], Sequence[str]], Cut]"
)
"""Cut the moments around a case's sighting from its recording, sharp too where the fifth argument
is True, with tags and a caption that say what the films are: :func:`workbench.faces.clips.cut`."""
COMPILATION = "compilation.mp4"
PARTS = 1000  # of a clip, in which progress is counted
MARGIN = timedelta(seconds=2)  # of a clip, about, for its progress alone


@dataclass(frozen=True, slots=True)
class Films:
    """Films by their names in the archive, and stills by the numbers of their sightings.

    The films lie in files without a name, which are gone once they are closed or this process ends.
    """

    files: Mapping[str, IO[bytes]] = field(repr=False)  # MP4
    stills: Mapping[int, bytes] = field(repr=False)  # JPEG, coarse but for the face


def make_films(
    case: Case,
    sightings: Mapping[int, Candidate],
    recordings: Mapping[int, Path],
    *,
    facts: Mapping[str, str],
    folder: Path,
    opened: ExitStack,
    zone: ZoneInfo,
    clip: ClipMaker | None,
    sharp: bool = False,
    largest: int | None = None,
    progress: ProgressCallback | None = None,
) -> Films:
    """Cut the clips of sightings, and join them in the order of time, each with its real times.

    Parameters
    ----------
    case : Case
        Their case.
    sightings, recordings : mapping of int
        By their numbers in the report, which are in the order of time. Of a sighting without a
        recording, the compilation shows the best shot.
    facts : mapping of str to str
        What is said of each film: see :func:`workbench.casework.reviewing.exports.facts_of`.
    folder : Path
        Where there is room for the films.
    opened : ExitStack
        Closes the files in which they lie.
    zone : ZoneInfo
        Where times are local.
    clip : callable, optional
        Makes the clips; None if none are made.
    sharp : bool
        Keep films too in which bystanders can be recognised.
    largest : int, optional
        Most bytes of all of them together; no more are made than that takes to be known.
    progress : callable, optional
        As for :func:`workbench.casework.evidence.export.export`.

    Raises
    ------
    EvidenceError
        If they are larger.
    """
    from workbench.faces.reels import Reel  # and with it the codecs
    from workbench.footage.filmwriter import FilmWriter

    if not sightings:
        return Films({}, {})
    training = case.without_authority
    notice = " ".join(notices_of(case, zone=zone))
    said = {**facts, "notice": notice} if notice else facts
    comment = ". ".join(f"{name.capitalize()}: {text}" for name, text in said.items())
    whole = _unnamed(folder, opened)
    film = FilmWriter(tags={"title": f"Case {case.reference}", "comment": comment}, into=whole)
    reel = Reel(zone, notice, film=film)
    reel.tell(facts)
    files: dict[str, IO[bytes]] = {}
    stills: dict[int, bytes] = {}
    for done, (number, seen) in enumerate(sightings.items()):
        report = _reporter(progress, done, len(sightings), seen)
        report(seen.first_seen - MARGIN)
        path = recordings.get(number)
        lines = [
            f"{number}. {seen.camera.words()}",
            local_time(seen.first_seen, zone),
            *filter(None, [seen.time.mark]),
            f"Case {case.reference}",
        ]
        jpeg = b""
        if clip is None or path is None:
            lines.append("The recording is not available.")
            jpeg = seen.shot_jpeg
        reel.begin(f"{number}. {seen.camera.words()}", lines, jpeg=jpeg)
        if clip is None or path is None:
            continue

        def on_picture(
            picture: Image, moment: datetime, report: Callable[[datetime], None] = report
        ) -> None:
            report(moment)
            with _writing(folder):
                reel.add(picture, moment)

        title = f"Case {case.reference}: {', '.join(lines[:-1])}"
        caption = list(filter(None, (title, notice)))
        tags = {"title": title, "comment": comment}
        cut = clip(case, seen, path, on_picture, sharp, tags, caption)
        name = f"{'TRAINING-' if training else ''}{number:04}-{seen.tracklet_id}.mp4"
        files[f"clips/{name}"] = _unnamed(folder, opened, cut.coarse)
        if sharp and cut.sharp:
            files[f"sharp/{name}"] = _unnamed(folder, opened, cut.sharp)
        stills[number] = cut.still
        check_size(files, largest, reference=case.reference)
    with _writing(folder):
        reel.finish()
    return Films({**files, f"{'TRAINING-' if training else ''}{COMPILATION}": whole}, stills)


def _unnamed(folder: Path, opened: ExitStack, content: bytes = b"") -> IO[bytes]:
    """Make a file that has no name, so that nothing of it stays, however this process ends."""
    with _writing(folder):
        made = opened.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - it is one
        made.write(content)
        made.flush()
    return made


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what, fix = unwritten(error, fix="Choose a file in a folder that you may write to")
        raise EvidenceError(what, where=str(folder), fix=fix) from None


def check_size(files: Mapping[str, Content], largest: int | None, *, reference: str) -> None:
    """Raise EvidenceError if the files of an archive take more bytes together than can be taken."""
    if largest is not None and sum(map(size_of, files.values())) > largest:
        raise EvidenceError(
            f"would be larger than the {largest / 1e6:,.0f} MB that a browser is handed",
            where=f"evidence of {reference}",
            fix=f"Leave out sharp clips, or have `sightline evidence export {reference} --output "
            "FILE.zip` write it where Sightline runs. Nothing was made",
        )


def _reporter(
    progress: ProgressCallback | None, done: int, total: int, seen: Candidate
) -> Callable[[datetime], None]:
    """Make a function that reports how far a clip has come, from the time of its picture."""
    begin, length = seen.first_seen - MARGIN, seen.last_seen - seen.first_seen + 2 * MARGIN

    def report(moment: datetime) -> None:
        if progress is not None:
            part = min(max((moment - begin) / length, 0.0), 1.0)
            progress(Progress(round((done + part) * PARTS), total * PARTS, seen.recording))

    return report


def in_words(films: Sequence[str], *, shots: bool) -> str:
    """Name the films of an archive for its report, and say who can be recognised in them.

    *shots* says whether it holds best shots.
    """
    kinds = {
        kind: [name for name in films if name.startswith(f"{kind}/")] for kind in ("clips", "sharp")
    }
    words = f"This archive holds {'best shots but no clips' if shots else 'no clips'}."
    if coarse := kinds["clips"]:
        listed = ", ".join(coarse)
        words = (
            "Clips, in which all but the face of the sighting is pixelated, and the case stands "
            f"under each picture: {listed}."
        )
    if sharp := kinds["sharp"]:
        words += f" Clips in which nothing is pixelated: {', '.join(sharp)}."
    if others := [name for name in films if "/" not in name]:
        words += (
            f" The sightings in the order of time, with their real times: {', '.join(others)}; on "
            "paper: stills.pdf."
        )
    return words
