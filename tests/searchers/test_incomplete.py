"""What an answer misses, or does not know yet, is said, and nothing lasting is made of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from carrying import Node, Timeless

from tests.searchers.test_spread import OneThenMore
from workbench import investigation
from workbench.casework.cases import Case
from workbench.casework.record.keys import Trust
from workbench.casework.reviewing.exports import exportable
from workbench.casework.reviewing.review import list_for_review
from workbench.casework.searcherlogs import SearcherLog, hold, logs_below
from workbench.casework.searches import searches_under
from workbench.cli.main import main
from workbench.domain import PartialAnswer, Probe, Progress, Scope
from workbench.errors import AuditDamaged, Cancelled, CaseError
from workbench.gallery import Gallery
from workbench.investigation import SearchResult
from workbench.live.results import SearchResult as LiveResult
from workbench.searchers import searcher, spread
from workbench.searchers.searcher import Searcher
from workbench.searchers.spread import Searchers

Search = Callable[..., SearchResult]


@pytest.fixture
def nodes(office: Any, case: Case, fresh_home: Path) -> list[Node]:
    office.sit("anna")
    keys = office.register.installation_file.keys
    return [
        Node(name, Searcher(keys, SearcherLog(fresh_home / "searchers" / name), node=name,
                            memory_mb=64))
        for name in ("one", "two")
    ]  # fmt: skip


@pytest.fixture
def search(
    office: Any,
    nodes: list[Node],
    gallery: Gallery,
    subject: Probe,
    permitted: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> Search:
    searchers = Searchers(Timeless(monkeypatch, *nodes), local_bytes=0)

    def search(**options: Any) -> SearchResult:
        options = {"searchers": searchers, "case": "A-1", **options}
        return investigation.search(
            gallery, subject, permitted, register=office.register, **options
        )

    return search


@pytest.fixture
def incomplete(nodes: list[Node], search: Search) -> SearchResult:
    for one in nodes:
        one.frozen_after = 0
    return search()


def test_a_complete_answer_is_that_of_one_process_and_the_logs_agree(
    office: Any, search: Search, fresh_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, found = search(searchers=None), search(threshold=0.6)
    assert found.candidates == tuple(one for one in alone.candidates if one.score >= 0.6)
    assert (found.coverage, found.compared) == (alone.coverage, alone.compared)
    assert (found.complete, found.missing, found.notices) == (True, None, alone.notices)
    *_, answered = office.events("search.answered")
    assert sum(one["rows"] for one in answered.about["searchers"].values()) == found.compared
    assert "complete" not in answered.about
    logs = logs_below(fresh_home / "searchers")
    held = hold(logs, office.register.recorded(), Trust.of(office.register.folder).keys)
    assert (held.faults, held.tickets, held.unanswered) == ((), len(logs), 0)
    office.sit("otto")
    assert main(["audit", "verify"]) == 0
    assert "agree with the record" in "".join(capsys.readouterr())


def test_an_incomplete_answer_says_so_everywhere(
    office: Any, incomplete: SearchResult, gallery: Gallery
) -> None:
    assert incomplete.missing is not None
    assert not incomplete.complete
    words = incomplete.missing.words
    assert incomplete.notices[0] == words
    assert f"incomplete {incomplete.missing.short}" in str(incomplete)
    *_, answered = office.events("search.answered")
    assert answered.about["complete"] is False
    assert answered.about["missing"]["parts"] == incomplete.missing.parts
    (entry,) = searches_under(office.register.folder, "A-1")
    assert entry.missing == words
    assert "incomplete" in entry.candidates_words
    # The record itself is sound, and agrees with what the logs say.
    office.sit("otto")
    assert main(["audit", "verify", "--json"]) == 0


def test_nothing_lasting_is_made_of_an_incomplete_answer(
    office: Any, incomplete: SearchResult, gallery: Gallery, tmp_path: Path
) -> None:
    register = office.register
    live = LiveResult.of(incomplete, installation=office.installation, gallery=gallery.path)
    doors: list[Callable[[], Any]] = [
        incomplete.frame,
        live.frame,
        lambda: live.map().save(tmp_path / "map.html"),
        lambda: exportable(
            register, "A-1", incomplete.candidates, zone=UTC, missing=incomplete.missing
        ),
        lambda: list_for_review(
            register, "A-1", incomplete.candidates, of=incomplete.found, probe=incomplete.probe
        ),
        # Also where whoever has it forgot that it is incomplete: the record knows.
        lambda: list_for_review(
            register, "A-1", (), of=replace(incomplete, missing=None).found, probe=incomplete.probe
        ),
    ]  # fmt: skip
    for door in doors:
        with pytest.raises(CaseError, match="This answer is incomplete"):
            door()
    refused = [*office.events("evidence.export.refused"), *office.events("review.first.refused")]
    assert len(refused) == 4
    assert not [*tmp_path.glob("*.html")]
    assert not office.events("review.listed")


def test_nothing_found_by_an_incomplete_answer_is_taken_for_a_complete_one(
    office: Any, nodes: list[Node], search: Search
) -> None:
    """The same candidates, found by a complete search, may be listed."""
    for one in nodes:
        one.frozen_after = 0
    none = search()
    assert none.found == ()
    for one in nodes:
        one.frozen_after = None
    found = search()
    assert found.complete
    listed = list_for_review(
        office.register, "A-1", found.candidates[:1], of=found.found, probe=found.probe
    )
    assert listed.faces == 1


def test_json_lines_and_the_command_tell_it(
    office: Any, incomplete: SearchResult, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from workbench.cli.search import notes_of, show_result

    show_result(incomplete)
    assert incomplete.missing is not None
    assert incomplete.missing.words in capsys.readouterr().err
    assert "This answer is incomplete" in json.dumps(notes_of((), incomplete.notices))


# --- Partial answers --------------------------------------------------------------------------


@pytest.fixture
def in_parts(nodes: list[Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one part arrive before the others, and each partial answer be due.

    One node has all parts: their names are random, and so are shares.
    """
    monkeypatch.setattr(spread, "_rank", lambda _, node: node)
    monkeypatch.setattr(searcher, "_Comparison", OneThenMore)
    monkeypatch.setattr(spread, "_PARTIAL_SECONDS", 0.0)
    monkeypatch.setattr(investigation, "PARTIAL_AFTER", 0.0)
    monkeypatch.setattr(investigation, "PARTIAL_EVERY", 0.0)


def test_a_partial_answer_is_on_record_before_it_is_told(
    office: Any, search: Search, in_parts: None, fresh_home: Path
) -> None:
    told: list[PartialAnswer] = []

    def so_far(found: PartialAnswer) -> None:
        told.append(found)
        *_, entry = office.events("search.partial")
        assert len(office.events("search.partial")) == len(told)
        assert entry.account == "anna"
        assert entry.about["complete"] is False
        assert entry.about["missing"]["parts"] == found.missing.parts > 0
        assert entry.about["candidates"] == found.candidates
        assert entry.about["compared"] == found.compared
        assert sum(one["rows"] for one in entry.about["searchers"].values()) == found.compared

    found = search(partial=so_far, threshold=0.6, below=True)
    assert told
    for partial in told:  # with their pictures, and none that the threshold keeps back
        assert {*partial.best} <= {*found.candidates}
        assert 0 < partial.candidates < len(found.candidates)
        assert partial.compared < found.compared
        words = partial.words(len(partial.best))
        compared = partial.missing.of - partial.missing.parts
        assert f"{compared} of {partial.missing.of} parts compared; more may come" in words
    assert found.complete
    assert [entry.what for entry in office.events("search.")] == [
        "search.asked", *["search.partial"] * len(told), "search.answered",
    ]  # fmt: skip
    (entry,) = searches_under(office.register.folder, "A-1")
    assert (entry.candidates, entry.in_part, entry.missing) == (len(found.candidates), False, "")
    logs = logs_below(fresh_home / "searchers")
    assert not hold(logs, office.register.recorded(), Trust.of(office.register.folder).keys).faults
    office.sit("otto")
    assert main(["audit", "verify"]) == 0


def test_nothing_lasting_is_made_of_a_partial_answer(
    office: Any, search: Search, in_parts: None, subject: Probe
) -> None:
    """Not while the search goes on, and not after it was cancelled; it counts as shown."""
    told: list[PartialAnswer] = []

    def doors(found: PartialAnswer) -> list[Callable[[], Any]]:
        register, best = office.register, found.best
        return [
            lambda: exportable(register, "A-1", best, zone=UTC, missing=found.missing),
            lambda: list_for_review(register, "A-1", best, of=best, probe=subject),
        ]

    def so_far(found: PartialAnswer) -> None:
        told.append(found)
        for door in doors(found):
            with pytest.raises(CaseError):
                door()

    def progress(_: Progress) -> None:
        if told:
            raise Cancelled("this was cancelled")

    with pytest.raises(Cancelled):
        search(partial=so_far, progress=progress)
    for door in doors(told[-1]):
        with pytest.raises(CaseError):
            door()
    assert not office.events("review.listed")
    (entry,) = searches_under(office.register.folder, "A-1")
    assert (entry.candidates, entry.in_part) == (told[-1].candidates, True)
    assert entry.candidates_words == f"{told[-1].candidates} shown before it ended; not answered"


@pytest.mark.parametrize(
    ("threshold", "after"),
    [pytest.param(1.0, 0.0, id="nobody"), pytest.param(0.6, 3600.0, id="quick")],
)
def test_no_partial_answer_is_told_that_is_not_due_or_shows_nobody(
    office: Any, search: Search, in_parts: None, monkeypatch: pytest.MonkeyPatch,
    threshold: float, after: float,
) -> None:  # fmt: skip
    monkeypatch.setattr(investigation, "PARTIAL_AFTER", after)
    told: list[PartialAnswer] = []
    for where in ({}, {"searchers": None}):
        assert search(partial=told.append, threshold=threshold, below=True, **where).complete
    assert not told
    assert not office.events("search.partial")


def test_partial_answers_have_their_time_between_them(
    office: Any, search: Search, in_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(investigation, "PARTIAL_EVERY", 3600.0)
    told: list[PartialAnswer] = []
    assert search(partial=told.append, threshold=0.6, below=True).complete
    assert len(told) == len(office.events("search.partial")) == 1


def test_no_partial_answer_is_told_that_cannot_be_recorded(
    office: Any, search: Search, in_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[PartialAnswer] = []
    record = office.register.record

    def full(what: str, *about: Any, **by: Any) -> Any:
        if what == "search.partial":
            raise AuditDamaged("the disk is full")
        return record(what, *about, **by)

    monkeypatch.setattr(office.register, "record", full)
    with pytest.raises(AuditDamaged):
        search(partial=told.append, threshold=0.6, below=True)
    assert not told
