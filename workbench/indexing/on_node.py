"""Indexing on a node of a cluster: a process that reads the recordings that it is sent.

It is a door of its own: weights and footage are found by the settings of its node. Weights are used
if they are those of the profile, by their SHA-256, and footage if it has the size that it has where
it is stored; who stores compares the rest.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from workbench.domain import IndexedRecording, Profile, Progress, Recording
from workbench.errors import ModelError, RecordingError, SettingsError, SightlineError
from workbench.faces.tracklets import TrackletOptions
from workbench.footage.files import files_of, stamp_of
from workbench.indexing.passing import code, pack, unpack
from workbench.indexing.recording import SamplingRates, index_recording
from workbench.indexing.workers import use_one_core
from workbench.settings import load_settings

if TYPE_CHECKING:
    from workbench.cluster.actors import Handler
    from workbench.faces.models import Models


@dataclass(frozen=True, slots=True)
class Begin:
    """Message that a process begins with."""

    code: str  # of the Sightline that sends it
    profile: Profile
    home: Path  # with weights, if the node has that folder too
    rates: SamplingRates | None
    options: TrackletOptions | None
    on_card: bool  # networks run on a graphics card
    report_every: float  # seconds between two reports on how far it is


@dataclass(frozen=True, slots=True)
class Work:
    """Message that names a recording to read."""

    recording: Recording
    size_bytes: int  # of its files


@dataclass(frozen=True, slots=True)
class Answer:
    """Message of a process: one of these."""

    progress: Progress | None = None
    indexed: IndexedRecording | None = None
    refused: SightlineError | None = None  # this recording
    unfit: SightlineError | None = None  # the node: it can read none


def reader(message: bytes) -> Handler:
    """Make what reads recordings in this process, as its node is set up."""
    begin = unpack(Begin, message)
    settings = load_settings()
    try:
        models = _models(begin, settings.models.resolve())
    except SightlineError as error:
        unfit = pack(Answer(unfit=_on_this_node(error)))
        return lambda _: iter([unfit])

    def read(work: bytes) -> Iterator[bytes]:
        return map(pack, _answers(unpack(Work, work), models, begin, settings.footage))

    return read


def _models(begin: Begin, own: Path) -> Models:
    if code() != begin.code:
        raise SettingsError(
            "another version of Sightline is installed than where the gallery is stored",
            fix="Install the same one on each node",
        )
    use_one_core()
    os.environ["DEEPFACE_ONNX_PROVIDERS"] = "cuda,cpu" if begin.on_card else "cpu"
    from workbench.faces.models import load

    homes = [home for home in (begin.home, own) if home.is_dir()] or [own]
    for home in homes:
        try:
            models = load(begin.profile, home=home)
            break
        except ModelError:
            if home == homes[-1]:
                raise
    if begin.on_card:
        _require_card(models)
    return models


def _require_card(models: Models) -> None:
    """Refuse to read on processors what was to be read on a card: it would take ten times as long.

    ONNX Runtime goes on without a word where it cannot use one.
    """
    session: Any = getattr(models.recogniser, "model", None)
    used = session.get_providers() if hasattr(session, "get_providers") else []
    if "CUDAExecutionProvider" not in used:
        raise ModelError(
            f"does not run on a graphics card here ({', '.join(used) or 'not by ONNX Runtime'})",
            where=f"profile {models.profile.name}",
            fix="Install onnxruntime-gpu and CUDA on each node with a card, or ask for none",
        )


def _answers(work: Work, models: Models, begin: Begin, footage: Path | None) -> Iterator[Answer]:
    """Read a recording in a thread; tell how far it is, and what came of it."""
    said: SimpleQueue[Answer | BaseException] = SimpleQueue()
    last = -begin.report_every

    def report(progress: Progress) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= begin.report_every:
            last = now
            said.put(Answer(progress=progress))

    def read() -> None:
        try:
            here = footage_here(work.recording, work.size_bytes, footage)
            indexed = index_recording(
                here, models, rates=begin.rates, options=begin.options, progress=report
            )
            said.put(Answer(indexed=indexed))
        except SettingsError as error:
            said.put(Answer(unfit=_on_this_node(error)))
        except SightlineError as error:
            said.put(Answer(refused=error))
        except BaseException as error:  # raised where it is waited for
            said.put(error)

    Thread(target=read, daemon=True).start()
    while True:
        answer = said.get()
        if isinstance(answer, BaseException):
            raise answer
        yield answer
        if answer.progress is None:
            return


def footage_here(recording: Recording, size_bytes: int, footage: Path | None) -> Recording:
    """Find a recording on this node, and what says where its camera was.

    Parameters
    ----------
    size_bytes : int
        Of its files, where it is stored.
    footage : Path, optional
        Folder that holds the catalogue's files, or its folder, where the node has no such path as
        the machine that stores.

    Raises
    ------
    SettingsError
        If the node does not have it.
    RecordingError
        If the node has another file of this name.
    """
    path = _here(recording.path, recording, footage)
    track = recording.track
    if track is not None:
        track = path if track == recording.path else _here(track, recording, footage)
    stamp = stamp_of(path)
    if stamp is None or stamp.size_bytes != size_bytes:
        raise RecordingError(
            f"is another file on node {socket.gethostname()} than where the gallery is stored, or "
            "is still being written",
            where=recording.file,
            fix="Have each node read the same footage, and index it again",
        )
    return replace(recording, path=path, track=track)


def _here(path: Path, recording: Recording, footage: Path | None) -> Path:
    places = [path]
    catalogue = Path(recording.catalogue)
    if footage is not None and recording.catalogue and path.is_relative_to(catalogue):
        inside = path.relative_to(catalogue)
        places += [footage / inside, footage / catalogue.name / inside]
    for place in places:
        if files_of(place):
            return place
    raise SettingsError(
        f"the node does not have it ({', '.join(map(str, places))})",
        where=recording.file,
        fix="Mount the footage on each node, and where its folder is another one, name that in "
        "SIGHTLINE_FOOTAGE there",
    )


def _on_this_node(error: SightlineError) -> SightlineError:
    where = f"node {socket.gethostname()}"
    return type(error)(error.what, where=f"{where}: {error.where}".strip(": "), fix=error.fix)
