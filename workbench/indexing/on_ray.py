"""Processes on the nodes of a cluster of Ray that index recordings for one that stores them.

Here is kept who reads what, so that a recording that ends its reader twice is refused by name, and
one whose node was lost is read elsewhere.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cluster.actors import Actor, Lost, room, wait
from workbench.cluster.connection import connected
from workbench.domain import IndexedRecording, Profile, ProgressCallback, Recording
from workbench.errors import RecordingError, SettingsError
from workbench.footage.files import sha256_of, stamp_of
from workbench.indexing.on_node import Answer, Begin, Work
from workbench.indexing.passing import code, pack, unpack
from workbench.indexing.recording import SamplingRates
from workbench.indexing.workers import Outcome

if TYPE_CHECKING:
    from workbench.faces.tracklets import TrackletOptions

# Readers that a recording may end, and those that may be lost while they read it.
MOST_CRASHES, MOST_LOST = 2, 6
# Reports a second on how far readers are, of all together; each makes one a second at most.
MOST_REPORTS = 20
# Seconds without a word after which a reader counts as lost: it tells how far it is, but for the
# time in which it computes the checksum of a file.
SILENT_SECONDS = 1_800.0
# Seconds in which some node must begin to read.
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of Ray, and what a reader occupies of a node.

    Parameters
    ----------
    address : str
        ``HOST:PORT`` of its head; ``auto``: the one that ``RAY_ADDRESS`` names, or that runs on
        this machine.
    cpus : float
        Processors of a reader: it uses one.
    gpus : float
        Share of a graphics card; 0: networks run on the processor. Otherwise each node that has
        cards needs ``onnxruntime-gpu``.
    """

    address: str = "auto"
    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        # Written so that NaN fails too.
        if not (self.cpus > 0 and self.gpus >= 0):
            raise SettingsError(
                f"a reader cannot occupy {self.cpus:g} processors and {self.gpus:g} cards",
                where=f"Ray at {self.address}",
                fix="Give more than 0 processors, and a share of a card from 0 on",
            )


def index_on_ray(
    recordings: Sequence[Recording],
    profile: Profile,
    home: Path,
    *,
    cluster: Cluster,
    workers: int | None,
    rates: SamplingRates | None,
    options: TrackletOptions | None,
    progress: ProgressCallback,
) -> Iterator[tuple[Recording, Outcome]]:
    """Index recordings on the nodes of a cluster; yield each with its outcome as it is finished.

    Recordings are begun in their order. At most one finished recording per reader waits to be
    taken. Closing the iterator ends the readers.

    Parameters
    ----------
    workers : int, optional
        Readers; by default as many as nodes have room for.

    Raises
    ------
    SettingsError
        If the cluster cannot be used (:func:`workbench.cluster.connection.connect`), has no room,
        or a node does not have the footage.
    ModelError
        If a node does not have the weights.
    """
    with connected(cluster.address):
        fit = room(cpus=cluster.cpus, gpus=cluster.gpus)
        readers = min(workers or max(1, fit), len(recordings))
        every = max(1.0, readers / MOST_REPORTS)
        begin = pack(Begin(code(), profile, home, rates, options, cluster.gpus > 0, every))
        run = _Run(cluster, begin, deque(recordings), progress)
        try:
            run.hire(readers)
            yield from run.outcomes()
        finally:
            run.end()


class _Run:
    """One run: the recordings that wait, and the readers with what they read."""

    def __init__(
        self,
        cluster: Cluster,
        begin: bytes,
        waiting: deque[Recording],
        progress: ProgressCallback,
    ) -> None:
        self._cluster, self._begin = cluster, begin
        self._waiting, self._progress = waiting, progress
        self._team: list[Actor] = []
        self._reading: dict[Actor, Recording] = {}
        self._crashes: Counter[Recording] = Counter()
        self._lost: Counter[Recording] = Counter()
        self._unbegun = 0  # readers that were lost before they read anything
        self._heard = time.monotonic()  # when any reader last said something

    def hire(self, count: int) -> None:
        """Start so many readers more."""
        where = self._cluster
        self._team += [
            Actor("workbench.indexing.on_node:reader", self._begin, where.cpus, where.gpus)
            for _ in range(count)
        ]

    def end(self) -> None:
        """End all readers."""
        for actor in self._team:
            actor.end()

    def outcomes(self) -> Iterator[tuple[Recording, Outcome]]:
        """Have all recordings read."""
        while self._waiting or self._reading:
            for actor in self._team:
                if not actor.is_busy and self._waiting:
                    yield from self._give(actor, self._waiting.popleft())
            for actor in wait([actor for actor in self._team if actor.is_busy], 1.0):
                self._heard = time.monotonic()
                yield from self._take(actor)
            yield from self._silent()

    def _give(self, actor: Actor, recording: Recording) -> Iterator[tuple[Recording, Outcome]]:
        stamp = stamp_of(recording.path)
        if stamp is None:
            yield recording, _gone(recording)
            return
        self._reading[actor] = recording
        actor.send(pack(Work(recording, stamp.size_bytes)))

    def _take(self, actor: Actor) -> Iterator[tuple[Recording, Outcome]]:
        try:
            message = actor.receive()
        except Lost as lost:
            yield from self._replace(actor, lost)
            return
        if message is None:
            return
        answer, recording = unpack(Answer, message), self._reading[actor]
        if answer.progress is not None:
            self._progress(answer.progress)
            return
        if answer.unfit is not None and stamp_of(recording.path) is not None:
            raise answer.unfit
        del self._reading[actor]
        self._unbegun = 0
        if answer.indexed is not None:
            yield recording, _accepted(recording, answer.indexed)
        else:
            yield recording, answer.refused or _gone(recording)

    def _replace(self, actor: Actor, lost: Lost) -> Iterator[tuple[Recording, Outcome]]:
        """Start another reader for one that was lost, and have what it read be read again."""
        recording = self._reading.pop(actor, None)
        self._team.remove(actor)
        self.hire(1)
        if recording is None:
            self._unbegun += 1
            if self._unbegun > MOST_LOST * len(self._team):
                raise SettingsError(
                    f"processes on its nodes end before they read anything ({lost.what})",
                    where=f"Ray at {self._cluster.address}",
                    fix="Look into the logs of its workers; each needs some 600 MB of memory",
                )
            return
        self._crashes[recording] += lost.alone
        self._lost[recording] += 1
        if self._crashes[recording] < MOST_CRASHES and self._lost[recording] < MOST_LOST:
            self._waiting.appendleft(recording)
            return
        yield (
            recording,
            RecordingError(
                f"crashed the process that read it, {self._crashes[recording]} times ({lost.what})"
                if self._crashes[recording] >= MOST_CRASHES
                else f"was not read to its end in {self._lost[recording]} tries ({lost.what})",
                where=recording.file,
                fix="Convert it with ffmpeg, and report it to the authors of Sightline",
            ),
        )

    def _silent(self) -> Iterator[tuple[Recording, Outcome]]:
        """Give up readers that say nothing, and the run if no node begins to read."""
        now = time.monotonic()
        for actor in list(self._reading):
            if now - actor.heard > SILENT_SECONDS:
                actor.end()
                yield from self._replace(actor, Lost("a process said nothing", alone=True))
        if not self._reading and self._waiting and now - self._heard > PATIENCE_SECONDS:
            raise SettingsError(
                f"no node has begun to read for {PATIENCE_SECONDS / 60:.0f} minutes; a reader "
                f"needs {self._cluster.cpus:g} processors and {self._cluster.gpus:g} cards",
                where=f"Ray at {self._cluster.address}",
                fix="Look at `ray status`; add nodes, or end what occupies them",
            )


def _accepted(recording: Recording, indexed: IndexedRecording) -> Outcome:
    """What was read, if it is the file that is here: else another run would not know it by that."""
    stamp = stamp_of(recording.path)
    if stamp is None:
        return _gone(recording)
    if (stamp.size_bytes, stamp.modified_ns) != (indexed.size_bytes, indexed.modified_ns):
        try:
            same = sha256_of(recording.path) == indexed.sha256
        except OSError:
            return _gone(recording)
        if not same:
            return RecordingError(
                "is another file on the node that read it than here",
                where=recording.file,
                fix="Have each node read the same footage, and index it again",
            )
    return replace(
        indexed,
        recording=replace(indexed.recording, path=recording.path, track=recording.track),
        modified_ns=stamp.modified_ns,
    )


def _gone(recording: Recording) -> RecordingError:
    return RecordingError(
        "the file does not exist", where=recording.file, fix="Check the name in footage.csv"
    )
