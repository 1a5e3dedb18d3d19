"""Data to evaluate on: folders of people and files of pairs."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from workbench.errors import EvaluationError
from workbench.evaluation.protocols import Trial
from workbench.evaluation.samples import Samples, Still
from workbench.faces.templates import scores

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
LABELS = "labels.csv"


def people_in(folder: Path, *, without: Collection[str] = ()) -> list[Still]:
    """Read pictures from one folder per person: the folder's name is the person's label.

    Pictures that lie in *folder* itself are people with one picture, labelled by the file's name. A
    ``labels.csv`` there with a column ``person`` gives each person further labels, one per column.

    Raises
    ------
    EvaluationError
        If there are not pictures of at least two people, or ``labels.csv`` cannot be read.
    """
    if not folder.is_dir():
        raise EvaluationError(
            "the folder does not exist", where=str(folder), fix="Name a folder of people"
        )
    labels = _labels(folder / LABELS)
    names = sorted({name for row in labels.values() for name in row})
    stills = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PICTURES or not path.is_file():
            continue
        person = path.stem if path.parent == folder else path.parent.name
        if person not in without:
            known = labels.get(person, {})
            stills.append(Still(person, path, {name: known.get(name, "") for name in names}))
    if len({still.person for still in stills}) < 2:
        raise EvaluationError(
            "does not hold pictures of two people",
            where=str(folder),
            fix="Give one folder of pictures for each person",
        )
    return stills


def _labels(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), restkey="", restval="")
    try:
        rows = list(reader)
    except csv.Error as error:
        raise _unreadable(path, str(error)) from None
    if rows and "person" not in rows[0]:
        raise EvaluationError(
            f"has no column person; its columns are {', '.join(rows[0])}",
            where=str(path),
            fix="Name the column of the people's labels person",
        )
    return {row.pop("person"): row for row in rows}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not in UTF-8") from None


def _unreadable(path: Path, why: str) -> EvaluationError:
    return EvaluationError(
        f"cannot be read as a table ({why})", where=str(path), fix="Save it as text in UTF-8"
    )


def require_apart(sides: Mapping[str, Sequence[Still]], *, labels_agree: bool = True) -> None:
    """Check that no person is on two sides of a split: by label, and by the content of pictures.

    A threshold that was set on a person says too little of the errors on that person's pictures.
    Copies of a picture are found whatever they are called; two pictures of one person under two
    labels are not.

    Parameters
    ----------
    sides : mapping of name to stills
        What is set on and what is reported, named for the message.
    labels_agree : bool
        False where the sides were labelled apart, so that one label may stand for two people.

    Raises
    ------
    EvaluationError
        If a person is on two sides, with the first such pictures.
    """
    contents = {
        name: {hashlib.sha256(still.path.read_bytes()).digest(): still for still in stills}
        for name, stills in sides.items()
    }
    for one, other in combinations(sides, 2):
        people = {still.person for still in sides[one]}
        labels = [still for still in sides[other] if labels_agree and still.person in people]
        if labels:
            raise EvaluationError(
                f"{labels[0].person} is in {one} too",
                where=f"{other}: {labels[0].path}",
                fix="Divide by person, so that each person is on one side alone",
            )
        copies = contents[one].keys() & contents[other].keys()
        pairs = sorted((contents[one][c].path, contents[other][c].path) for c in copies)
        if pairs:
            raise EvaluationError(
                f"holds pictures that are in {one} too ({len(pairs):,}), such as {pairs[0][0]}",
                where=f"{other}: {pairs[0][1]}",
                fix="Leave the people whom these pictures show out of one side",
            )


def read_pairs(path: Path, pictures: Path) -> list[tuple[Still, Still]]:
    """Read pairs of pictures, of one person or of two, from a file.

    The file has the form of LFW's ``pairs.txt`` (``name n1 n2`` and ``name1 n1 name2 n2``,
    separated by tabs, pictures named ``name/name_0001.jpg``), or is CSV with the columns first,
    second and same (paths below *pictures*; same is 1 or 0). In CSV, pictures are labelled by their
    folders, and *same* must agree with them.

    Raises
    ------
    EvaluationError
        With file and line, if a pair cannot be read or names a picture that does not exist.
    """
    pairs = []
    lines = _text(path).splitlines()
    is_csv = bool(lines) and "," in lines[0]
    for number, line in enumerate(lines, start=1):
        cells = [cell.strip() for cell in line.split("," if is_csv else "\t")]
        if not line.strip() or cells[:3] == ["first", "second", "same"]:
            continue
        if not is_csv and number == 1 and all(cell.isdigit() for cell in cells):
            continue  # numbers of sets and pairs
        try:
            pairs.append(_csv_pair(cells, pictures) if is_csv else _lfw_pair(cells, pictures))
        except EvaluationError as error:
            raise EvaluationError(error.what, where=f"{path}:{number}", fix=error.fix) from None
    if not pairs:
        raise EvaluationError("names no pairs", where=str(path), fix="Give one pair per line")
    return pairs


def _lfw_pair(cells: Sequence[str], pictures: Path) -> tuple[Still, Still]:
    if len(cells) == 3 and all(map(_is_number, cells[1:])):
        names = [(cells[0], cells[1]), (cells[0], cells[2])]
    elif len(cells) == 4 and _is_number(cells[1]) and _is_number(cells[3]):
        names = [(cells[0], cells[1]), (cells[2], cells[3])]
    else:
        raise EvaluationError(
            "is not a pair", fix="Write name, n1, n2 or name1, n1, name2, n2, separated by tabs"
        )
    first, second = (
        _picture(name, pictures / name / f"{name}_{int(number):04}.jpg") for name, number in names
    )
    return first, second


def _is_number(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and len(cell) < 10


def _csv_pair(cells: Sequence[str], pictures: Path) -> tuple[Still, Still]:
    if len(cells) != 3 or cells[2] not in ("0", "1"):
        raise EvaluationError("is not a pair", fix="Write first,second,same with same 1 or 0")
    paths = [pictures / cell for cell in cells[:2]]
    first, second = (_picture(path.parent.name, path) for path in paths)
    if (first.person == second.person) != (cells[2] == "1"):
        raise EvaluationError(
            f"says same = {cells[2]}, but the folders are {first.person} and {second.person}",
            fix="Correct one of the two",
        )
    return first, second


def _picture(person: str, path: Path) -> Still:
    try:
        there = path.is_file()
    except OSError:  # a name that is too long for any file
        there = False
    if not there:
        raise EvaluationError(
            f"the picture {str(path)[:300]} does not exist", fix="Check the folder of pictures"
        )
    return Still(person, path)


def pairs_trial(samples: Samples, pairs: Iterable[tuple[Still, Still]]) -> Trial:
    """Compare the pairs of a file, and no others; pictures without a face never match.

    *samples* holds them (see :func:`workbench.evaluation.samples.enrol`). The trial has one-to-one
    rates only.
    """

    row = {key: number for number, key in enumerate(_keys(samples))}
    listed = list(pairs)
    sides = [
        {(still.person, still.path.name): None for still in side}
        for side in zip(*listed, strict=True)
    ]
    left, right = ([*side] for side in sides)
    table = np.full((len(left), len(right)), np.nan)
    at = [{key: number for number, key in enumerate(side)} for side in (left, right)]
    for first, second in listed:
        keys = (first.person, first.path.name), (second.person, second.path.name)
        numbers = [row.get(key) for key in keys]
        score = -np.inf
        if numbers[0] is not None and numbers[1] is not None:
            one, other = (samples.templates[number] for number in numbers)
            score = float(scores(other[None], one, samples.profile.metric)[0])
        table[at[0][keys[0]], at[1][keys[1]]] = score
    people = [np.array([person for person, _ in side]) for side in (left, right)]
    return Trial(table, people[0], people[1])


def _keys(samples: Samples) -> list[tuple[str, str]]:
    return list(zip(samples.about["person"], samples.about["name"], strict=True))
