"""A question is kept for one person under one case, and goes with the case."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.cases import Case, Request
from workbench.casework.drafts import MOST, Draft, delete_draft, read_drafts, read_photographs
from workbench.casework.drafts import keep_draft as keep
from workbench.casework.retention import forget_subject
from workbench.casework.subjects import subject_folder
from workbench.domain import Probe
from workbench.errors import CaseError, NotPermitted

QUESTION = {"start": "2026-03-29T00:00:00+00:00", "note": "<script>"}


def keep_draft(*args: Any, page: str = "one") -> None:
    keep(*args, page=page)


def read_draft(register: Any, reference: str) -> Draft | None:
    return next(iter(read_drafts(register, reference)), None)


def photographs(register: Any, draft: Draft) -> list[bytes]:
    return [*read_photographs(register, draft).values()]


def files(office: Any, case: Case) -> list[Path]:
    return sorted(subject_folder(office.folder, case.reference).glob("*draft*"))


def test_a_question_comes_back_to_whom_it_was_kept_for_alone(office: Any, case: Case) -> None:
    keep_draft(office.sit("anna"), case.reference, QUESTION, [b"one", b"two"])
    kept = read_draft(office.fresh(), case.reference)
    assert kept is not None
    assert kept.question == QUESTION
    assert sorted(photographs(office.sit("anna"), kept)) == [b"one", b"two"]
    assert read_draft(office.sit("ben"), case.reference) is None
    delete_draft(office.sit("ben"), case.reference, "one")
    assert len(files(office, case)) == 3


def test_a_draft_is_readable_for_its_owner_alone(office: Any, case: Case) -> None:
    keep_draft(office.sit("anna"), case.reference, QUESTION, [b"one"])
    assert {path.stat().st_mode & 0o777 for path in files(office, case)} == {0o600}
    assert subject_folder(office.folder, case.reference).stat().st_mode & 0o777 == 0o700


def test_photographs_that_left_a_draft_are_erased(office: Any, case: Case) -> None:
    register = office.sit("anna")
    keep_draft(register, case.reference, QUESTION, [b"one", b"two"])
    keep_draft(register, case.reference, QUESTION, [b"two"])
    kept = read_draft(register, case.reference)
    assert kept is not None
    assert photographs(register, kept) == [b"two"]
    assert len(files(office, case)) == 2
    delete_draft(register, case.reference, "one")
    assert files(office, case) == []
    assert read_draft(register, case.reference) is None


def test_a_draft_ends_with_its_case_and_is_deleted_with_its_subject(
    office: Any, case: Case
) -> None:
    register = office.sit("anna")
    keep_draft(register, case.reference, QUESTION, [b"one"])
    register.close(case.reference, reason="found")
    assert read_draft(register, case.reference) is None
    with pytest.raises(CaseError, match="is closed"):
        keep_draft(register, case.reference, QUESTION)
    forget_subject(office.sit("ada"), case.reference, reason="asked for with right")
    assert files(office, case) == []


def test_a_case_that_is_not_approved_keeps_nothing(
    office: Any, ask: Callable[..., Request], subject: Probe
) -> None:
    register = office.sit("anna")
    register.ask(ask("A-2"), subject=subject)
    with pytest.raises(CaseError, match="is requested"):
        keep_draft(register, "A-2", QUESTION)


def test_who_may_not_search_keeps_nothing(office: Any, case: Case) -> None:
    with pytest.raises(NotPermitted, match="this action requires analyst"):
        keep_draft(office.sit("rosa"), case.reference, QUESTION)


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"case": "A-1"}', b"\xff\xfe"])
def test_a_damaged_draft_is_told_and_not_used(office: Any, case: Case, damage: bytes) -> None:
    register = office.sit("anna")
    keep_draft(register, case.reference, QUESTION)
    files(office, case)[0].write_bytes(damage)
    with pytest.raises(CaseError, match="your saved question cannot be read"):
        read_draft(register, case.reference)


def test_a_changed_photograph_is_told_and_not_used(office: Any, case: Case) -> None:
    register = office.sit("anna")
    keep_draft(register, case.reference, QUESTION, [b"one"])
    photograph = next(path for path in files(office, case) if path.suffix != ".json")
    photograph.write_bytes(b"another")
    kept = read_draft(register, case.reference)
    assert kept is not None
    with pytest.raises(CaseError, match="not the one that was saved"):
        photographs(register, kept)


def test_somebody_elses_draft_put_in_place_is_refused(office: Any, case: Case) -> None:
    keep_draft(office.sit("ben"), case.reference, QUESTION)
    theirs = files(office, case)[0].read_bytes()
    keep_draft(office.sit("anna"), case.reference, QUESTION)
    for path in files(office, case):
        path.write_bytes(theirs)
    with pytest.raises(CaseError, match="someone else"):
        read_draft(office.register, case.reference)


def test_each_page_keeps_its_own_and_the_oldest_goes(office: Any, case: Case) -> None:
    register, pages = office.sit("anna"), [f"page{n}" for n in range(MOST + 2)]
    for page in pages:
        keep_draft(register, case.reference, {"page": page}, [b"shared", page.encode()], page=page)
    keep_draft(register, case.reference, {"page": "again"}, [b"shared"], page=pages[3])
    drafts = read_drafts(register, case.reference)
    assert [draft.page for draft in drafts] == [pages[3], *reversed(pages[4:]), pages[2]]
    assert drafts[0].question == {"page": "again"}
    assert photographs(register, drafts[0]) == [b"shared"]
    for draft in drafts:
        delete_draft(register, case.reference, draft.page)
    assert files(office, case) == []


def test_pages_that_keep_at_once_lose_nothing(office: Any, case: Case) -> None:
    register = office.sit("anna")

    def work(page: str) -> None:
        for number in range(20):
            keep_draft(register, case.reference, {"n": number}, [page.encode()], page=page)
            read_drafts(register, case.reference)

    pages = [f"page{n}" for n in range(MOST + 3)]
    with ThreadPoolExecutor(len(pages)) as threads:
        list(threads.map(work, pages))
    drafts = read_drafts(register, case.reference)
    assert len(drafts) == MOST
    assert all(photographs(register, one) == [one.page.encode()] for one in drafts)
