"""What the benchmarks measure on: real faces and footage, or a little of the demo for a small run.

The real material is no part of the repository; ``SIGHTLINE_SHARED`` names its folder. A small run
shows that a benchmark works, in seconds; its figures say nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from truth import Truth

from workbench.demo import demo_town
from workbench.domain import QUALITY_PARTS
from workbench.errors import EvaluationError
from workbench.evaluation.data import people_in, require_apart
from workbench.evaluation.samples import Samples, Still

if TYPE_CHECKING:
    from workbench.domain import Profile

SHARED = Path(os.environ.get("SIGHTLINE_SHARED", Path(__file__).parents[2] / "shared"))
LFW, TOWN = SHARED / "faces" / "lfw", SHARED / "footage" / "town"
# Clips of the demo in a small run: two people who are looked for walk through them.
SMALL_CLIPS = ("clips/fm-01-20260331T170410Z.mp4", "clips/fm-02-20260331T170905Z.mp4")


@contextmanager
def town(*, small: bool, clips: int | None = None) -> Iterator[Path]:
    """Folder of footage with truth: the town or its first *clips*; in a small run of the demo."""
    if not small and not TOWN.is_dir():
        raise SystemExit(f"no footage at {TOWN}; set SIGHTLINE_SHARED")
    if not small and clips is None:
        yield TOWN
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        if small:
            seen = _part_of(demo_town().root, SMALL_CLIPS[:clips], folder)
            _photographs(folder, seen)
        else:
            files = sorted(f"clips/{path.name}" for path in (TOWN / "clips").glob("*.mp4"))
            _part_of(TOWN, tuple(files[:clips]), folder)
        yield folder


def _part_of(root: Path, clips: tuple[str, ...], folder: Path) -> set[str]:
    """Copy some clips of a town with all that is known of them; return the people in them."""
    shutil.copyfile(root / "cameras.csv", folder / "cameras.csv")
    lines = (root / "footage.csv").read_text("utf-8").splitlines(keepends=True)
    chosen = [line for line in lines[1:] if line.startswith(clips)]
    (folder / "footage.csv").write_text("".join([lines[0], *chosen]), "utf-8")
    (folder / "clips").mkdir()
    for clip in clips:
        shutil.copyfile(root / clip, folder / clip)
    truth = json.loads((root / "truth.json").read_text("utf-8"))
    truth["appearances"] = [one for one in truth["appearances"] if one["file"] in clips]
    seen = {one["person"] for one in truth["appearances"]}
    truth["wanted"] = [person for person in truth["wanted"] if person in seen]
    (folder / "truth.json").write_text(json.dumps(truth), "utf-8")
    return seen


def _photographs(folder: Path, seen: set[str]) -> None:
    """Copy the demo's photographs, as the town keeps its own."""
    demo = demo_town()
    for name, people in (("probes", demo.photographs), ("absent", demo.absent)):
        for person, pictures in people.items():
            if name == "absent" or person in seen:
                (folder / name / person).mkdir(parents=True)
                for picture in pictures:
                    shutil.copyfile(picture, folder / name / person / picture.name)


def people_of_town() -> set[str]:
    """Labels in LFW of all who are in the town's clips or are looked for there."""
    truth = Truth.read(TOWN / "truth.json")
    aliases: dict[str, str] = json.loads((TOWN / "aliases.json").read_text("utf-8"))
    people = {*truth.wanted, *truth.absent, *(a.person for a in truth.appearances)}
    unknown = sorted(people - aliases.keys())
    if unknown:
        raise EvaluationError(
            f"gives no label in LFW for {', '.join(unknown)}, who would stay in what is measured",
            where=str(TOWN / "aliases.json"),
            fix="Add them",
        )
    return {*aliases.values()}


def people_of_lfw() -> list[Still]:
    """Pictures of the people who are not in the town, checked against its photographs."""
    if not LFW.is_dir():
        raise SystemExit(f"no stills at {LFW}; set SIGHTLINE_SHARED")
    out = people_of_town()
    stills = [
        replace(still, person=still.path.stem) if still.person == "single" else still
        for still in people_in(LFW)
    ]
    stills = [still for still in stills if still.person not in out]
    photographs = [still for name in ("probes", "absent") for still in people_in(TOWN / name)]
    require_apart({"LFW": stills, "the town": photographs}, labels_agree=False)
    return stills


def people_of_numbers(profile: Profile, people: int, pictures: int) -> tuple[Samples, Samples]:
    """Templates of made-up people, and the same with less in them, as of smaller pictures."""
    generator = np.random.default_rng(0)
    who = np.repeat([f"P{number:04}" for number in range(people)], pictures)
    # Around places that differ in a few directions alone, so that some come near each other.
    places = np.zeros((people, profile.dimension))
    places[:, :8] = generator.normal(0, 0.16, (people, 8))
    failed = pd.DataFrame(columns=["person", "name", "reason"])
    made = []
    for noise, best in ((0.02, 1.0), (0.03, 0.6)):
        drawn = generator.normal(0, noise, (len(who), profile.dimension))
        templates = (np.repeat(places, pictures, axis=0) + drawn).astype(np.float32)
        quality = generator.uniform(best - 0.3, best, len(who))
        names = [f"{number % pictures}.jpg" for number in range(len(who))]
        about = pd.DataFrame({"person": who, "name": names, "width": 80.0, "quality": quality})
        for part in QUALITY_PARTS:
            about[part] = generator.uniform(0.5, 1.0, len(who))
        made.append(Samples(about, templates, templates, profile, failed))
    return made[0], made[1]
