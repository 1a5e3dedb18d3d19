"""Make the demo's files again: ``python -m tools.fennmouth.build DIRECTORY``.

Everything follows from the seeds: the same versions of NumPy, OpenCV and x264 make the same bytes.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.fennmouth.bodies import Figure, Pose
from tools.fennmouth.people import CAST, Person
from tools.fennmouth.scenes import SCENES
from tools.fennmouth.street import EYE, FOCAL, HEIGHT, HORIZON, WIDTH
from tools.fennmouth.surfaces import Floats, Light, draw, over
from tools.fennmouth.town import (
    CAMERAS,
    CLIPS,
    DISTRICTS,
    END,
    NEAREST,
    START,
    TIME_ZONE,
    Clip,
    Walk,
    district_geojson,
    position,
    streets_geojson,
)
from workbench.domain import Progress, ProgressCallback

FPS = 12
FACE = 0.14  # metres: what a detector boxes, from the brows to the chin
TRUE_FROM = 44.0  # pixels: smaller faces are not in the truth
_NOISE = 0.006  # of the sensor, standard deviation


@dataclass(frozen=True, slots=True)
class Seen:
    """A face in one frame: the box that a detector should draw, in pixels."""

    person: str
    x: float
    y: float
    size: float

    @property
    def whole(self) -> bool:
        """True if the picture holds all of the face."""
        return (
            self.x >= 0 and self.y >= 0
            and self.x + self.size <= WIDTH and self.y + self.size <= HEIGHT
        )  # fmt: skip


def render_town(directory: Path, progress: ProgressCallback | None = None) -> None:
    """Write the whole demo into *directory*: clips, photographs, catalogue, truth and maps."""
    directory.mkdir(parents=True, exist_ok=True)
    photographed = [p for p in CAST if p.role != "passer-by"]
    total, done = len(CLIPS) + len(photographed), 0

    def report(what: str) -> None:
        if progress:
            progress(Progress(done, total, what))

    figures = {p.name: Figure(p.traits) for p in CAST if p.role != "absent"}
    wanted = [p.name for p in CAST if p.role == "wanted"]
    appearances: list[dict[str, Any]] = []
    for clip in CLIPS:
        report(clip.file)
        path = directory / clip.file
        path.parent.mkdir(parents=True, exist_ok=True)
        seen = write_clip(path, clip, figures)
        appearances += _appearances(clip, seen, wanted)
        done += 1
    for person in photographed:
        report(f"photographs of {person.name}")
        kind = "probes" if person.role == "wanted" else "absent"
        for number, photograph in enumerate(photographs(person), start=1):
            _write_jpeg(directory / kind / person.folder / f"{number}.jpg", photograph)
        done += 1
    _write_tables(directory)
    truth = {
        "fps": FPS,
        "size": [WIDTH, HEIGHT],
        "time_zone": TIME_ZONE.key,
        "start": START.astimezone(UTC).isoformat(),
        "end": END.astimezone(UTC).isoformat(),
        "wanted": wanted,
        "absent": [p.name for p in CAST if p.role == "absent"],
        "districts": {name: _district_file(name) for name in DISTRICTS},
        "appearances": appearances,
    }
    _write_json(directory / "truth.json", truth)
    _write_json(directory / "streets.geojson", streets_geojson())
    for name in DISTRICTS:
        _write_json(directory / _district_file(name), district_geojson(name))
    report("done")


def write_clip(
    path: Path, clip: Clip, figures: dict[str, Figure], *, seconds: float | None = None
) -> list[list[Seen]]:
    """Render a clip into an MP4 file, or its first *seconds*; return the faces of each frame."""
    import av

    seen: list[list[Seen]] = []
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        # One thread, so that the bytes do not depend on the machine's number of cores.
        stream.options = {"crf": "23", "preset": "slow", "threads": "1"}
        for picture, faces in frames(clip, figures, seconds=seconds):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
            seen.append(faces)
        container.mux(stream.encode())
    return seen


def frames(
    clip: Clip, figures: dict[str, Figure], *, seconds: float | None = None
) -> Iterator[tuple[NDArray[np.uint8], list[Seen]]]:
    """The pictures (360, 640, 3) of a clip, red, green, blue, and the faces in each."""
    import cv2

    number = CLIPS.index(clip)
    camera = next(c for c in CAMERAS if c.camera_id == clip.camera_id)
    scene = SCENES[camera.scene]
    backdrop = scene.painted(seed=CAMERAS.index(camera))
    rng = np.random.default_rng(1000 + number)
    for index in range(round(FPS * (clip.seconds if seconds is None else seconds))):
        moment = index / FPS
        picture, faces = backdrop, []
        present = [(walk, walk.place_at(moment)) for walk in clip.walks if walk.starts <= moment]
        for walk, place in sorted(present, key=lambda p: -p[1][1]):
            if place[1] < NEAREST:
                continue
            picture, face = _with_figure(
                picture, figures[walk.person], walk, place, moment, scene.light
            )
            faces.append(face)
        softened = cv2.GaussianBlur(picture, (0, 0), 0.5)
        picture = softened + _NOISE * rng.standard_normal(picture.shape, np.float32)
        yield (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8), faces


def _with_figure(
    picture: Floats,
    figure: Figure,
    walk: Walk,
    place: tuple[float, float, float],
    moment: float,
    light: Light,
) -> tuple[Floats, Seen]:
    """A person drawn into the picture at a place on their way."""
    side, away, heading = place
    scale = FOCAL / away / 100  # pixels per centimetre
    stride = walk.pace / 1.45 * (moment - walk.starts)
    phase = 2 * math.pi * stride
    bob = 1.6 * abs(math.cos(phase))  # centimetres, highest when the feet pass
    eyes = figure.eye_height + bob - 1.6
    x = WIDTH / 2 + side * FOCAL / away + 1.2 * scale * math.sin(phase)
    y = HORIZON + (EYE * 100 - eyes) * scale
    pose = Pose(
        stride=stride,
        heading=heading,
        yaw=9 * math.sin(0.9 * moment + 2.1 * walk.starts) + 0.4 * heading,
        pitch=2 * math.sin(2 * phase) + 1.0,
        roll=1.5 * math.sin(phase),
        above=math.degrees(math.atan2(EYE - eyes / 100, away)),
    )
    surface = figure.posed(pose)
    left, right = math.floor(x - 48 * scale), math.ceil(x + 48 * scale)
    top, bottom = math.floor(y - 17 * scale), math.ceil(y + (eyes + 8) * scale)
    left, right, top, bottom = max(left, 0), min(right, WIDTH), max(top, 0), min(bottom, HEIGHT)
    size = 100 * FACE * scale
    face = Seen(walk.person, x - size / 2, y - 0.30 * size, size)
    if right - left < 2 or bottom - top < 2:
        return picture, face
    picture = _shadowed(picture, x, HORIZON + EYE * 100 * scale, scale)
    drawn = draw(
        surface.thinned(2) if scale < 2.6 else surface,
        (bottom - top, right - left),
        scale=scale,
        origin=(x - left, y - top),
        light=light,
        distance=100 * away,
        oversample=2,
        splat=2 if scale < 5.5 else 3,
    )
    picture = picture.copy()
    picture[top:bottom, left:right] = over(picture[top:bottom, left:right], drawn)
    return picture, face


def _shadowed(picture: Floats, x: float, feet: float, scale: float) -> Floats:
    """The soft shadow where a figure stands."""
    if feet - 20 * scale > HEIGHT:
        return picture
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    spread = ((columns - x) / (30 * scale)) ** 2 + ((rows - feet) / (6 * scale)) ** 2
    dark: Floats = picture * (1 - 0.45 * np.exp(-spread))[..., None]
    return dark


def photographs(person: Person) -> Iterator[NDArray[np.uint8]]:
    """Three photographs (460, 400, 3) of a person, red, green, blue: other light, other angles."""
    import cv2

    rng = np.random.default_rng(person.seed + 2)
    figure = Figure(person.traits, rows=700)
    settings = (
        (-4.0, 2.0, Light((0.3, 0.5, 0.8), 0.55, (1.0, 1.0, 1.0), 1.08), (0.72, 0.75, 0.78)),
        (9.0, -1.0, Light((0.7, 0.4, 0.6), 0.50, (1.07, 1.0, 0.90), 1.10), (0.62, 0.55, 0.46)),
        (-10.0, 4.0, Light((-0.6, 0.5, 0.6), 0.52, (0.96, 1.0, 1.06), 1.10), (0.44, 0.52, 0.50)),
    )
    for yaw, pitch, light, wall in settings:
        yaw, pitch = yaw + float(rng.uniform(-3, 3)), pitch + float(rng.uniform(-2, 2))
        pose = Pose(0, yaw=yaw, pitch=pitch, roll=float(rng.uniform(-3, 3)), heading=yaw * 0.6,
                    swing=0)  # fmt: skip
        across = np.linspace(1.06, 0.86, 400, dtype=np.float32)[None, :, None]
        backdrop = np.asarray(wall, np.float32) * across * np.ones((460, 1, 1), np.float32)
        drawn = draw(
            figure.posed(pose), (460, 400), scale=13.0, origin=(200, 205), light=light,
            distance=180, splat=3, oversample=2,
        )  # fmt: skip
        picture = cv2.GaussianBlur(over(backdrop, drawn), (0, 0), 0.6)
        picture = picture + 0.008 * rng.standard_normal(picture.shape, np.float32)
        yield (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def _appearances(clip: Clip, seen: list[list[Seen]], wanted: list[str]) -> Iterator[dict[str, Any]]:
    for walk in clip.walks:
        boxes = {
            number: face
            for number, faces in enumerate(seen)
            for face in faces
            if face.person == walk.person and face.size >= TRUE_FROM and face.whole
        }
        if not boxes:
            continue
        start = clip.started_at.astimezone(UTC)
        yield {
            "file": clip.file,
            "camera_id": clip.camera_id,
            "person": walk.person,
            "wanted": walk.person in wanted,
            "first_seen": (start + timedelta(seconds=min(boxes) / FPS)).isoformat(),
            "last_seen": (start + timedelta(seconds=max(boxes) / FPS)).isoformat(),
            "boxes": {
                str(number): [round(f.x), round(f.y), round(f.size), round(f.size)]
                for number, f in boxes.items()
                if number % 3 == 0
            },
        }


def _district_file(name: str) -> str:
    return f"districts/{name.lower().replace(' ', '-')}.geojson"


def _write_tables(directory: Path) -> None:
    with (directory / "cameras.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["camera_id", "name", "latitude", "longitude"])
        for camera in CAMERAS:
            longitude, latitude = position(camera.place)
            rows.writerow([camera.camera_id, camera.name, f"{latitude:.6f}", f"{longitude:.6f}"])
    with (directory / "footage.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["file", "camera_id", "started_at"])
        for clip in CLIPS:
            rows.writerow([clip.file, clip.camera_id, clip.started_at.isoformat()])


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")


def _write_jpeg(path: Path, picture: NDArray[np.uint8]) -> None:
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    path.write_bytes(data.tobytes())


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 2:
        sys.exit("usage: python -m tools.fennmouth.build DIRECTORY")
    render_town(
        Path(sys.argv[1]),
        lambda p: print(f"{p.done}/{p.total} {p.what}", file=sys.stderr),  # noqa: T201
    )
