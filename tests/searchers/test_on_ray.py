"""Searchers on the nodes of a cluster of Ray answer as one process does, whatever is killed."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import psutil
import pytest
from asking import Asker, said
from parted import Filled, filled
from raynodes import HEAD
from rays import LONG, RayCluster, frozen, raylet

from tests.gallery.test_searching import START, Asked, box
from tests.searchers.test_spread import PUBLIC, answer, everything, told
from workbench.casework.searcherlogs import FOLDER, logs_below
from workbench.cluster.actors import Lost
from workbench.cluster.connection import connected
from workbench.cluster.services import Services
from workbench.domain import Filter
from workbench.installation import Installation
from workbench.searchers import wire
from workbench.searchers.on_node import services
from workbench.searchers.spread import Patience, Searchers, _rank


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Not to be written to."""
    found = filled(tmp_path_factory.mktemp("made"), "euclidean", 5)
    yield found
    found.close()


def wait_for_both(carrier: Services) -> None:
    until = time.monotonic() + 120  # a busy machine is slow to start one
    while len(carrier.members()) < 2:
        assert time.monotonic() < until
        time.sleep(0.5)


@pytest.fixture
def carrier(ray_cluster: RayCluster) -> Iterator[Services]:
    with connected(ray_cluster.address):
        made = services([PUBLIC])
        wait_for_both(made)
        yield made
        made.end()


def over(carrier: Services, **patience: float) -> Searchers:
    return Searchers(carrier, local_bytes=0, patience=Patience(**patience))


def pid_of(carrier: Services, number: int) -> int:
    """Process of the searcher of a node, once it has begun again if it was killed."""
    until = time.monotonic() + 120
    while True:
        members = carrier.members()
        try:
            stream = members[number].ask(wire.pack({"kind": "hello"}))
            while not carrier.wait([stream], 1.0):
                assert time.monotonic() < until
            message = stream.take()
            assert message is not None
            return int(wire.unpack(message)[0]["pid"])
        except (Lost, IndexError):
            assert time.monotonic() < until
            time.sleep(0.5)


def several() -> list[Asked]:
    south = replace(everything().scope, district=box(-1, 51, 1, 51.4835))
    return [
        everything(),
        everything(top=7, normalised=True),
        everything(top=3, only=Filter(quality=0.4), scope=south),
        everything(top=10, threshold=0.1, template=np.ones((2, 8), np.float32)),
        everything(scope=replace(south, start=START)),
    ]


def test_nodes_answer_as_one_process(
    made: Filled, carrier: Services, ray_cluster: RayCluster
) -> None:
    searchers, nodes = over(carrier, silent=45.0), [one.node for one in carrier.members()]
    for asked in several():
        found = answer(made, asked, searchers)
        assert told(found) == told(answer(made, asked))
        assert found.missing is None
        # By their names, which are others each time: of few parts one node may have all.
        parts = made.reader.resolve(asked.scope, asked.only).entries
        shares = {max(nodes, key=partial(_rank, part.name)) for part in parts}
        assert len({one["searcher"] for one in found.elsewhere.values()}) == len(shares)
    assert logs_below(ray_cluster.home / FOLDER)


def test_an_installation_that_names_a_cluster_searches_there(
    made: Filled, ray_cluster: RayCluster, carrier: Services, installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its searchers are its own: those of another installation take none of its tickets."""
    # The process of the tests is let go of its cluster again: others begin without one.
    monkeypatch.setattr("workbench.cluster.connection._lasting", False)
    settings = installation.settings
    assert installation.searchers is None
    update = {"ray": ray_cluster.address, "ray_from_mb": 0.0}
    own = Installation(settings.model_copy(update=update)).searchers
    assert own is not None
    assert isinstance(own.carrier, Services)
    try:
        assert own.local_bytes == 0
        wait_for_both(own.carrier)
        assert own.carrier.message != carrier.message
        found = answer(made, everything(), own)  # with tickets that another key signed
        assert found.missing is not None
        assert "not signed by this installation" in found.missing.words
    finally:
        own.carrier.end()


KILLS = int(os.environ.get("SIGHTLINE_KILLS", "2"))
WHOLE = 20.0  # seconds for an answer
SEARCHERS = ("kill searcher", "kill searcher", "freeze searcher")
ALL = (*SEARCHERS, "kill node", "freeze node", "freeze head")
"""Who is disturbed, and how; in the short form searchers alone, which soon begin again."""


def victim_of(whom: str, number: int, carrier: Services, cluster: RayCluster) -> psutil.Process:
    """Process that stands for somebody, once it runs again if it was killed."""
    if whom == "searcher":
        return psutil.Process(pid_of(carrier, number))
    until = time.monotonic() + 120
    while (found := raylet(HEAD if whom == "head" else cluster.other)) is None:
        assert time.monotonic() < until
        time.sleep(0.5)
    return found


def disturb(victim: psutil.Process, how: str, after: float, seconds: float) -> None:
    """Kill a process after a while, or have it and what it started stand still."""
    time.sleep(after)
    if how == "kill":
        victim.kill()
        return
    with frozen(victim):
        time.sleep(seconds)


def test_whatever_is_killed_or_stands_still_an_answer_is_whole_or_flagged(
    made: Filled, carrier: Services, ray_cluster: RayCluster
) -> None:
    """At seeded moments of a search, somebody ends or stands still; the answer comes in time."""
    alone, done = told(answer(made, everything())), Counter[str]()
    for seed in range(KILLS):
        chance = random.Random(seed)
        how = chance.choice(SEARCHERS if KILLS <= 2 else ALL)
        deed, whom = how.split()
        victim = victim_of(whom, chance.randrange(2), carrier, ray_cluster)
        when = chance.uniform(0, 0.03), chance.uniform(0.5, 5.0)
        disturbing = threading.Thread(target=disturb, args=(victim, deed, *when))
        disturbing.start()
        began = time.monotonic()
        found = answer(made, everything(), over(carrier, silent=2.0, whole=WHOLE))
        took = time.monotonic() - began
        disturbing.join()
        assert took < 2 * WHOLE, how
        done[f"{how}, {'whole' if found.missing is None else 'flagged'}"] += 1
        if found.missing is None:
            assert told(found) == alone, how
        else:
            assert found.missing.parts
            assert {one.tracklet_id for one in found.candidates[0]} < {
                one.tracklet_id for one in alone[0][0]
            }
        again = time.monotonic() + 120
        while (found := answer(made, everything(), over(carrier))).missing is not None:
            assert time.monotonic() < again
        assert told(found) == alone
    print(dict(done))


@pytest.mark.soak
@pytest.mark.skipif(KILLS <= 2, reason="takes minutes: make soak")
@pytest.mark.parametrize("whom", ["searcher", "node"])
def test_while_somebody_stands_still_for_long_answers_come_and_are_whole_in_the_end(
    made: Filled, carrier: Services, ray_cluster: RayCluster, whom: str
) -> None:
    """Before Ray takes a node for lost, then, and when it comes back, one answer after another."""
    alone, done = told(answer(made, everything())), Counter[str]()
    victim = victim_of(whom, 1, carrier, ray_cluster)
    freezing = threading.Thread(target=disturb, args=(victim, "freeze", 0.0, LONG))
    freezing.start()
    while freezing.is_alive():
        began = time.monotonic()
        found = answer(made, everything(), over(carrier, silent=2.0, whole=WHOLE))
        assert time.monotonic() - began < 2 * WHOLE
        done["whole" if found.missing is None else "flagged"] += 1
        assert found.missing or told(found) == alone
    freezing.join()
    until = time.monotonic() + 120
    while len(carrier.members()) < 2 or told(answer(made, everything(), over(carrier))) != alone:
        assert time.monotonic() < until
        time.sleep(0.5)
    print(whom, dict(done))
    assert sum(done.values()) > 1


@pytest.mark.soak
@pytest.mark.skipif(KILLS <= 2, reason="takes minutes: make soak")
def test_who_searches_may_end_or_stand_still_and_the_next_answer_is_whole(
    made: Filled, carrier: Services, ray_cluster: RayCluster
) -> None:
    alone, done = said(answer(made, everything())), Counter[str]()
    asking: Asker | None = None
    try:
        for seed in range(KILLS // 5):
            chance = random.Random(seed)
            if asking is None:
                asking = Asker(made, ray_cluster.address)
                asking.ask()
                assert asking.answer() == alone
            asking.ask()
            time.sleep(chance.uniform(0, 0.03))
            if chance.random() < 0.5:
                asking.end()
                asking = None
                done["killed"] += 1
                continue
            with frozen(psutil.Process(asking.process.pid)):
                time.sleep(chance.uniform(0.5, 5.0))
            began = time.monotonic()
            found = asking.answer()
            assert time.monotonic() - began < 2 * WHOLE
            assert found.missing or found == alone
            done["frozen, flagged" if found.missing else "frozen, whole"] += 1
            asking.ask()
            assert asking.answer() == alone
    finally:
        if asking is not None:
            asking.end()
    print(dict(done))
