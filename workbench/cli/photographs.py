"""Photographs on the command line: which files, and which face of each."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.cli.output import say
from workbench.faces.probes import find_faces, make_photograph, pool_photographs

if TYPE_CHECKING:
    from workbench.domain import Photograph, Probe
    from workbench.faces.models import Models


class ChosenFace(NamedTuple):
    """A photograph, and the number of the face in it that is meant; None: the only one."""

    path: Path
    number: int | None


def chosen_face(text: str) -> ChosenFace:
    """Parse ``IMAGE`` or ``IMAGE#2``; a file whose own name ends so is meant by its name."""
    found = re.fullmatch(r"(.+)#(\d{1,4})", text, re.DOTALL)
    if found is None or Path(text).exists():
        return ChosenFace(Path(text), None)
    return ChosenFace(Path(found[1]), int(found[2]))


def add_photographs(parser: argparse.ArgumentParser, name: str, help: str) -> None:  # noqa: A002
    """Add the option *name*, or the argument without dashes, that takes photographs."""
    named: dict[str, Any] = {"required": True, "action": "extend"} if name.startswith("-") else {}
    parser.add_argument(
        name,
        type=chosen_face,
        nargs="+",
        metavar="IMAGE",
        help=f"{help}; IMAGE#2 for the second largest face of several",
        **named,
    )
    parser.add_argument(
        "--largest-face",
        action="store_true",
        help="where a photograph shows several faces, take the largest",
    )


def make_photographs(
    faces: Sequence[ChosenFace], *, largest: bool, models: Models
) -> list[Photograph]:
    """Make the photographs that were named; *largest* takes that face where none was chosen.

    Raises
    ------
    ImageError
        If one cannot be read, shows no face, several of which none was chosen, or not that one.
    """
    made = []
    for path, number in faces:
        found = find_faces(path, models=models)
        if number is None and largest:
            number = 1
        made.append(make_photograph(found, number, models=models))
    return made


def read_probe(options: argparse.Namespace, faces: Sequence[ChosenFace], models: Models) -> Probe:
    """Make the probe of the photographs that the options name, and say what was done to them."""
    largest: bool = options.largest_face
    probe = pool_photographs(make_photographs(faces, largest=largest, models=models), models)
    for note in probe.notes:
        say(f"{note}.")
    return probe


def photographs_to_send(
    options: argparse.Namespace, faces: Sequence[ChosenFace]
) -> list[Path | tuple[Path, int]]:
    """Return the photographs that the options name, for a server to read."""
    numbers = (
        (f.path, 1 if f.number is None and options.largest_face else f.number) for f in faces
    )
    return [path if number is None else (path, number) for path, number in numbers]
