"""What is kept of a case's subject while the case ends goes with it, or is not kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from workbench.casework import drafts, notes, retention, subjects
from workbench.casework.cases import Case
from workbench.casework.changes import ask_change
from workbench.casework.drafts import keep_draft
from workbench.casework.notes import THE_CASE, write_note
from workbench.casework.record.acting import acting_for
from workbench.casework.retention import forget_subject, purge
from workbench.domain import Probe
from workbench.errors import CaseError
from workbench.gallery import Gallery


def ask_for_longer(register: Any, case: Case, subject: Probe) -> None:
    until = case.request.valid_until + timedelta(days=10)
    ask_change(register, replace(case.request, valid_until=until), subject=subject)


def keep_question(register: Any, case: Case, subject: Probe) -> None:
    keep_draft(register, case.reference, {}, [b"a face"], page="one")


def keep_note(register: Any, case: Case, subject: Probe) -> None:
    write_note(register, case.reference, THE_CASE, "He limps.")


def end(office: Any) -> None:
    with acting_for("sara", "hub"):
        office.register.close("A-1", reason="He was found.")
    with acting_for("ada", "hub"):
        forget_subject(office.register, "A-1", reason="It is over.")


@pytest.mark.parametrize(
    ("module", "keep"),
    [(drafts, keep_question), (notes, keep_note), (subjects, ask_for_longer)],
)
def test_what_is_being_kept_as_a_subject_is_deleted_is_deleted(
    office: Any,
    case: Case,
    subject: Probe,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    keep: Callable[[Any, Case, Probe], None],
) -> None:
    ending: list[Future[None]] = []
    make_private = module.make_private

    def late(home: Path) -> None:
        ending.append(others.submit(end, office))
        wait(ending, timeout=0.5)
        make_private(home)

    monkeypatch.setattr(module, "make_private", late)
    with ThreadPoolExecutor(1) as others:
        keep(office.sit("anna"), case, subject)
    (ended,) = ending
    ended.result()
    assert not subjects.subject_folder(office.folder, "A-1").exists()


def test_a_question_is_not_kept_under_a_case_that_has_just_ended(office: Any, case: Case) -> None:
    class Photographs(list[bytes]):
        def __iter__(self) -> Any:
            end(office)
            return super().__iter__()

    with pytest.raises(CaseError, match="A-1: is closed"):
        keep_draft(office.sit("anna"), "A-1", {}, Photographs([b"a face"]), page="one")
    assert not subjects.subject_folder(office.folder, "A-1").exists()


def test_a_purge_spares_the_subject_of_a_case_that_is_open_by_then(
    office: Any, case: Case, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_ended", lambda *_: [case.reference])  # as a moment ago
    done = purge(office.sit("ada"), gallery.path, lambda *_: {})
    assert done.subjects == 0
    assert subjects.subject_folder(office.folder, case.reference).is_dir()
