"""Logs of searchers are held against the record, and whatever was done to them is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workbench.casework.answers import answered
from workbench.casework.authority import authorise
from workbench.casework.record.audit import HEAD, LOG
from workbench.casework.record.chain import Head
from workbench.casework.record.keys import Trust, record_key
from workbench.casework.searcherlogs import Held, SearcherLog, hold, logs_below, taking_part
from workbench.casework.tickets import TicketOffice
from workbench.cli.main import main
from workbench.domain import Filter, Missing, Probe, Scope
from workbench.gallery import Gallery
from workbench.permit.tickets import Gate, Signed, Ticket, digest_of_probe

ASKED = {"storage": "s3://b", "profile": "", "commit": 1, "scale": "", "cameras": "c", "parts": "p"}


class Searched:
    """A search of which two searchers compared a part each, and its logs."""

    def __init__(self, office: Any, gallery: Gallery, probe: Probe, scope: Scope, logs: Path):
        self.register, self.gallery, self.logs = office.register, gallery, logs
        self.only = Filter(quality=0.25)
        self.permit = authorise(
            self.register, "A-1", gallery, probe, scope, cameras=gallery.cameras(), only=self.only
        )
        self.office = TicketOffice(self.register, self.permit, gallery.path, probe.template, scope)
        self.searchers: dict[str, dict[str, Any]] = {}

    def compare(self, name: str, rows: dict[str, int], *, only: Filter | None = None) -> Ticket:
        asked = ASKED | {"profile": self.gallery.profile.fingerprint}
        signed = self.office.sign(name, only=only or self.only, **asked)
        taken = Gate(name, self.register.installation_file.keys).admit(
            signed, probe=digest_of_probe(self.office.template),
            **{n: str(v) for n, v in asked.items() if n != "commit"},
        )  # fmt: skip
        log = SearcherLog(self.logs / name)
        log.compared(taken, dict(list(rows.items())[:1]), signed=signed)
        head = log.compared(taken, dict(list(rows.items())[1:]))
        self.searchers[taken.nonce] = {
            "searcher": name, "rows": sum(rows.values()), "log": str(head)
        }  # fmt: skip
        return taken

    def answer(self, *, so_far: Missing | None = None) -> None:
        answered(
            self.register, self.permit, self.gallery, [], commit=self.gallery.snapshot.commit,
            candidates=0, compared=0, seconds=0.1, searchers=self.searchers, missing=so_far,
            partial=so_far is not None,
        )  # fmt: skip

    def held(self) -> Held:
        keys = Trust.of(self.register.folder).keys
        return hold(logs_below(self.logs), self.register.recorded(), keys)


@pytest.fixture
def searched(
    office: Any, case: Any, gallery: Gallery, subject: Probe, permitted: Scope, tmp_path: Path
) -> Searched:
    office.sit("anna")
    made = Searched(office, gallery, subject, permitted, tmp_path / "home" / "searchers")
    made.compare("one", {"a": 10, "b": 5})
    made.compare("two", {"c": 7})
    return made


def test_logs_that_agree_are_told_so(
    searched: Searched, office: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    searched.compare("two", {"d": 1})
    searched.searchers.popitem()  # given up before it answered
    searched.answer()
    held = searched.held()
    assert (held.faults, held.logs, held.tickets, held.unanswered) == ((), 2, 3, 1)
    assert taking_part(searched.register.recorded()) == 1
    office.sit("otto")
    assert main(["audit", "verify"]) == 0
    assert "2 logs of searchers with 3 tickets agree with the record. 1 of" in told(capsys)
    searched.logs.rename(searched.logs.with_name("elsewhere"))
    assert main(["audit", "verify"]) == 0
    assert "took part in 1 search; their logs were not given" in told(capsys)
    assert main(["audit", "verify", "--searchers", str(searched.logs.with_name("elsewhere"))]) == 0
    assert "agree with the record" in told(capsys)


@pytest.mark.parametrize("more", [0, 1])
def test_partial_answers_are_held_against_the_logs_too(searched: Searched, more: int) -> None:
    """A searcher may have gone on since it told of its rows; that it had compared less is a fault.

    Of a search that was cancelled then, no answer was recorded.
    """
    for said in searched.searchers.values():
        said["rows"] += more or -1
    searched.answer(so_far=Missing(1, 3, 2))
    held = searched.held()
    assert len(held.faults) == 2 * more
    assert all("the record says" in fault for fault in held.faults)
    assert held.unanswered == 2
    assert taking_part(searched.register.recorded()) == 1


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join("".join(capsys.readouterr()).split())


def _cut(searched: Searched) -> None:
    """Take the last line away, and make a head that fits."""
    log = searched.logs / "one" / LOG
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0])
    (log.parent / HEAD).write_text(str(Head(1, lines[0][:64].decode())))


def _write_anew(searched: Searched) -> None:
    """Write a whole log anew, of fewer rows."""
    folder = searched.logs / "two"
    first = json.loads((folder / LOG).read_bytes().splitlines()[0][130:])["about"]
    for file in folder.iterdir():
        file.unlink()
    signed = Signed(first["ticket"].encode(), bytes.fromhex(first["signature"]))
    SearcherLog(folder).compared(Ticket.read(signed.text), {"c": 6}, signed=signed)


def _change(searched: Searched) -> None:
    log = searched.logs / "one" / LOG
    log.write_bytes(log.read_bytes().replace(b'"a":10', b'"a":11'))


def _lose(searched: Searched) -> None:
    for file in (searched.logs / "two").iterdir():
        file.unlink()


def _compare_more(searched: Searched) -> None:
    """Compare once more under a ticket that was answered."""
    log = SearcherLog(searched.logs / "one")
    ticket = next(iter(searched.searchers))
    log._write("searcher.compared", {"nonce": ticket, "rows": {"z": 3}})


def _compare_without(searched: Searched) -> None:
    SearcherLog(searched.logs / "one")._write(
        "searcher.compared", {"nonce": "0" * 32, "rows": {"z": 3}}
    )


def _compare_otherwise(searched: Searched) -> None:
    """Compare without the filter that was recorded."""
    searched.compare("one", {"e": 1}, only=Filter(quality=0.0))


def _compare_for_nothing(searched: Searched) -> None:
    """Compare for an entry that is none of a search, as who has the key can."""
    ticket = Ticket.read(searched.office.sign("one", only=searched.only, **ASKED).text)
    forged = replace(ticket, entry=1)
    signed = Signed(forged.text(), record_key(searched.register.folder).sign(forged.text()))
    SearcherLog(searched.logs / "one").compared(forged, {"a": 1}, signed=signed)


def _sign_otherwise(searched: Searched) -> None:
    ticket = Ticket.read(searched.office.sign("one", only=searched.only, **ASKED).text)
    signed = Signed(ticket.text(), Ed25519PrivateKey.generate().sign(ticket.text()))
    SearcherLog(searched.logs / "one").compared(ticket, {"a": 1}, signed=signed)


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (_cut, "the record says 15 rows, the log 10"),
        (_write_anew, "the record says 7 rows, the log 6"),
        (_write_anew, "line 2 of the log is not the one that the record names"),
        (_change, "does not match its hash"),
        (_lose, "none of the logs has it, of searcher two"),
        (_compare_more, "the record says 15 rows, the log 18"),
        (_compare_without, "compared without a ticket"),
        (_compare_otherwise, "has another least quality than entry"),
        (_compare_for_nothing, "entry 1 of the record asks for no search"),
        (_sign_otherwise, "was not signed by this installation"),
    ],
)
def test_what_was_done_to_a_log_or_beside_it_is_found(
    searched: Searched, office: Any, capsys: pytest.CaptureFixture[str],
    attack: Callable[[Searched], None], told: str,
) -> None:  # fmt: skip
    searched.answer()
    assert searched.held().faults == ()
    attack(searched)
    assert any(told in fault for fault in searched.held().faults), searched.held().faults
    office.sit("otto")
    assert main(["audit", "verify", "--json"]) == 1
    (said,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert not said["sound"]
    assert said["faults"] == []  # the record itself is
    assert said["searchers"]["faults"]
