"""Folders of people, files of pairs, pictures made worse."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from workbench.calibration import Normaliser
from workbench.demo import demo_town
from workbench.errors import EvaluationError
from workbench.evaluation.camera_limits import usefulness
from workbench.evaluation.data import pairs_trial, people_in, read_pairs, require_apart
from workbench.evaluation.degradation import Degradation
from workbench.evaluation.groups import by_group, thirds
from workbench.evaluation.protocols import Trial
from workbench.evaluation.samples import Still, enrol
from workbench.faces.models import Models, load


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return load("dlib", home=tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people with three pictures each."""
    folder = tmp_path_factory.mktemp("few")
    town = demo_town()
    for person, pictures in {**town.photographs, **town.absent}.items():
        (folder / person).mkdir()
        for picture in pictures:
            (folder / person / picture.name).write_bytes(picture.read_bytes())
    return folder


def test_a_folder_of_people_is_read_with_its_labels(tmp_path: Path) -> None:
    for name in ("anna/1.jpg", "anna/2.png", "ben/1.JPG", "carl.jpg", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("person,light\nanna,day\nben,night\n")
    stills = people_in(tmp_path, without={"carl"})
    assert [(s.person, s.path.name, s.labels["light"]) for s in stills] == [
        ("anna", "1.jpg", "day"),
        ("anna", "2.png", "day"),
        ("ben", "1.JPG", "night"),
    ]
    assert {s.person for s in people_in(tmp_path)} == {"anna", "ben", "carl"}


def test_nobody_is_on_both_sides_of_a_split(tmp_path: Path) -> None:
    pictures = {"one/anna.jpg": b"a", "one/ben.jpg": b"b", "two/anna.jpg": b"x", "two/cy.jpg": b"c"}
    for name, content in pictures.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    sides = {name: people_in(tmp_path / name) for name in ("one", "two")}
    require_apart(sides, labels_agree=False)
    with pytest.raises(EvaluationError, match="anna is in one too"):
        require_apart(sides)
    # The same picture under another label.
    (tmp_path / "two" / "cy.jpg").write_bytes(b"b")
    with pytest.raises(EvaluationError, match=r"too \(1\), such as .*ben.jpg"):
        require_apart(sides, labels_agree=False)


def test_folders_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="the folder does not exist"):
        people_in(tmp_path / "nowhere")
    with pytest.raises(EvaluationError, match="does not hold pictures of two people"):
        people_in(tmp_path)
    (tmp_path / "labels.csv").write_text("name,light\nanna,day\n")
    with pytest.raises(EvaluationError, match="has no column person; its columns are name, light"):
        people_in(tmp_path)


@pytest.mark.slow
def test_enrolling_again_takes_what_is_kept(few: Path, models: Models, tmp_path: Path) -> None:
    stills = people_in(few)
    first = enrol(stills, models, cache=tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    assert len(kept) == len(stills)
    again = enrol(stills, models, cache=tmp_path)
    assert (again.templates == first.templates).all()
    assert again.fingerprint == first.fingerprint
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")} == kept


def test_pictures_without_a_face_are_failures_to_enrol(
    few: Path, models: Models, tmp_path: Path
) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "wall.png"), np.full((200, 200, 3), 128, np.uint8))
    stills = [*people_in(few)[:2], Still("wall", tmp_path / "wall.png")]
    samples = enrol(stills, models, cache=tmp_path / "cache")
    assert len(samples) == 2
    assert samples.failed.to_dict("records") == [
        {"person": "wall", "name": "wall.png", "reason": "no face was found"}
    ]
    with pytest.raises(EvaluationError, match="no face was found in any picture"):
        enrol(stills[2:], models, cache=tmp_path / "cache")


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, models: Models) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    with pytest.raises(EvaluationError, match=r"bad\.jpg: is not a picture"):
        enrol([Still("a", tmp_path / "bad.jpg")], models, cache=tmp_path / "cache")


@pytest.mark.slow
def test_pairs_in_both_forms_give_one_to_one_rates(
    few: Path, models: Models, tmp_path: Path
) -> None:
    people = sorted(path.name for path in few.iterdir())
    pictures = {p: sorted(x.name for x in (few / p).iterdir()) for p in people}
    lines = ["first,second,same"]
    for one, other in pairwise(people):
        lines.append(f"{one}/{pictures[one][0]},{one}/{pictures[one][1]},1")
        lines.append(f"{one}/{pictures[one][0]},{other}/{pictures[other][2]},0")
    csv = tmp_path / "pairs.csv"
    csv.write_text("\n".join(lines))
    pairs = read_pairs(csv, few)
    assert len(pairs) == 10
    trial = pairs_trial(enrol(people_in(few), models, cache=tmp_path / "cache"), pairs)
    assert np.isfinite(trial.scores).sum() == 10
    assert trial.eer().value == 0
    named = tmp_path / "named"
    for person in ("anna", "ben"):
        (named / person).mkdir(parents=True)
        for number in (1, 2):
            (named / person / f"{person}_{number:04}.jpg").write_bytes(b"x")
    lfw = tmp_path / "pairs.txt"
    lfw.write_text("1\t2\nanna\t1\t2\nanna\t1\tben\t2\n")
    assert [(a.path.name, b.path.name) for a, b in read_pairs(lfw, named)] == [
        ("anna_0001.jpg", "anna_0002.jpg"),
        ("anna_0001.jpg", "ben_0002.jpg"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("anna/1.jpg,ben/1.jpg,perhaps", "is not a pair"),
        ("anna/1.jpg,ben/1.jpg,1", "says same = 1, but the folders are anna and ben"),
        ("anna/1.jpg,anna/9.jpg,1", "does not exist"),
    ],
)
def test_a_wrong_pair_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    for person in ("anna", "ben"):
        (tmp_path / person).mkdir()
        (tmp_path / person / "1.jpg").write_bytes(b"x")
    path = tmp_path / "pairs.csv"
    path.write_text(f"first,second,same\n{line}\n")
    with pytest.raises(EvaluationError, match=said) as refused:
        read_pairs(path, tmp_path)
    assert "pairs.csv:2" in str(refused.value)


# --- Made worse ---------------------------------------------------------------------------------


def test_each_transform_does_what_it_says(few: Path, models: Models) -> None:
    import cv2

    from workbench.faces.detection import detect

    picture = cv2.imread(str(next(path for path in sorted(few.rglob("*.jpg")))))
    width = detect(models, picture)[0].box.width
    small = Degradation("size", 40).apply(picture, models)
    assert small.shape[1] == pytest.approx(picture.shape[1] * 40 / width, abs=2)
    assert Degradation("size", 4000).apply(picture, models).shape == picture.shape
    sharp = cv2.Laplacian(picture, cv2.CV_32F).var()
    assert (
        cv2.Laplacian(Degradation("blur", 4).apply(picture, models), cv2.CV_32F).var() < sharp / 2
    )
    assert Degradation("light", -3).apply(picture, models).mean() < picture.mean() / 2
    assert Degradation("compression", 5).apply(picture, models).shape == picture.shape
    turned = Degradation("yaw", 30).apply(picture, models)
    assert turned.shape == picture.shape
    assert np.abs(turned.astype(int) - picture).mean() > 1
    unturned = Degradation("yaw", 0).apply(picture, models)
    assert np.abs(unturned.astype(int) - picture).mean() < 1.5


@pytest.mark.slow
def test_a_useless_camera_is_seen_as_such(few: Path, models: Models, tmp_path: Path) -> None:
    stills = people_in(few)
    probes = enrol(stills, models, cache=tmp_path)
    third = [s for s in stills if s.path.name == sorted(p.name for p in s.path.parent.iterdir())[2]]
    frame = usefulness(
        probes,
        third,
        models,
        threshold=0.45,
        ladder=[Degradation("size", 64), Degradation("size", 12)],
        cache=tmp_path,
    )
    assert frame["kind"].tolist() == ["as they are", "size", "size"]
    assert frame["FNIR"].iloc[0] <= frame["FNIR"].iloc[2]
    assert frame["FNIR"].iloc[2] > 0.5
    assert (frame["FNIR low"] <= frame["FNIR"]).all()
    # On a scale on which nobody reaches that threshold.
    normaliser = Normaliser(
        "euclidean", probes.templates[:3], mean=5, deviation=1, people_each=1, people=3,
        source="these pictures", licence="the demo's",
    )  # fmt: skip
    scaled = usefulness(
        probes, third, models, threshold=0.45, normaliser=normaliser, ladder=[], cache=tmp_path
    )
    assert scaled["FNIR"].tolist() == [1]


# --- Groups -------------------------------------------------------------------------------------


def test_a_group_that_errs_more_is_shown_and_small_ones_are_warned_of() -> None:
    generator = np.random.default_rng(0)
    people = np.array([f"P{i:03}" for i in range(85)])
    group = np.array(["one"] * 40 + ["other"] * 40 + ["few"] * 5)
    scores = generator.normal(0, 1, (85, 85)) + 4 * np.eye(85)
    scores += ((group == "other")[:, None] & (group == "other")[None]) * 1.0
    frame = by_group(Trial(scores, people, people), group, threshold=1.5, probes=group)
    row = frame.set_index("group")
    assert row.loc["other", "FMR"] > 3 * row.loc["one", "FMR"]
    assert row.loc["other", "FMR low"] > row.loc["one", "FMR high"]
    assert row.loc["few", "note"] == "too few people to say"
    assert "read the interval" in row.loc["one", "note"]  # of misses there are few
    with pytest.raises(EvaluationError, match="differ in number"):
        by_group(Trial(scores, people, people), group[:3], threshold=1.5)


def test_thirds_name_the_property() -> None:
    assert thirds(np.array([1.0, 2.0, 3.0]), "sharpness").tolist() == [
        "sharpness: low",
        "sharpness: middle",
        "sharpness: high",
    ]
