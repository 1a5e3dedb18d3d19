"""What notebooks show of a value, and keep when they are saved: no face, no secret."""

from __future__ import annotations

import base64
import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import workbench
from workbench.demo import DemoTown, demo_town
from workbench.district import from_file
from workbench.domain import Coverage, Scope
from workbench.domain.summaries import MOST_ROWS, Summary
from workbench.faces.probes import find_faces, make_probe
from workbench.indexing import IndexReport
from workbench.indexing.report import RecordingReport
from workbench.installation import Installation
from workbench.investigation import search

# What holds a picture, a template, a list of numbers, or a password, by its annotation or name.
HELD = re.compile(r"\b(bytes|bytearray|Vector|NDArray|ndarray|Image|DataFrame)\b|tuple\[float, \.")
SECRET = re.compile(r"secret|password|token\b", re.IGNORECASE)


def classes() -> Iterator[type]:
    """Every class of the package."""
    for module in pkgutil.walk_packages(workbench.__path__, "workbench."):
        if not module.name.endswith("__main__"):
            found = importlib.import_module(module.name)
            for one in vars(found).values():
                if inspect.isclass(one) and one.__module__ == module.name:
                    yield one


def shows(one: type) -> list[str]:
    """Fields of a dataclass that its repr shows though it must not."""
    if not dataclasses.is_dataclass(one) or "summary" in dir(one):
        return []  # a summary is tried below
    return [
        f"{one.__module__}.{one.__name__}.{field.name}"
        for field in dataclasses.fields(one)
        if field.repr and (HELD.search(str(field.type)) or SECRET.search(field.name))
    ]


def test_no_class_shows_a_picture_a_template_or_a_secret() -> None:
    every = [*classes()]
    assert len(every) > 300
    assert [field for one in every for field in shows(one)] == []


def test_a_class_that_shows_one_is_found() -> None:
    made = dataclasses.make_dataclass(
        "Made",
        [
            ("jpeg", "tuple[bytes, ...]"),
            ("template", "Vector | None"),
            ("size_bytes", "int"),
            ("secret", "str"),
            ("hidden", "bytes", dataclasses.field(repr=False)),
        ],
    )
    assert [name.rpartition(".")[2] for name in shows(made)] == ["jpeg", "template", "secret"]


def shown(value: Any) -> str:
    """All texts in which a notebook shows a value."""
    html = value._repr_html_() if hasattr(value, "_repr_html_") else ""
    return f"{value!r}\n{value}\n{html}"


@pytest.fixture(scope="module")
def town() -> DemoTown:
    return demo_town()


@pytest.fixture(scope="module")
def values(demo: Path, installation: Installation, training: str, town: DemoTown) -> dict[str, Any]:
    """One of each thing that a cell of a notebook ends with."""
    photographs = list(next(iter(town.photographs.values())))
    with installation.open_gallery(demo) as gallery:
        models = installation.load_models(gallery.profile)
        probe = make_probe(photographs, models=models)
        scope = Scope(from_file(next(iter(town.districts.values()))), town.start, town.end)
        result = search(gallery, probe, scope, case=training, register=installation.register)
        shots = gallery.shots(result.candidates[0].tracklet_id)
        open_gallery = shown(gallery)
    assert result.expectations is not None
    return {
        "gallery": gallery,
        "open gallery": open_gallery,
        "models": models,
        "probe": probe,
        "photograph": probe.photographs[0],
        "faces": find_faces(photographs[0], models=models),
        "scope": scope,
        "result": result,
        "candidate": result.candidates[0],
        "shots": shots,
        "coverage": result.coverage,
        "calibration": result.expectations.calibration,
        "expectations": result.expectations,
        "installation": installation,
        "settings": installation.settings,
        "all": [result, probe, models, shots],
    }


def test_what_is_shown_holds_no_face(values: dict[str, Any]) -> None:
    jpegs = [values["candidate"].shot_jpeg, *(p.jpeg for p in values["probe"].photographs)]
    for name, value in values.items():
        text = value if isinstance(value, str) else shown(value)
        assert len(text) < 8_000, (name, len(text))
        assert "\\xff\\xd8" not in text, name
        assert "/9j/" not in text, name  # how a JPEG begins in Base64
        assert not any(base64.b64encode(jpeg).decode()[:40] in text for jpeg in jpegs), name
        # Eight numbers in a row are a template, or a part of one.
        assert not re.search(r"(-?\d\.\d+(e-?\d+)?,?\s+){8}", text), name
        assert " at 0x" not in text, name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gallery", "closed"),
        ("open gallery", "recordings"),
        ("models", "Dlib"),
        ("probe", "photographs 3"),
        ("scope", "2026-03-31 17:00:00 UTC"),
        ("result", "A match is a lead, never an identification."),
        ("coverage", "not searchable"),
        ("calibration", "FNMR there"),
    ],
)
def test_it_says_what_it_is(values: dict[str, Any], name: str, words: str) -> None:
    value = values[name]
    assert words in (value if isinstance(value, str) else shown(value))


def test_a_frame_begins_with_the_score(values: dict[str, Any]) -> None:
    frame = values["result"].frame()
    assert list(frame)[:8] == [
        "score", "rank", "camera", "first_seen", "last_seen", "recording", "quality", "scale",
    ]  # fmt: skip
    assert len(frame) == len(values["result"].candidates) > 0
    assert frame["score"].is_monotonic_decreasing


def test_texts_of_others_are_escaped_and_long_lists_end() -> None:
    summary = Summary(
        "<i>", (("<b>", "<script>"), ("left out", "")), ("<u>",), ("<s>",), [("<td>",)] * 12
    )
    page = summary.html()
    for sign in ("<i>", "<b>", "<script>", "<u>", "<s>", "<td>"):
        assert sign not in page
    assert page.count("&lt;td&gt;") == MOST_ROWS
    assert "2 more" in page
    assert "left out" not in page + summary.text()


def test_a_scope_without_footage_says_what_that_means() -> None:
    words = Coverage(3, 0, 0, 0.0, 0, 0)._repr_html_()
    assert "No footage does not mean not there." in words


def test_a_report_lists_its_problems(town: DemoTown) -> None:
    from workbench.domain import Recording

    recording = Recording("a.mkv", Path("a.mkv"), "gate", town.start + timedelta(hours=1))
    report = IndexReport((RecordingReport.refusal(recording, "is empty. Delete it"),))
    assert repr(report).startswith("<Index report: indexed 0, already indexed 0, refused 1")
    assert "is empty. Delete it" in report._repr_html_()
