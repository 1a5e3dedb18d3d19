"""A ticket opens one question at one searcher, once; none of these attacks gets through."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from shapely import box

from workbench.casework.tickets import TicketOffice
from workbench.domain import District, Filter, Probe, Scope
from workbench.errors import NotPermitted
from workbench.gallery import Gallery
from workbench.permit import issuing, seal
from workbench.permit.issuing import issue
from workbench.permit.tickets import (
    BROUGHT,
    CLOCKS_APART,
    LIFETIME,
    Gate,
    Signed,
    Ticket,
    digest_of_probe,
)

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw().hex()
DIGESTS = {name: name[0] * 64 for name in BROUGHT}


@pytest.fixture
def ticket(permitted: Scope) -> Ticket:
    return Ticket(
        case="A-1", entry=7, gallery="/home/town.duckdb", commit=3, scope=permitted,
        only=Filter(cameras=frozenset({"b", "a"}), windows=((NOW, NOW + LIFETIME),), quality=0.25),
        threshold=0.1 + 0.2, top=50, searcher="one", issued=NOW, expires=NOW + LIFETIME, **DIGESTS,
    )  # fmt: skip


def signed(ticket: Ticket, key: Ed25519PrivateKey = KEY) -> Signed:
    return Signed(ticket.text(), key.sign(ticket.text()))


def test_a_ticket_says_all_of_the_question_and_opens_it(ticket: Ticket) -> None:
    taken = Gate("one", [PUBLIC]).admit(signed(ticket), now=NOW, **DIGESTS)
    assert taken == ticket
    assert taken.scope.district.area.equals(ticket.scope.district.area)
    assert Ticket.read(replace(ticket, only=Filter(), top=None).text()).only == Filter()


@pytest.mark.parametrize(
    "change",
    [
        {"case": "B-2"}, {"entry": 8}, {"commit": 4}, {"gallery": "/home/other.duckdb"},
        {"threshold": None}, {"top": None}, {"only": Filter()}, {"nonce": "0" * 32},
        {"expires": NOW + LIFETIME / 2}, {"searcher": "two"},
        *({name: "f" * 64} for name in BROUGHT),
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_an_altered_ticket_is_refused(ticket: Ticket, change: dict[str, Any]) -> None:
    """A signature is for the very text: whatever is changed, and whoever it would be for."""
    altered = Signed(replace(ticket, **change).text(), signed(ticket).signature)
    gate = Gate(change.get("searcher", "one"), [PUBLIC])
    with pytest.raises(NotPermitted, match="not signed by this installation, or was altered"):
        gate.admit(
            altered, now=NOW, **{**DIGESTS, **change} if set(change) <= {*BROUGHT} else DIGESTS
        )


@pytest.mark.parametrize("what", ["district", "start", "end", "unplaced"])
def test_a_widened_scope_is_refused(ticket: Ticket, what: str) -> None:
    scope = ticket.scope
    wider: dict[str, Any] = {
        "district": District(scope.district.name, box(-1, 51, 1, 52)),
        "start": scope.start - timedelta(microseconds=1),
        "end": scope.end + timedelta(microseconds=1),
        "unplaced": frozenset({"hidden"}),
    }
    widened = replace(ticket, scope=replace(scope, **{what: wider[what]}))
    with pytest.raises(NotPermitted, match="was altered"):
        Gate("one", [PUBLIC]).admit(
            Signed(widened.text(), signed(ticket).signature), now=NOW, **DIGESTS
        )


def test_a_ticket_signed_by_anybody_else_is_refused(ticket: Ticket) -> None:
    other = Ed25519PrivateKey.generate()
    for keys in ([PUBLIC], []):  # a searcher that was given no key trusts nobody
        with pytest.raises(NotPermitted, match="not signed by this installation"):
            Gate("one", keys).admit(signed(ticket, other), now=NOW, **DIGESTS)
    for signature in (b"", b"0" * 64, signed(ticket).signature[:-1]):
        with pytest.raises(NotPermitted, match="not signed by this installation"):
            Gate("one", [PUBLIC]).admit(Signed(ticket.text(), signature), now=NOW, **DIGESTS)


def test_what_the_key_signed_that_is_no_ticket_is_refused(ticket: Ticket) -> None:
    """The key signs the record too: no entry of it is taken for a ticket, nor another version."""
    text = ticket.text()
    about = json.loads(text.partition(b"\n")[2])
    begin = text.partition(b"{")[0]

    def again(**changed: Any) -> bytes:
        made = json.dumps(about | changed, sort_keys=True, separators=(",", ":"))
        return begin + made.encode()

    assert again() == text
    for other in (
        b'["' + text, text[len(begin):], text + b" ", again(format=2), again(more=1),
        again(scope=None), again(only={}), again(issued="2026-03-29T12:00:00"), b"", b"\xff",
        begin + b"[" * 100_000,
    ):  # fmt: skip
        with pytest.raises(NotPermitted, match="cannot be read"):
            Gate("one", [PUBLIC]).admit(Signed(other, KEY.sign(other)), now=NOW, **DIGESTS)


def test_a_ticket_opens_nothing_a_second_time(ticket: Ticket) -> None:
    gate = Gate("one", [PUBLIC])
    gate.admit(signed(ticket), now=NOW, **DIGESTS)
    for later in (timedelta(), LIFETIME, LIFETIME + CLOCKS_APART):
        with pytest.raises(NotPermitted, match="has been used"):
            gate.admit(signed(ticket), now=NOW + later, **DIGESTS)
    gate.admit(signed(replace(ticket, nonce="1" * 32)), now=NOW, **DIGESTS)


def test_of_many_at_once_one_alone_gets_through(ticket: Ticket) -> None:
    gate, through, start = Gate("one", [PUBLIC]), [], threading.Barrier(8)

    def attack() -> None:
        start.wait()
        try:
            through.append(gate.admit(signed(ticket), now=NOW, **DIGESTS))
        except NotPermitted as error:
            assert "has been used" in error.what  # noqa: PT017

    threads = [threading.Thread(target=attack) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(through) == 1


def test_a_ticket_for_another_searcher_is_refused(ticket: Ticket) -> None:
    """Also by the one that takes its place: it does not know what was used before it started."""
    with pytest.raises(NotPermitted, match="for another searcher"):
        Gate("two", [PUBLIC]).admit(signed(ticket), now=NOW, **DIGESTS)


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        (LIFETIME + CLOCKS_APART + timedelta(microseconds=1), "has expired"),
        (-CLOCKS_APART - timedelta(microseconds=1), "of a time to come"),
    ],
)
def test_a_ticket_is_refused_before_and_after_its_minute(
    ticket: Ticket, moment: timedelta, why: str
) -> None:
    with pytest.raises(NotPermitted, match=why):
        Gate("one", [PUBLIC]).admit(signed(ticket), now=NOW + moment, **DIGESTS)


def test_a_ticket_for_longer_than_a_minute_is_refused(ticket: Ticket) -> None:
    longer = replace(ticket, expires=NOW + LIFETIME + timedelta(microseconds=1))
    with pytest.raises(NotPermitted, match="for longer than 60 s"):
        Gate("one", [PUBLIC]).admit(signed(longer), now=NOW, **DIGESTS)


@pytest.mark.parametrize("what", BROUGHT)
def test_a_ticket_opens_nothing_else_that_comes_with_it(ticket: Ticket, what: str) -> None:
    """Another probe, more parts, cameras moved into the district, another storage or scale."""
    with pytest.raises(NotPermitted, match="the ticket is for "):
        Gate("one", [PUBLIC]).admit(signed(ticket), now=NOW, **DIGESTS | {what: "f" * 64})
    rest = {name: digest for name, digest in DIGESTS.items() if name != what}
    with pytest.raises(KeyError):  # what is left out does not pass either
        Gate("one", [PUBLIC]).admit(signed(ticket), now=NOW, **rest)


# --- Signing ----------------------------------------------------------------------------------


@pytest.fixture
def opened(office: Any, gallery: Gallery, subject: Probe, permitted: Scope) -> TicketOffice:
    permit = issue(
        "A-1", "anna", 7, gallery=gallery.path, template=subject.template, scope=permitted
    )
    return TicketOffice(office.register, permit, gallery.path, subject.template, permitted)


ASKED = {name: DIGESTS[name] for name in BROUGHT if name != "probe"} | {"commit": 3}


def test_the_office_signs_for_the_permit_alone(
    opened: TicketOffice, stranger: Probe, permitted: Scope
) -> None:
    taken = Gate("one", opened.register.installation_file.keys).admit(
        opened.sign("one", **ASKED),
        **DIGESTS | {"probe": digest_of_probe(opened.template)},
    )
    assert (taken.case, taken.entry, taken.scope) == ("A-1", 7, permitted)
    wider = replace(permitted, end=permitted.end + timedelta(microseconds=1))
    for other in (
        replace(opened, template=stranger.template), replace(opened, scope=wider),
        replace(opened, permit=replace(opened.permit, entry=8)),
    ):  # fmt: skip
        with pytest.raises(NotPermitted, match=r"for another question|was altered"):
            other.sign("one", **ASKED)


def test_no_ticket_outlives_its_permit(
    office: Any, gallery: Gallery, subject: Probe, permitted: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def opened(seconds: float) -> TicketOffice:
        monkeypatch.setattr(issuing, "LIFETIME_SECONDS", seconds)
        permit = issue(
            "A-1", "anna", 7, gallery=gallery.path, template=subject.template, scope=permitted
        )
        return TicketOffice(office.register, permit, gallery.path, subject.template, permitted)

    ticket = Ticket.read(opened(20.0).sign("one", **ASKED).text)
    assert ticket.expires - ticket.issued <= timedelta(seconds=20)
    assert ticket.expires - ticket.issued > timedelta()
    ticket = Ticket.read(opened(10 * seal.LIFETIME_SECONDS).sign("one", **ASKED).text)
    assert ticket.expires - ticket.issued == LIFETIME
    with pytest.raises(NotPermitted, match="expired"):
        opened(-1.0).sign("one", **ASKED)
