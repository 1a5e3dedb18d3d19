"""Load the networks of a profile through DeepFace, from this machine alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlib
import numpy as np

from workbench.domain import Profile
from workbench.domain.summaries import Summarised, Summary
from workbench.errors import ModelError
from workbench.faces import dlib_network, imported, profiles, track_limits, weights
from workbench.faces.imported import ImportedProfile
from workbench.faces.profiles import Recogniser
from workbench.faces.sources import DLIB_LANDMARKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DLIB = {"any": "workbench.faces.dlib_client.DlibOnnxClient"}
_IMPORTED = {"any": "workbench.faces.imported_client.ImportedOnnxClient"}


@dataclass(frozen=True, slots=True, repr=False)
class Models(Summarised):
    """Loaded networks of one profile. Not to be used by two threads at once."""

    profile: Profile
    detector: Any  # DeepFace's client
    recogniser: Any  # DeepFace's client
    landmarks: Any  # dlib's five-point predictor, or None where no chip needs it
    input_size: tuple[int, int]  # of the recogniser: height, width in pixels
    prepare: Callable[[NDArray[np.uint8]], NDArray[np.generic]]  # (n, h, w, 3) chips to its input
    split_below: float | None  # scores; see faces.track_limits. None: not measured
    join_from: float | None
    home: Path  # the DEEPFACE_HOME its weights came from

    def summary(self) -> Summary:
        """Describe the networks: profile, detector, recogniser and weights."""
        profile = self.profile
        return Summary(
            "Models",
            (
                ("profile", profile.name),
                ("detector", profile.detector),
                ("recogniser", profile.recogniser),
                ("template", f"{profile.dimension} numbers, {profile.metric} metric"),
                ("fingerprint", profile.fingerprint),
            ),
            notes=(self.caution,) if self.caution else (),
            headings=("weights", "SHA-256"),
            rows=[(name, f"{digest[:16]}…") for name, digest in profile.weights],
        )

    @property
    def caution(self) -> str:
        """Words on tracks that are taken as positions give them; empty where looks are measured."""
        if self.split_below is not None and self.join_from is not None:
            return ""
        return (
            "Tracks are neither split nor joined by what faces look like: the scores for that were "
            f"not measured for profile {self.profile.name}. `sightline calibrate` measures them on "
            "pictures of 100 people or more."
        )


def load(profile: str | Profile, *, home: Path) -> Models:
    """Load a profile by name, or the exact profile that a gallery was made with.

    Parameters
    ----------
    profile : str or Profile
        ``dlib`` (embedded), ``yunet-dlib``, the name of an imported profile, or any
        ``<detector>+<recogniser>`` of DeepFace.
    home : Path
        The DEEPFACE_HOME to use: weights are looked for there and nowhere else.

    Raises
    ------
    ModelError
        If the profile is unknown, or weights are missing or not those of the given Profile.
    """
    home = home.resolve()
    name = profile if isinstance(profile, str) else profile.name
    if isinstance(profile, Profile):
        # Imported here under another name, perhaps, than where the gallery was made.
        same = imported.find_same(profile, home)
        name = same.name if same else name
    models = _load(name, home)
    if isinstance(profile, Profile) and profile.fingerprint != models.profile.fingerprint:
        raise ModelError(
            f"was used with other weights or another version ({profile.fingerprint}, "
            f"here {models.profile.fingerprint})",
            where=f"profile {name}",
            fix="Import the weights it was made with",
        )
    return models


def installed(name: str, *, home: Path) -> Profile:
    """Return a profile with the weights on this machine, without loading them.

    Raises ModelError as :func:`load` does.
    """
    home = home.resolve()
    detector, recogniser, own = _named(name, home)
    weights.place_embedded(home)
    files = weights.require("detector", detector, home)
    if recogniser.alignment == "dlib-chip":
        files += weights.require("detector", DLIB_LANDMARKS.model, home)
    if own is not None:
        imported.require(own, home)
        return own.profile(files)
    files += weights.require("recogniser", recogniser.name, home)
    return profiles.make_profile(name, tuple(sorted(set(files))))


def without_recogniser(own: ImportedProfile, *, home: Path) -> Models:
    """Load a detector and what cuts chips for a profile whose network is not proven yet.

    Raises ModelError if its detector's weights are missing or wrong.
    """
    home = home.resolve()
    weights.place_embedded(home)
    files = weights.require("detector", own.detector, home)
    if own.alignment == "dlib-chip":
        files += weights.require("detector", DLIB_LANDMARKS.model, home)
    return _assembled(own.profile(files), own.recogniser, None, home, own)


def noise(size: tuple[int, int]) -> NDArray[np.uint8]:
    """Chips ``(4, height, width, 3)`` of noise, from fine to coarse: the same on every machine."""
    random = np.random.default_rng(0)
    chips = []
    for side in (1, 4, 8, 16):
        cells = [-(-pixels // side) for pixels in size]
        whole = np.kron(random.integers(0, 256, (*cells, 3)), np.ones((side, side, 1)))
        chips.append(whole[: size[0], : size[1]])
    return np.array(chips, np.uint8)


def forget() -> None:
    """Load networks anew at their next use."""
    _load.cache_clear()


def _named(name: str, home: Path) -> tuple[str, Recogniser, ImportedProfile | None]:
    """Detector and recogniser of a profile's name, and the profile itself if it was imported."""
    own = imported.find(name, home)
    if own is not None:
        return own.detector, own.recogniser, own
    return *profiles.pair(name, imported=imported.names(home)), None


@lru_cache(maxsize=4)
def _load(name: str, home: Path) -> Models:
    profile = installed(name, home=home)
    _, recogniser, own = _named(name, home)
    if recogniser.name == "Dlib":
        dlib_network.place(home)
    client = _build("facial_recognition", recogniser.name, home, own)
    if recogniser.name == "Dlib":
        dlib_network.check(client.model, home)
    models = _assembled(profile, recogniser, client, home, own)
    if own is not None:
        _check_imported(own, models)
    return models


# On another processor or a graphics card sums are rounded otherwise; more is another network.
_OTHER_MACHINE = 1e-4


def _check_imported(own: ImportedProfile, models: Models) -> None:
    """Compare what a loaded network gives for noise with what it gave at its self-test."""
    known = imported.self_test(own, models.home).noise_templates
    found = np.array(models.recogniser.forward(models.prepare(noise(own.input_size))), np.float32)
    length = float(np.linalg.norm(known, axis=1).mean())
    apart = float(np.abs(found - known).max()) / length if found.shape == known.shape else np.inf
    if not apart <= _OTHER_MACHINE:  # written so that NaN fails too
        raise ModelError(
            f"does not give what it gave at its self-test: numbers differ by {apart:.1g} of a "
            f"template's length, by more than {_OTHER_MACHINE:g}",
            where=f"profile {own.name}",
            fix="On a machine with a graphics card, set DEEPFACE_ONNX_PROVIDERS=cpu; else import "
            "the network again on this machine",
        )


def _assembled(
    profile: Profile,
    recogniser: Recogniser,
    client: Any,
    home: Path,
    own: ImportedProfile | None,
) -> Models:
    landmarks = None
    if recogniser.alignment == "dlib-chip":
        landmarks = dlib.shape_predictor(str(weights.folder(home) / DLIB_LANDMARKS.file))
    split, join = recogniser.split_below, recogniser.join_from
    if split is None or join is None:
        limits = track_limits.of(profile, home) or (own.tracks if own else None)
        split, join = (limits.split_below, limits.join_from) if limits else (None, None)
    return Models(
        profile=profile,
        detector=_build("face_detector", profile.detector, home),
        recogniser=client,
        landmarks=landmarks,
        input_size=recogniser.input_size,
        prepare=profiles.normaliser(recogniser),
        split_below=split,
        join_from=join,
        home=home,
    )


def _build(task: str, name: str, home: Path, own: ImportedProfile | None = None) -> Any:
    with _from_this_machine(home, own):
        from deepface.modules import modeling

        try:
            return modeling.build_model(task, name)
        except ModelError:
            raise
        except (ImportError, ValueError, OSError, RuntimeError) as error:
            raise ModelError(
                f"cannot be loaded ({error})", where=name, fix="Import its weights again"
            ) from error


@contextlib.contextmanager
def _from_this_machine(home: Path, own: ImportedProfile | None = None) -> Iterator[None]:
    """Let DeepFace see our weights and nothing else: no home of the user, no download.

    Its sessions of ONNX Runtime keep to the cores that this process may use, the network of Dlib is
    ours, and that of the imported profile *own* is in its table.
    """
    os.environ["DEEPFACE_HOME"] = str(home)
    os.environ.setdefault("DEEPFACE_BACKEND_ENGINE", "onnx")  # the one we install
    # Graphics cards would round to 10 bits.
    os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
    import onnxruntime
    from deepface.commons import weight_utils
    from deepface.modules import modeling

    def local(file_name: str, source_url: object, **_: object) -> str:
        path = weights.folder(home) / file_name
        if path.is_file():
            return str(path)
        raise ModelError(
            f"DeepFace asks for {file_name}, which is not on this machine",
            where=str(path.parent),
            fix=f"Put the file there yourself; DeepFace would download it from {source_url}",
        )

    onnxruntime.disable_telemetry_events()  # where it was imported before this package
    download, options = weight_utils.download_weights_if_necessary, onnxruntime.SessionOptions

    def bounded() -> Any:
        made = options()
        made.intra_op_num_threads = cores()
        return made

    recognisers = modeling.AVAILABLE_MODELS["facial_recognition"]
    with _opencv_without_warnings(), contextlib.ExitStack() as stack:
        stack.callback(setattr, weight_utils, "download_weights_if_necessary", download)
        stack.callback(setattr, onnxruntime, "SessionOptions", options)
        stack.callback(recognisers.update, Dlib=recognisers["Dlib"])
        weight_utils.download_weights_if_necessary = local
        onnxruntime.SessionOptions = bounded
        recognisers["Dlib"] = _DLIB
        if own is not None:
            from workbench.faces import imported_client

            stack.callback(recognisers.pop, own.recogniser.name)
            recognisers[own.recogniser.name] = _IMPORTED
            stack.callback(imported_client.asked_for.reset, imported_client.asked_for.set(own))
        yield


@contextlib.contextmanager
def _opencv_without_warnings() -> Iterator[None]:
    """Keep OpenCV 5 from warning on standard error that it computes YuNet where it was told to."""
    import cv2

    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(min(level, logging.LOG_LEVEL_ERROR))
    try:
        yield
    finally:
        logging.setLogLevel(level)


def cores() -> int:
    """Cores that a network may use: those of this process, or fewer if OMP_NUM_THREADS says so."""
    available = len(os.sched_getaffinity(0))
    said = os.environ.get("OMP_NUM_THREADS", "")
    return min(available, int(said)) if said.isdigit() and int(said) else available
