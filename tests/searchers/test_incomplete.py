"""What an answer misses is said wherever it is shown, and nothing lasting is made of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from carrying import Here, Node

from workbench import investigation
from workbench.casework.cases import Case
from workbench.casework.record.keys import Trust
from workbench.casework.reviewing.exports import exportable
from workbench.casework.reviewing.review import list_for_review
from workbench.casework.searcherlogs import SearcherLog, hold, logs_below
from workbench.casework.searches import searches_under
from workbench.cli.main import main
from workbench.domain import Candidate, Probe, Scope
from workbench.errors import CaseError
from workbench.gallery import Gallery
from workbench.investigation import SearchResult
from workbench.live.results import SearchResult as LiveResult
from workbench.searchers.searcher import Searcher
from workbench.searchers.spread import Patience, Searchers

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
    office: Any, nodes: list[Node], gallery: Gallery, subject: Probe, permitted: Scope
) -> Search:
    searchers = Searchers(Here(*nodes), local_bytes=0, patience=Patience(silent=0.3))

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
    partial: list[list[Candidate]] = []
    alone, found = search(searchers=None), search(partial=partial.append, threshold=0.6)
    assert found.candidates == tuple(one for one in alone.candidates if one.score >= 0.6)
    whole = {replace(one, shot_jpeg=b"") for one in found.candidates}
    assert all({*some} <= whole for some in partial)
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
