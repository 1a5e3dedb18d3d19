"""Services on the nodes of a cluster answer one by one, and say so when they do not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import talking
from rays import RayCluster

from workbench.cluster import services
from workbench.cluster.actors import Lost
from workbench.cluster.connection import connected
from workbench.cluster.services import Service, Services, Stream


@pytest.fixture
def talkers(ray_cluster: RayCluster) -> Iterator[Services]:
    with connected(ray_cluster.address):
        made = Services("talking:talker", b"last")
        yield made
        made.end()


def taken(talkers: Services, stream: Stream) -> list[bytes | None]:
    """All answers, and the None after the last."""
    found: list[bytes | None] = []
    while not found or found[-1] is not None:
        assert talkers.wait([stream], 240.0) == [stream]
        found.append(stream.take())
    return found


def first(talkers: Services) -> Service:
    until = time.monotonic() + 240  # a busy machine is slow to start one
    while not (found := talkers.members()):
        assert time.monotonic() < until
        time.sleep(0.5)
    return found[0]


def test_answers_come_one_by_one(talkers: Services) -> None:
    service = first(talkers)
    assert taken(talkers, service.ask(b"3")) == [b"0", b"1", b"2", b"last", None]
    assert taken(talkers, service.ask(b"0")) == [b"last", None]
    assert taken(talkers, service.ask(b"2 broken off")) == [b"0", b"1", None]
    # Those to several messages do not get in each other's way.
    several = [service.ask(b"2") for _ in range(40)]
    assert [taken(talkers, one) for one in several] == 40 * [[b"0", b"1", b"last", None]]


def test_what_fails_or_ends_is_told(talkers: Services) -> None:
    service = first(talkers)
    with pytest.raises(Lost, match="a service failed"):
        taken(talkers, service.ask(b"no number"))
    assert taken(talkers, service.ask(b"0")) == [b"last", None]
    with pytest.raises(Lost, match="a service was lost"):
        taken(talkers, service.ask(b"2 end"))


def test_what_nobody_asks_for_any_more_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    talking.closed.clear()
    one = services._Lasting("talking:talker", b"last")
    name = one.answer(b"5")[:16]
    assert one.more(name) == name + b"1"
    one.answer(b"6")
    assert talking.closed == []
    monkeypatch.setattr(services, "_ABANDONED_SECONDS", -1.0)
    assert one.answer(b"0") == bytes(16) + b"last"
    assert sorted(talking.closed) == [b"5", b"6"]
    assert one.more(name) == bytes(16)  # as where a process has begun anew
