"""Changing the record."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case
from workbench.casework.record import audit
from workbench.casework.record.audit import HEAD, LOG, verify
from workbench.domain import Probe, Scope
from workbench.errors import AuditBusy, AuditDamaged
from workbench.gallery import Gallery
from workbench.investigation import search as investigate

Refused = Callable[..., None]


def lines(office: Any) -> list[bytes]:
    content: bytes = (office.folder / LOG).read_bytes()
    return content.splitlines(keepends=True)


def rewrite(office: Any, content: list[bytes]) -> None:
    (office.folder / LOG).write_bytes(b"".join(content))


@pytest.fixture
def found_out(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> Callable[..., None]:
    """``found_out("why")``: verify says so, and neither an open register nor a new one searches.

    An open one works on what it has read; of what lies behind that it sees the end alone.
    """

    def check(why: str, *, at_once: bool = True) -> None:
        found = verify(office.folder)
        assert any(re.search(why, str(fault)) for fault in found.faults), found.faults
        for restart in (False, True) if at_once else (True,):
            register = (lambda: office.fresh()) if restart else (lambda: office.register)
            with pytest.raises(AuditDamaged):
                investigate(gallery, subject, permitted, case="A-1", register=register())

    return check


def test_an_edited_entry(office: Any, found_out: Callable[..., None]) -> None:
    content = lines(office)
    content[2] = content[2].replace(b'"cameras":null', b'"cameras":9999')
    rewrite(office, content)
    found_out("line 3: entry 3 was changed", at_once=False)


def test_a_removed_entry(office: Any, found_out: Callable[[str], None]) -> None:
    rewrite(office, [*lines(office)[:1], *lines(office)[2:]])
    found_out("line 2: entries 2 to 2 before it were removed")


def test_the_last_line_removed(office: Any, found_out: Callable[[str], None]) -> None:
    rewrite(office, lines(office)[:-1])
    found_out("were removed from the end")


def test_the_last_line_cut(office: Any, found_out: Callable[[str], None]) -> None:
    content = lines(office)
    rewrite(office, [*content[:-1], content[-1][:-20]])
    found_out("cut after|removed from the end")


def test_two_lines_exchanged(office: Any, found_out: Callable[[str], None]) -> None:
    content = lines(office)
    content[2], content[3] = content[3], content[2]
    rewrite(office, content)
    found_out("line 3")


def test_an_old_line_appended_again(office: Any, found_out: Callable[[str], None]) -> None:
    content = lines(office)
    rewrite(office, [*content, content[1]])
    found_out("moved or written twice")


def test_the_record_deleted(office: Any, found_out: Callable[[str], None]) -> None:
    (office.folder / LOG).unlink()
    found_out("cannot be opened|removed from the end")


def test_the_head_deleted(office: Any, found_out: Callable[[str], None]) -> None:
    (office.folder / HEAD).unlink()
    found_out("head of the record is missing")


def test_record_and_head_rewritten_together(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    """The pin on any export shows it."""
    search(gallery, subject, permitted, case="A-1")
    pinned = office.register.head
    content = lines(office)[:-2]
    rewrite(office, content)
    (office.folder / HEAD).write_text(f"{len(content):020d}:{content[-1][:64].decode()}\n")
    assert verify(office.folder).sound
    found = verify(office.folder, pins=[pinned])
    assert "which was pinned, is missing" in str(found.faults[0])
    with pytest.raises(AuditDamaged):  # and whoever has it open sees it without a pin
        investigate(gallery, subject, permitted, case="A-1", register=office.register)


def test_a_symlinked_record(office: Any, found_out: Callable[[str], None]) -> None:
    path = office.folder / LOG
    path.rename(office.home / "elsewhere")
    path.symlink_to(office.home / "elsewhere")
    found_out("symbolic link")


def test_a_record_swapped_under_a_running_program(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    copy = office.home / "copy"
    shutil.copy(office.folder / LOG, copy)
    copy.replace(office.folder / LOG)
    with pytest.raises(AuditDamaged, match="another file"):
        investigate(gallery, subject, permitted, case="A-1", register=office.register)


def test_a_record_everybody_may_write(office: Any, found_out: Callable[[str], None]) -> None:
    (office.folder / LOG).chmod(0o666)
    found_out("everyone")


def test_a_record_that_cannot_be_written(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    """No record, no search: here the disk is full, as far as this process can tell."""
    import resource

    size = (office.folder / LOG).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, before[1]))
    try:
        with pytest.raises(AuditDamaged, match="cannot be written"):
            search(gallery, subject, permitted, case="A-1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not office.events("search.asked")
    assert search(gallery, subject, permitted, case="A-1").candidates
    assert verify(office.folder).torn == 1


def test_a_record_that_is_held(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whoever may read the record can lock it, but not stall all searches for ever."""
    monkeypatch.setattr(audit, "PATIENCE", 0.2)
    with (office.folder / LOG).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        with pytest.raises(AuditBusy, match=f"process {os.getpid()} has held the record"):
            search(gallery, subject, permitted, case="A-1")
    assert not office.events("search.asked")
    assert search(gallery, subject, permitted, case="A-1").candidates


def test_a_refused_attempt_wiped(office: Any, refused: Refused, stranger: Probe) -> None:
    refused("does not resemble the case's subject", probe=stranger)
    rewrite(office, [line for line in lines(office) if b"search.refused" not in line])
    assert not verify(office.folder).sound
