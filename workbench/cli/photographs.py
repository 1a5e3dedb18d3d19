"""Photographs on the command line: which files, and which face of each."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.casework.provenance import Provenance
from workbench.cli.options import positive
from workbench.cli.output import say
from workbench.errors import SettingsError
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


def add_photographs(
    parser: argparse.ArgumentParser,
    name: str,
    help: str,  # noqa: A002
    *,
    required: bool = True,
) -> None:
    """Add the option *name*, or the argument without dashes, that takes photographs."""
    named: dict[str, Any] = {"required": required, "action": "extend"}
    if not name.startswith("-"):
        named = {}
    elif not required:
        named["default"] = []
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


_STATED = {
    "source": ("TEXT", "where the photographs come from, such as 'passport office'"),
    "given_by": ("TEXT", "who gave them"),
    "taken": ("DATE", "when they were taken: 2024, 2024-05, 2024-05-17 or 'not known'"),
    "changes": ("TEXT", "what was done to them before: 'cropped', 'brightened' … or 'nothing'"),
    "kind": ("KIND", "what the pictures are; drawings and composites are refused"),
}


def add_provenance(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where photographs come from: one value for all, or one for each."""
    group = parser.add_argument_group(
        "where the photographs come from: one value for all, or one for each in order"
    )
    for name, (metavar, help_) in _STATED.items():
        group.add_argument(
            f"--{name.replace('_', '-')}",
            nargs="+",
            metavar=metavar,
            default=["photograph"] if name == "kind" else [],
            help=help_,
        )
    group.add_argument(
        "--under-18",
        nargs="*",
        type=positive,
        metavar="N",
        help="the person was under 18 in the photographs with these numbers; without one, in all",
    )
    group.add_argument(
        "--born", default="", metavar="DATE", help="date of birth, as far as it is known"
    )


def provenance_of(options: argparse.Namespace, photographs: int) -> list[Provenance]:
    """Return what the options of :func:`add_provenance` state of so many photographs.

    Raises
    ------
    SettingsError
        If something is missing, or there are more or fewer values than photographs.
    CaseError
        If a value is impossible, or a picture is no photograph.
    """
    given: dict[str, list[str]] = {}
    for name in _STATED:
        values, option = getattr(options, name), f"--{name.replace('_', '-')}"
        if len(values) not in (1, photographs):
            what = f"{len(values)} values for {photographs} photographs" if values else "is missing"
            raise SettingsError(what, where=option, fix="Give one for all, or one for each")
        given[name] = values * photographs if len(values) == 1 else values
    minor = options.under_18
    if beyond := [n for n in minor or () if n > photographs]:
        raise SettingsError(
            f"there is no photograph {beyond[0]}",
            where="--under-18",
            fix=f"Give numbers from 1 to {photographs}",
        )
    return [
        Provenance(
            **{name: values[n] for name, values in given.items()},  # type: ignore[arg-type]
            under_18=minor is not None and (not minor or n + 1 in minor),
        )
        for n in range(photographs)
    ]


def require_no_provenance(options: argparse.Namespace) -> None:
    """Raise SettingsError where the options state something of photographs and name none."""
    given = [name for name in _STATED if name != "kind" and getattr(options, name)]
    given += [name for name in ("under_18", "born") if getattr(options, name) not in (None, "")]
    if given:
        raise SettingsError(
            "states something of photographs, and none is given",
            where=f"--{given[0].replace('_', '-')}",
            fix="Give all photographs of the person with --subject",
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


def read_probe(
    options: argparse.Namespace,
    faces: Sequence[ChosenFace],
    models: Models,
    *,
    own: Sequence[Photograph] = (),
) -> Probe:
    """Make the probe of the photographs that the options name, and say what was done to them.

    *own* are photographs of the case that come first.
    """
    largest: bool = options.largest_face
    made = make_photographs(faces, largest=largest, models=models)
    probe = pool_photographs([*own, *made], models)
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
