"""One scene of two people, as footage arrives: cut, joined, squeezed, mirrored, without times …

Edwin Marsh walks by first, Imani Cole after him. Whatever happened to the file, both are seen when
they were seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from films import CUTS, RATE, pictures_of, remuxed, with_display_matrix, write
from PIL import Image

from workbench.demo import demo_town
from workbench.domain import IndexedRecording
from workbench.faces.models import Models
from workbench.faces.probes import make_probe
from workbench.footage.catalog import read_catalogue
from workbench.indexing import index_recording

FIRST, SECOND = "Edwin Marsh", "Imani Cole"
PAUSE = 7200.0

Pictures = list[np.ndarray]
Make = Callable[[Path, Pictures, Pictures], dict[str, str]]
"""Writes a film of two runs of pictures; returns its row in footage.csv, but for the camera."""


@dataclass(frozen=True)
class Sighted:
    """A person in a recording: name, and first and last second; doubt of the first."""

    person: str
    first: float
    last: float
    doubt: str


@dataclass(frozen=True)
class Seer:
    """Indexes catalogues and knows the people of the demo."""

    models: Models
    people: dict[str, np.ndarray]  # templates by name

    @classmethod
    def made(cls, models: Models) -> Seer:
        town = {name: photos[:1] for name, photos in demo_town().photographs.items()}
        people = [name for name in CUTS if name in town]
        return cls(models, {n: make_probe(town[n], models=models).template for n in people})

    def index(self, folder: Path, row: int = 0) -> IndexedRecording:
        return index_recording(read_catalogue(folder).recordings[row], self.models)

    def sighted(self, indexed: IndexedRecording) -> list[Sighted]:
        """Searchable tracklets, each with the person who is nearest, by their times."""
        start, found = indexed.recording.started_at, []
        for tracklet in indexed.tracklets:
            if tracklet.template is not None:
                first = (tracklet.first_seen - start).total_seconds()
                last = (tracklet.last_seen - start).total_seconds()
                doubts = [s.doubt for s in indexed.stretches if s.from_seconds <= first]
                found.append(Sighted(self._who(tracklet.template), first, last, doubts[-1]))
        return found

    def _who(self, template: np.ndarray) -> str:
        return min(self.people, key=lambda p: float(np.linalg.norm(template - self.people[p])))


def scene() -> tuple[Pictures, Pictures]:
    """The pictures of the first and of the second person."""
    first, second = (pictures_of(person) for person in (FIRST, SECOND))
    return first, second


def small(pictures: Pictures, width: int, height: int) -> Pictures:
    """The pictures in another size."""
    return [cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA) for p in pictures]


def healthy(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    write(folder / "a.mp4", first + second)
    return {"file": "a.mp4"}


def joined(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    parts = [write(folder / f"{n}.ts", part) for n, part in enumerate((first, second))]
    (folder / "a.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    return {"file": "a.ts"}


def raw(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    film = write(folder / "b.mp4", first + second, options={"bf": "2", "preset": "veryfast"})
    remuxed(film, folder / "a.h264")
    return {"file": "a.h264", "frame_rate": f"{RATE}"}


def time_lapse(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    write(folder / "a.mp4", first + second, times=(n / 50 for n in range(1000)))
    return {"file": "a.mp4", "frame_rate": f"{RATE}"}


def cut_between_keys(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    keys = {"bf": "0", "g": "18", "keyint_min": "18", "sc_threshold": "0", "preset": "veryfast"}
    remuxed(write(folder / "b.ts", first + second, options=keys), folder / "a.ts", leave_out=1)
    return {"file": "a.ts"}


def half_as_wide(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    write(folder / "a.mp4", small(first + second, 320, 360), aspect=Fraction(2))
    return {"file": "a.mp4"}


def half_as_high(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    write(folder / "a.ts", small(first + second, 640, 180), aspect=Fraction(1, 2))
    return {"file": "a.ts"}


def grown(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    begins = write(folder / "b.ts", small(first, 480, 270))
    times = ((len(first) + n) / RATE for n in range(1000))
    goes_on = write(folder / "c.ts", second, times=times)
    # Without the later tables, so that it is one programme whose pictures grow.
    (folder / "a.ts").write_bytes(begins.read_bytes() + goes_on.read_bytes())
    return {"file": "a.ts"}


def mirrored_across(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    film = write(folder / "b.mp4", [picture[:, ::-1] for picture in first + second])
    with_display_matrix(film, folder / "a.mp4", -1, 0, 0, 1)
    return {"file": "a.mp4"}


def mirrored_down(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    film = write(folder / "b.mp4", [picture[::-1] for picture in first + second])
    with_display_matrix(film, folder / "a.mp4", 1, 0, 0, -1)
    return {"file": "a.mp4"}


def second_lens(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    street = [np.full_like(first[0], 90) for _ in range(12)]
    with av.open(str(folder / "a.mkv"), "w") as film:
        parts = [write(folder / "b.mkv", street), write(folder / "c.mkv", first + second)]
        olds = [av.open(str(part)) for part in parts]
        streams = [film.add_stream_from_template(old.streams.video[0]) for old in olds]
        for old, stream in zip(olds, streams, strict=True):
            for packet in old.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    film.mux(packet)
            old.close()
    return {"file": "a.mkv", "stream": "2"}


def unpadded_names(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    (folder / "cam [1]").mkdir()
    for number, picture in enumerate(first + second, start=1):
        Image.fromarray(picture[..., ::-1]).save(folder / "cam [1]" / f"{number}.jpg", quality=90)
    (folder / "cam [1]" / "20.jpg").write_bytes(b"")
    return {"file": "cam [1]/*.jpg", "frame_rate": f"{RATE}"}


def long_pause(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    times = [n / RATE for n in range(len(first))]
    times += [PAUSE + (len(first) + n) / RATE for n in range(len(second))]
    write(folder / "a.mkv", first + second, times=times)
    return {"file": "a.mkv"}


def reordered_in_avi(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    film = write(folder / "b.ts", first + second, options={"bf": "3", "preset": "veryfast"})
    remuxed(film, folder / "a.avi")
    return {"file": "a.avi"}


def upside_down(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    write(folder / "a.mp4", [picture[::-1, ::-1] for picture in first + second])
    return {"file": "a.mp4", "rotation": "180"}


def squeezed(folder: Path, first: Pictures, second: Pictures) -> dict[str, str]:
    write(folder / "a.mp4", small(first + second, 320, 360))
    return {"file": "a.mp4", "pixel_aspect": "2:1"}
