"""Networks of one's own: imported after a self-test, used as any profile, refused when unfit."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest

from workbench.calibration import calibration_of
from workbench.demo import demo_town
from workbench.errors import ModelError
from workbench.faces import importing, onnx_file, templates, trial
from workbench.faces.imported import NETWORK, find, home_of, names, read_profile
from workbench.faces.importing import SelfTest, import_network, remove_network
from workbench.faces.models import Models, forget, load, noise
from workbench.faces.weights import of_model

PEOPLE = dict(list(demo_town().photographs.items())[:3])
EXAMPLE = Path(__file__).parents[2] / "examples" / "networks" / "mobilefacenet.toml"


_found: dict[Any, Any] = {}


@pytest.fixture(autouse=True)
def faces_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for the same faces only once: most of the time would go there."""
    find_faces = importing._chips

    def once(own: Any, home: Path, people: Any) -> Any:
        key = own.detector, own.alignment, own.input_size
        if key not in _found:
            _found[key] = find_faces(own, home, people)
        return _found[key]

    monkeypatch.setattr(importing, "_chips", once)


@pytest.fixture(scope="module")
def imported_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model home with the network."""
    folder = tmp_path_factory.mktemp("imported")
    brought(networks.write_network(folder), folder / "home")
    return folder / "home"


def brought(
    files: tuple[Path, Path], home: Path, *, accepted: str = networks.LICENCE
) -> tuple[Any, SelfTest]:
    return import_network(*files, home, accepted=accepted, people=PEOPLE)


def changed(files: tuple[Path, Path], old: str, new: str) -> tuple[Path, Path]:
    text = files[1].read_text("utf-8")
    assert old in text
    files[1].write_text(text.replace(old, new), "utf-8")
    return files


def left_behind(home: Path) -> list[Path]:
    return [path for path in home_of("", home).rglob("*") if path.is_file()]


def test_an_imported_network_is_a_profile_like_any_other(tmp_path: Path) -> None:
    own, tested = brought(networks.write_network(tmp_path), tmp_path / "home")
    assert (tested.faces, tested.people) == (9, 3)
    assert tested.told_apart > 0.5
    models = load("pooled", home=tmp_path / "home")
    assert models.profile.dimension == networks.DIMENSION
    assert (NETWORK, own.sha256) in models.profile.weights
    # What comes out is the network's own arithmetic on the pixels as the profile states them.
    chips = noise((64, 64))
    cells = chips.reshape(4, 8, 8, 8, 8, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    projection = np.random.default_rng(1).normal(size=(192, 48)).astype(np.float32)
    projection -= projection.mean(axis=0)
    wanted = (((cells - 127.5) * 0.00784).reshape(4, -1)) @ projection
    np.testing.assert_allclose(templates.embed(models, list(chips)), wanted, atol=1e-4)


def test_the_fingerprint_is_of_the_network_and_its_input_whatever_the_name(
    tmp_path: Path, imported_once: Path
) -> None:
    def stated(old: str, new: str) -> str:
        files = changed(networks.write_network(tmp_path / new), old, new)
        return read_profile(files[1]).profile(first.weights).fingerprint

    first = load("pooled", home=imported_once).profile
    assert stated('name = "pooled"', 'name = "renamed"') == first.fingerprint
    for old, new in (
        ('channels = "BGR"', 'channels = "RGB"'),
        ("scale = 0.00784", "scale = 0.0078"),
        ('alignment = "dlib-chip"', 'alignment = "arcface-112"'),
        ('metric = "cosine"', 'metric = "euclidean"'),
    ):
        assert stated(old, new) != first.fingerprint, new
    # A gallery made under one name is searched where the network has another.
    elsewhere = dataclasses.replace(first, name="renamed")
    assert load(elsewhere, home=imported_once).profile.name == "pooled"


def test_a_network_for_one_picture_at_a_time_gives_the_same(tmp_path: Path) -> None:
    for name, change in (("free", None), ("one", networks.one_at_a_time)):
        brought(networks.write_network(tmp_path / name, change), tmp_path / name / "home")
    free, one = (load("pooled", home=tmp_path / name / "home") for name in ("free", "one"))
    chips = list(noise((64, 64)))
    np.testing.assert_allclose(templates.embed(one, chips), templates.embed(free, chips), atol=1e-5)
    assert templates.embed(one, chips[:1]).shape == (1, networks.DIMENSION)


Change = Callable[[Any], None]
NAN = np.full(networks.DIMENSION, np.nan, np.float32)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (networks.with_weights_outside, "keeps weights in another file"),
        (networks.four_at_a_time, r"takes input of the shape \(4, 3, 64, 64\)"),
        (networks.ends_with("Mul", np.float32([1e30])), "too long to be compared"),
        (networks.with_two_outputs, "has 2 outputs, not one"),
        (networks.ends_with("Mystery", domain="example.org"), "operators of its own"),
        (networks.ends_with("RandomNormalLike"), "draws at random"),
        (networks.with_a_loop, "repeats parts of itself"),
        (networks.ends_with("Cast", to=10), "cannot be run"),
        (networks.ends_with("Nonsense"), "cannot be run"),
        (networks.ends_with("Add", NAN), "not numbers"),
        (networks.ends_with("Mul", np.zeros(1, np.float32)), "template of zeros"),
        (
            networks.ends_with("Clip", np.float32(0.25), np.float32(0.25)),
            "same template for different faces",
        ),
        (networks.ends_with("Softmax", axis=0), "for a face alone and among others"),
        (networks.other_in_full_batches, "for a face alone and among others"),
        (networks.with_many_numbers, "gives 480,000 numbers for a face, which cannot be kept"),
        (networks.ends_with("Concat", axis=1), None),
    ],
)
def test_a_network_that_is_unfit_is_refused(
    tmp_path: Path, change: Change, said: str | None
) -> None:
    files = networks.write_network(tmp_path, change)
    home = tmp_path / "home"
    if said is None:  # an operator more is no fault by itself
        brought(files, home)
        return
    with pytest.raises(ModelError, match=said):
        brought(files, home)
    assert not left_behind(home)
    assert names(home) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dimension = 48", "dimension = 64", "states 64 numbers"),
        ("width = 64\nheight = 64", "width = 80\nheight = 80", r"states \(n, 3, 80, 80\)"),
        ('layout = "NCHW"', 'layout = "NHWC"', r"states \(n, 64, 64, 3\)"),
        ('sha256 = "', 'sha256 = "0', "sha256 is not 64 hexadecimal digits"),
        ('name = "pooled"', 'name = "../../pooled"', "name is"),
        ('name = "pooled"', 'name = "yunet-dlib"', "name is"),
        ('licence = "CC0, made by the tests   themselves"', 'licence = "MIT"', "says too little"),
        ('metric = "cosine"', 'metric = "manhattan"', "metric is 'manhattan'"),
        ("scale = 0.00784", "scale = 0", "input.scale is 0"),
        ("scale = 0.00784", "scale = nan", "input.scale is 'nan'"),
        ("scale = 0.00784", "", "lacks input.scale"),
        ("dimension = 48", "dimension = 48\nthreshold = 0.4", "unknown key threshold"),
        ("dimension = 48", "dimension = 48.0", "dimension is '48.0'"),
        ("[input]", "[input", "is not a TOML file"),
        ("width = 64", "width = 32", "dlib's chips are squares"),
        ('detector = "dlib"', 'detector = "yunet"', "not on this machine"),
        ("scale = 0.00784", "scale = 1\n[tracks]\nsplit_below = 0.9\njoin_from = 0.2\n"
         'measured_on = "x"', "tracks.split_below is 0.9"),
    ],
)  # fmt: skip
def test_a_profile_that_does_not_fit_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    files = changed(networks.write_network(tmp_path), old, new)
    with pytest.raises(ModelError, match=said):
        brought(files, tmp_path / "home")
    assert not left_behind(tmp_path / "home")


@pytest.mark.parametrize("content", [b"", b"text, not a network", bytes(range(256)) * 40])
def test_another_file_is_no_network(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ModelError, match="is not an ONNX file"):
        brought(networks.write_content(tmp_path, content), tmp_path / "home")


def test_the_file_must_be_the_one_that_the_profile_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = networks.write_network(tmp_path)
    with pytest.raises(ModelError, match="is not a file"):
        brought((tmp_path, files[1]), tmp_path / "home")
    with files[0].open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelError, match="has the SHA-256"):
        brought(files, tmp_path / "home")
    monkeypatch.setattr(onnx_file, "LARGEST", 1000)
    with pytest.raises(ModelError, match="has more than"):
        brought(files, tmp_path / "home")
    assert not left_behind(tmp_path / "home")


def test_the_licence_is_accepted_word_for_word_and_a_name_is_taken_once(tmp_path: Path) -> None:
    files, home = networks.write_network(tmp_path), tmp_path / "home"
    for words in ("", "yes", networks.LICENCE[:-1]):
        with pytest.raises(ModelError, match="CC0, made by the tests themselves"):
            brought(files, home, accepted=words)
    brought(files, home)
    with pytest.raises(ModelError, match="with this very network"):
        brought(files, home)
    with pytest.raises(ModelError, match="another name, or first `sightline models remove pooled`"):
        brought(changed(files, "scale = 0.00784", "scale = 0.0078"), home)
    remove_network("pooled", home)
    with pytest.raises(ModelError, match="unknown profile"):
        load("pooled", home=home)
    with pytest.raises(ModelError, match="was not imported"):
        remove_network("pooled", home)


def test_what_was_changed_after_the_import_is_not_used(tmp_path: Path, imported_once: Path) -> None:
    def home(name: str) -> tuple[Path, Path]:
        shutil.copytree(imported_once, tmp_path / name)
        assert load("pooled", home=tmp_path / name).profile.name == "pooled"  # carried elsewhere
        forget()
        return tmp_path / name, home_of("pooled", tmp_path / name)

    one, kept = home("network")
    (kept / NETWORK).write_bytes((kept / NETWORK).read_bytes() + b"\0")
    with pytest.raises(ModelError, match="not the one that was imported"):
        load("pooled", home=one)
    one, kept = home("profile")
    text = (kept / "profile.toml").read_text("utf-8")
    (kept / "profile.toml").write_text(text.replace("0.00784", "0.0078"), "utf-8")
    with pytest.raises(ModelError, match="changed since its self-test"):
        load("pooled", home=one)
    one, kept = home("record")
    record = (kept / "self_test.json").read_text("utf-8").replace("[[", "[[9e9, ", 1)
    (kept / "self_test.json").write_text(record, "utf-8")
    with pytest.raises(ModelError, match="no record of a self-test"):
        load("pooled", home=one)
    (kept / "self_test.json").unlink()
    with pytest.raises(ModelError, match="no record of a self-test"):
        load("pooled", home=one)


def test_a_trial_that_dies_or_never_ends_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, home = networks.write_network(tmp_path), tmp_path / "home"
    script = tmp_path / "trial.py"
    monkeypatch.setattr(trial, "__file__", str(script))
    script.write_text("import os; os.abort()")
    with pytest.raises(ModelError, match="ended its trial with signal 6"):
        brought(files, home)
    script.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(importing, "SECONDS", 0.5)
    with pytest.raises(ModelError, match="took more than"):
        brought(files, home)
    assert not left_behind(home)


def test_templates_that_are_not_numbers_stop_at_once(models: Models) -> None:
    class Broken:
        def forward(self, batch: Any) -> list[list[float]]:
            return [[float("nan")] * 128 for _ in batch]

    broken = dataclasses.replace(models, recogniser=Broken())
    with pytest.raises(ModelError, match="not numbers"):
        templates.embed(broken, [np.zeros((150, 150, 3), np.uint8)])


def test_the_example_of_mobilefacenet_can_be_imported(shared: Path, tmp_path: Path) -> None:
    network = shared / "models" / "mobilefacenet.onnx"
    if not network.is_file():
        pytest.skip(f"no network at {network}: it does not come with Sightline")
    from workbench.faces.weights import import_file

    import_file(shared / "models" / "yunet_n_640_640.onnx", tmp_path)
    own = read_profile(EXAMPLE)
    _, tested = import_network(network, EXAMPLE, tmp_path, accepted=own.licence, people=PEOPLE)
    assert tested.told_apart > 0.99
    assert find("mobilefacenet", tmp_path) == own


def test_the_calibration_of_mobilefacenet_is_of_the_example(tmp_path: Path) -> None:
    own = read_profile(EXAMPLE)
    (detector,) = of_model("detector", "yunet")
    profiles = [own.profile(((detector.file, digest),)) for digest in detector.sha256]
    found = [calibration_of(profile, folder=tmp_path) for profile in profiles]
    (made,) = [one for one in found if one is not None]
    assert own.sha256 in made.network
    assert "MS-Celeb-1M" in made.network
    assert 0 < made.fnmr(made.threshold(photographs=1).score, photographs=1).rate < 0.05
