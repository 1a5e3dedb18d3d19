"""A search that is spread over searchers answers as one process does, or says what is missing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from carrying import Here, Node, Thread, Timeless, answers_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from parted import Filled, filled

from tests.gallery.test_searching import EVERYWHERE, Asked, outcome, questions
from workbench.casework.record.audit import AuditLog
from workbench.casework.searcherlogs import SearcherLog
from workbench.domain import Filter, Progress
from workbench.errors import Cancelled, NotPermitted
from workbench.gallery import search as searching
from workbench.gallery.cache import CachePlace
from workbench.gallery.parts import Part
from workbench.gallery.removal import purge
from workbench.gallery.resolving import PlannedRows
from workbench.gallery.storage import ObjectGone
from workbench.permit.issuing import issue
from workbench.permit.tickets import LIFETIME, Gate, Signed, Ticket, digest_of_probe
from workbench.searchers import searcher, spread, wire
from workbench.searchers.searcher import Searcher, _Comparison
from workbench.searchers.spread import Patience, Searchers, Spread

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw().hex()
PROBE = np.ones(8, np.float32)


@pytest.fixture(scope="module", params=[("euclidean", 5), ("cosine", 8)])
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """Not to be written to."""
    metric, seed = request.param
    found = filled(tmp_path_factory.mktemp("made"), metric, seed)
    yield found
    found.close()


def node(name: str, folder: Path, *, keys: tuple[str, ...] = (PUBLIC,)) -> Node:
    log = SearcherLog(folder / name / "log")
    cache = CachePlace(folder / name / "cache", 2**30)
    return Node(name, Searcher(keys, log, node=name, memory_mb=64, cache=cache))


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> list[Node]:
    folder = tmp_path_factory.mktemp("nodes")
    return [node("one", folder), node("two", folder)]


def two(tmp_path: Path) -> list[Node]:
    return [node("one", tmp_path), node("two", tmp_path)]


def answer(
    made: Filled, asked: Asked, searchers: Searchers | None = None, **options: Any
) -> searching.Answer:
    reader = made.reader
    about = {"gallery": reader.path, "template": asked.template, "scope": asked.scope}
    permit = issue("A-1", "anna", 7, **about)

    def sign(searcher: str, **said: Any) -> Signed:
        now = datetime.now(UTC)
        ticket = Ticket(
            case="A-1", entry=7, gallery=str(reader.path), scope=asked.scope,
            probe=digest_of_probe(asked.template), searcher=searcher, issued=now,
            expires=now + LIFETIME, **said,
        )  # fmt: skip
        return Signed(ticket.text(), KEY.sign(ticket.text()))

    return searching.answer(
        reader, [asked.template], asked.scope, permits=[permit],
        elsewhere=None if searchers is None else Spread(searchers, sign),
        **asked.options(made), **options,
    )  # fmt: skip


def everything(**changed: Any) -> Asked:
    return replace(Asked(PROBE, EVERYWHERE, None, None, None, normalised=False), **changed)


def over(*nodes: Node) -> Searchers:
    return Searchers(Here(*nodes), local_bytes=0)


def compares(one: Node) -> list[bytes]:
    """Messages that asked a node to compare."""
    return [m for m in one.asked if wire.unpack(m)[0]["kind"] == "compare"]


def told(answer: searching.Answer) -> tuple[Any, ...]:
    about = answer.explanation
    return (
        answer.candidates, answer.coverage,
        (about.cameras, about.parts, about.tracklets, about.bytes, about.quality),
    )  # fmt: skip


@given(asked=questions())
@settings(max_examples=30)
def test_two_searchers_answer_as_one_process_to_the_last_bit(
    made: Filled, nodes: list[Node], asked: Asked
) -> None:
    """Candidates, their order among equals, scores, pictures, coverage and what was read."""
    asked = asked.at_edge(made)
    alone = outcome(lambda: answer(made, asked))
    shared = outcome(lambda: answer(made, asked, over(*nodes)))
    if isinstance(alone, tuple):
        assert shared == alone
        return
    assert told(shared) == told(alone)
    assert [one.score.hex() for one in shared.candidates[0]] == [
        one.score.hex() for one in alone.candidates[0]
    ]
    assert shared.missing is None
    assert sum(one["rows"] for one in shared.elsewhere.values()) == alone.explanation.tracklets


@pytest.fixture
def halves(made: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each of two nodes every other part: their names are random, and so are shares."""
    entries = made.reader.snapshot.refreshed().parts()  # nobody may have asked before
    numbers = {entry.name: number for number, entry in enumerate(entries)}
    first = {"one": 0, "two": 1}
    monkeypatch.setattr(spread, "_rank", lambda part, node: (numbers[part] + first[node]) % 2)


def test_a_part_stays_with_its_node_but_for_those_that_a_new_one_takes() -> None:
    parts = [f"{number:016x}" for number in range(200)]

    def owners(*nodes: str) -> list[str]:
        return [max(nodes, key=lambda node: spread._rank(part, node)) for part in parts]

    before, after = owners("one", "two"), owners("three", "one", "two")
    moved = [new for old, new in zip(before, after, strict=True) if new != old]
    assert set(moved) == {"three"}
    assert 40 < len(moved) < 95
    assert 60 < before.count("one") < 140


def test_both_take_part_and_keep_what_they_were_sent(
    made: Filled, tmp_path: Path, halves: None
) -> None:
    nodes = two(tmp_path)
    searchers = over(*nodes)
    first, second = (answer(made, everything(), searchers).elsewhere for _ in range(2))
    assert all(one["rows"] for one in first.values())
    assert {one["searcher"].split("-")[0] for one in first.values()} == {"one", "two"}
    rows = [{one["searcher"]: one["rows"] for one in told.values()} for told in (first, second)]
    assert rows[0] == rows[1]
    # The first question brings the cameras along, the second does not.
    sent = [len(message) for message in compares(nodes[0])]
    assert len(sent) == 3
    assert max(sent) == sent[1]


def test_what_is_few_bytes_is_compared_in_this_process(made: Filled, nodes: list[Node]) -> None:
    before = [len(one.asked) for one in nodes]
    searchers = Searchers(Here(*nodes))
    assert told(answer(made, everything(), searchers)) == told(answer(made, everything()))
    assert answer(made, everything(), over()).elsewhere == {}  # no node is there
    assert [len(one.asked) for one in nodes] == before


class OneThenMore(_Comparison):
    """A comparison in which one part arrives before the first answer, and the others after it."""

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.first, self.answered = threading.Lock(), threading.Event()

    def _fetch(self, number: int) -> None:
        assert self.first.acquire(blocking=False) or self.answered.wait(300)
        super()._fetch(number)

    def _told(self, *, end: bool = False) -> bytes:
        self.answered.set()
        return super()._told(end=end)


@pytest.fixture
def one_then_more(halves: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all but one part of each of two nodes arrive after its first answer."""
    monkeypatch.setattr(searcher, "_Comparison", OneThenMore)
    monkeypatch.setattr(searcher, "WORD_SECONDS", 600.0)  # a word is an answer, too


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("fault", ["dies", "freezes", "refuses", "babbles", "lacks"])
def test_what_one_does_not_finish_another_does(
    made: Filled, tmp_path: Path, one_then_more: None, fault: str, after: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    nodes = two(tmp_path)
    searchers = Searchers(Timeless(monkeypatch, *nodes), local_bytes=0)
    if fault == "dies":
        nodes[0].dies_after = after
    elif fault == "freezes":
        nodes[0].frozen_after = after
    elif fault in {"babbles", "lacks"}:
        said = b"no answer" if fault == "babbles" else wire.pack({"done": [], "end": True})
        monkeypatch.setattr(nodes[0].searcher, "answer", lambda _: iter([said]))
    else:
        nodes[0].searcher = node("one", tmp_path, keys=()).searcher
    found = answer(made, everything(), searchers)
    assert told(found) == told(answer(made, everything()))
    assert found.missing is None
    told_of = [one for one in found.elsewhere.values() if one["searcher"].startswith("one")]
    # What it had told of before stays, and is on record as of one that was given up.
    assert len(told_of) == (after == 1 and fault in {"dies", "freezes"})
    assert all(one["given up"] and one["rows"] for one in told_of)


def test_a_searcher_that_was_started_again_is_asked_by_its_new_name(
    made: Filled, tmp_path: Path, halves: None
) -> None:
    nodes = two(tmp_path)
    searchers = over(*nodes)
    answer(made, everything(), searchers)
    nodes[0].searcher = node("one", tmp_path).searcher
    found = answer(made, everything(), searchers)
    assert told(found) == told(answer(made, everything()))
    assert {one["searcher"] for one in found.elsewhere.values()} == {
        one.searcher.name for one in nodes
    }


def test_what_nobody_finishes_is_missing_and_said(
    made: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = two(tmp_path)
    searchers = Searchers(Timeless(monkeypatch, *nodes), local_bytes=0)
    whole = answer(made, everything(), searchers)
    for one in nodes:
        one.frozen_after = 0
    found = answer(made, everything(), searchers)
    assert found.candidates == [[]]
    assert found.missing is not None
    assert found.missing.parts == found.missing.of > 1
    assert found.missing.tracklets >= whole.explanation.tracklets
    assert "did not answer in time" in found.missing.words
    assert found.coverage.tracklets == 0
    assert found.coverage.recordings == whole.coverage.recordings


def test_a_searcher_that_was_silent_holds_up_one_question_and_rests(
    made: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes, whole = two(tmp_path), told(answer(made, everything()))
    searchers = Searchers(Timeless(monkeypatch, *nodes), local_bytes=0)
    nodes[0].frozen_after = 0
    assert told(answer(made, everything(), searchers)) == whole
    asked = [len(compares(one)) for one in nodes]
    assert told(answer(made, everything(), searchers)) == whole
    assert len(compares(nodes[0])) == asked[0]
    # Where no other is left, it is asked all the same; and so it is when it has rested.
    nodes[0].frozen_after, nodes[1].dies_after = None, 0
    assert told(answer(made, everything(), searchers)) == whole
    assert len(compares(nodes[0])) > asked[0]


def test_where_whoever_asks_stands_still_no_searcher_is_silent(
    made: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stalled(Timeless):
        """Listens in vain once, for longer than a searcher may be silent."""

        def wait(self, streams: Collection[Thread], seconds: float) -> Sequence[Thread]:
            if self.now == begun:
                self.now += 2 * Patience().silent
                return []
            return super().wait(streams, seconds)

    carrier = Stalled(monkeypatch, *two(tmp_path))
    begun = carrier.now
    found = answer(made, everything(), Searchers(carrier, local_bytes=0))
    assert (found.missing, carrier.now - begun) == (None, 2 * Patience().silent)


def test_when_the_time_is_over_what_is_there_is_told(
    made: Filled, tmp_path: Path, one_then_more: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = two(tmp_path)
    whole = answer(made, everything())
    nodes[1].frozen_after = 1
    impatient = Patience(silent=60.0, whole=3.0)
    searchers = Searchers(Timeless(monkeypatch, *nodes), local_bytes=0, patience=impatient)
    found = answer(made, everything(), searchers)
    assert found.missing is not None
    assert 0 < found.missing.parts < found.missing.of
    assert 0 < len(found.candidates[0]) < len(whole.candidates[0])
    assert set(found.candidates[0]) < set(whole.candidates[0])
    order = [one for one in whole.candidates[0] if one in set(found.candidates[0])]
    assert found.candidates[0] == order
    assert "the time was over" in found.missing.why


def test_the_time_that_searchers_take_to_begin_is_of_the_time_of_the_answer(
    made: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tickets are for as long as the permit, which is there before anybody is asked."""
    now = 1_000.0
    monkeypatch.setattr(spread, "time", SimpleNamespace(monotonic=lambda: now))

    class Slow(Here):
        def members(self) -> Sequence[Node]:
            nonlocal now
            now += Patience().whole + 1
            return super().members()

    found = answer(made, everything(), Searchers(Slow(*two(tmp_path)), local_bytes=0))
    assert found.missing is not None
    assert found.missing.why == ("the time was over",)


def test_cameras_that_other_questions_crowd_out_meanwhile_are_those_of_the_question(
    made: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, true = node("one", tmp_path), Gate.admit

    def admit(self: Gate, *given: Any, **brought: Any) -> Ticket:
        one.searcher._cameras.clear()
        one.searcher._normalisers.clear()
        return true(self, *given, **brought)

    monkeypatch.setattr(Gate, "admit", admit)
    asked = everything(normalised=True)
    assert told(answer(made, asked, over(one))) == told(answer(made, asked))


def test_a_searcher_of_several_galleries_keeps_no_more_than_its_memory(
    made: Filled, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = filled(folder, "euclidean", 4)
    one = node("one", tmp_path)
    answer(other, everything(), over(one))
    (kept,) = one.searcher._open.values()
    one.searcher._most = kept.bytes
    for _ in range(2):
        answer(made, everything(), over(one))
    assert 0 < sum(each.bytes for each in one.searcher._open.values()) <= kept.bytes
    other.close()


def test_one_part_that_cannot_be_read_anywhere_is_missing_alone(
    made: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = answer(made, everything())
    entry = max(made.reader.snapshot.refreshed().parts(), key=lambda one: one.templates)
    true, tried = Part.__init__, []

    def damaged(self: Part, storage: Any, wanted: Any, profile: Any) -> None:
        if wanted.name == entry.name:
            tried.append(threading.current_thread())
            raise ObjectGone("is not there", where="the disk of this node")
        true(self, storage, wanted, profile)

    monkeypatch.setattr(Part, "__init__", damaged)
    found = answer(made, everything(), over(*two(tmp_path)))
    assert found.missing is not None
    assert (found.missing.parts, found.missing.tracklets) == (1, entry.templates)
    assert "is not there" in found.missing.words
    assert len(tried) == 2  # on both nodes, once
    lacking = whole.explanation.tracklets - found.explanation.tracklets
    assert 0 < lacking <= entry.templates


def test_partial_answers_come_as_parts_arrive(
    made: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is told while the other parts have not arrived at all."""
    first, seen = threading.Lock(), threading.Event()
    true = Part.__init__

    def slow(self: Part, storage: Any, entry: Any, profile: Any) -> None:
        assert first.acquire(blocking=False) or seen.wait(300)
        true(self, storage, entry, profile)

    monkeypatch.setattr(Part, "__init__", slow)
    told: list[searching.Answer] = []
    progress: list[Progress] = []

    def told_so_far(found: searching.Answer) -> None:
        told.append(found)
        seen.set()

    found = answer(
        made, everything(top=20), over(node("one", tmp_path)), partial=told_so_far,
        progress=progress.append,
    )  # fmt: skip
    whole = found.candidates[0]
    partial = [answer.candidates[0] for answer in told]
    assert len(partial[0]) > 0
    for so_far in told:  # what is compared, and what is not yet, are all of it
        assert so_far.missing is not None
        assert 0 < so_far.missing.parts < so_far.missing.of
        assert 0 < so_far.explanation.tracklets < found.explanation.tracklets
        pictured = [bool(one.shot_jpeg) for one in so_far.candidates[0]]
        assert pictured == [number < searching.PICTURED for number in range(len(pictured))]
    for some in partial:  # each is one, and none of them is the whole answer told twice
        assert some == sorted(some, key=lambda one: -one.score)
        assert some[0].score <= whole[0].score
    assert partial[0] != whole
    done = [one.done for one in progress]
    assert done == sorted(done)
    assert (progress[0].done, progress[-1].done) == (0, progress[-1].total)
    assert 0 < sorted(set(done))[1] < done[-1]


def test_it_can_be_cancelled_and_nobody_is_asked_on(made: Filled, tmp_path: Path) -> None:
    nodes = two(tmp_path)
    for one in nodes:
        one.frozen_after = 0

    def cancel(_: Progress) -> None:
        raise Cancelled("was cancelled")

    with pytest.raises(Cancelled):
        answer(made, everything(), over(*nodes), progress=cancel)


def test_searchers_write_what_they_compare_and_what_they_refuse(
    made: Filled, tmp_path: Path, halves: None
) -> None:
    nodes = two(tmp_path)
    found = answer(made, everything(only=Filter(quality=0.5)), over(*nodes))
    for one in nodes:
        lines = AuditLog(tmp_path / one.node / "log").read_new()
        (nonce,) = {line.about["nonce"] for line in lines}
        said = found.elsewhere[nonce]
        assert said["rows"] == sum(sum(line.about["rows"].values()) for line in lines)
        assert said["log"] == f"{lines[-1].number}:{lines[-1].hash}"
        ticket = Ticket.read(lines[0].about["ticket"].encode())
        assert (ticket.entry, ticket.only) == (7, Filter(quality=0.5))
    # What was sent to one is sent to it once more, and to the other.
    again = [*answers_of(nodes[0].searcher, compares(nodes[0])[-1])]
    other = [*answers_of(nodes[1].searcher, compares(nodes[0])[-1])]
    assert "has been used" in wire.unpack(again[-1])[0]["error"]
    assert wire.unpack(other[-1])[0]["again"] == ["searcher"]
    last = AuditLog(tmp_path / "one" / "log").read_new()[-1]
    assert (last.what, last.about["why"]) == ("searcher.refused", "the ticket has been used")


@pytest.mark.parametrize("what", ["probe", "parts", "scale", "storage", "cameras", "profile"])
def test_a_searcher_takes_nothing_that_its_ticket_does_not_name(
    made: Filled, tmp_path: Path, what: str
) -> None:
    """Its own words on the wire, with one thing in the place of another."""
    one = node("one", tmp_path)
    asked = everything(normalised=True)
    answer(made, asked, over(one))
    about, blobs = wire.unpack(compares(one)[-1])
    name = one.searcher.name
    ticket = Ticket.read(blobs["ticket"])
    fresh = replace(ticket, nonce="1" * 32, issued=datetime.now(UTC))
    blobs |= {"ticket": fresh.text(), "signature": KEY.sign(fresh.text())}
    if what == "probe":
        blobs["probe"] = (2 * PROBE).tobytes()
    elif what == "parts":
        blobs["parts"] = json.dumps(json.loads(blobs["parts"])[:1]).encode()
    elif what == "profile":
        about["profile"]["version"] = "another"
    elif what == "storage":
        about["storage"] = str(tmp_path)
    elif what == "scale":
        about["scale"] = ""
    else:
        other = wire.cameras_read(spread.wire.cameras_written(made.reader.camera_columns))
        moved = type(other)(other.table.slice(1), [], "moved")
        blobs["cameras"] = wire.cameras_written(moved)
        about["cameras"] = wire.digest(blobs["cameras"])
    (refusal,) = answers_of(one.searcher, wire.pack(about, blobs))
    assert "the ticket is for" in wire.unpack(refusal)[0]["error"]
    assert one.searcher.name == name


def test_nothing_on_the_wire_ends_a_searcher(made: Filled, tmp_path: Path) -> None:
    one = node("one", tmp_path)
    answer(made, everything(), over(one))
    message = compares(one)[-1]
    wrong = wire.pack({}), wire.pack({"kind": "other"})
    for bad in (b"", b"\0" * 8, message[:-1], message + b"x", *wrong, b"\xff" * 64):
        (refusal,) = answers_of(one.searcher, bad)
        assert "cannot be read" in wire.unpack(refusal)[0]["error"]


def test_what_nobody_asks_for_any_more_is_not_read(
    made: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked has ended: nobody takes what a searcher says, or tells it to stop."""
    one, other = two(tmp_path)
    answer(made, everything(), over(one))
    about, blobs = wire.unpack(compares(one)[-1])
    ticket = replace(
        Ticket.read(blobs["ticket"]),
        searcher=other.searcher.name, nonce="1" * 32, issued=datetime.now(UTC),
    )  # fmt: skip
    about["searcher"] = other.searcher.name
    blobs |= {"ticket": ticket.text(), "signature": KEY.sign(ticket.text())}
    read: set[int] = set()
    later, go_on, compared = [0.0], threading.Event(), PlannedRows.compared

    def slowly(rows: PlannedRows, number: int) -> Any:
        if threading.current_thread() is not threading.main_thread():
            read.add(number)
            assert len(read) == 1 or go_on.wait(60)
        return compared(rows, number)

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + later[0])
    monkeypatch.setattr(searcher, "time", clock)
    monkeypatch.setattr(searcher, "FETCHERS", 1)
    monkeypatch.setattr(PlannedRows, "compared", slowly)
    answers = other.searcher.answer(wire.pack(about, blobs))
    while "end" not in (said := wire.unpack(next(answers))[0]):  # a word of a slow machine
        pass
    assert said["end"] is False
    later[0] = searcher.MOST_SECONDS + 1
    go_on.set()
    time.sleep(0.5)  # in which it would read them all
    assert len(read) <= 2 < len(json.loads(blobs["parts"]))


def test_what_was_purged_is_asked_for_anew_and_leaves_the_searchers(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    made = filled(folder, "cosine", 3, count=9)
    nodes = two(tmp_path)
    searchers = over(*nodes)
    before = answer(made, everything(), searchers)
    gone = before.candidates[0][0].recording_id
    purge(made.committer, [gone])
    after = answer(made, everything(), searchers)
    assert told(after) == told(answer(made, everything()))
    assert gone not in {one.recording_id for one in after.candidates[0]}
    made.close()


def test_a_permit_that_is_over_is_not_searched_under(made: Filled, tmp_path: Path) -> None:
    def sign(searcher: str, **said: Any) -> Signed:
        raise NotPermitted("the permit has expired", where="gallery search")

    reader, asked = made.reader, everything()
    permit = issue("A", "anna", 7, gallery=reader.path, template=PROBE, scope=asked.scope)
    nodes = two(tmp_path)
    with pytest.raises(NotPermitted, match="expired"):
        searching.answer(
            reader, [PROBE], asked.scope, permits=[permit],
            elsewhere=Spread(over(*nodes), sign),
        )  # fmt: skip
    assert not any(one.asked for one in nodes)
