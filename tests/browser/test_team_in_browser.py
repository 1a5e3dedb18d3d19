"""People at one server: each signs in, does a part of one case, and sees no more than that."""

from __future__ import annotations

import os
import runpy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from deployed import DEPLOY, PASSWORD, Team, behind_hub, recorded, status_of
from playwright.sync_api import TimeoutError as Expired
from playwright.sync_api import expect

from tools.walk import NOTE, Walk
from workbench.casework.evidence.archive import verify_archive
from workbench.casework.record.audit import verify
from workbench.client import Connection, connect
from workbench.domain import Scope
from workbench.errors import NotPermitted
from workbench.server.hubapi import people_with_servers

pytestmark = pytest.mark.browser
CASE, TITLE = "A-2026-117", "Last seen at the <b>market</b>"


@pytest.fixture
def served_by_hub(small_town: Path, copied: Any, tmp_path: Path, browser: Any) -> Iterator[Team]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with behind_hub(home, copied(small_town, home), tmp_path) as team:
        yield team


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, name: str, team: Team, visit: Callable[..., Any], **options: Any) -> None:
        self.name, self.team = name, team
        self.seen = visit(team.address.split("/services/")[0].rstrip("/"), **options)
        self.page = self.seen.page

    def open(self, dashboard: str, shown: str) -> Any:
        """Open a page, and sign in at the hub where it asks for it."""
        self.page.goto(self.team.page(dashboard))
        if "/hub/login" in self.page.url:
            self.page.fill("#username_input", self.name)
            self.page.fill("#password_input", PASSWORD)
            self.page.click("#login_submit")
        found = self.page.locator(shown).first
        with self._telling(shown):
            found.wait_for()
        return found

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def reads(self, words: str) -> None:
        with self._telling(words):
            self.page.get_by_text(words).first.wait_for()

    @contextmanager
    def _telling(self, wanted: str) -> Iterator[None]:
        """Say what is on the page instead of what was waited for."""
        try:
            yield
        except Expired:
            shown = self.page.locator("body").inner_text()
            raise AssertionError(f"{self.name} does not see {wanted!r} but: {shown}") from None

    def upload(self, files: list[Path]) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(".sl-target .sl-drop").click()
        chooser.value.set_files(files)
        expect(self.page.locator(".sl-photograph")).to_have_count(len(files))


def ask_for_a_case(person: Person, photographs: list[Path]) -> None:
    person.open("cases", ".sl-case-form")
    page = person.page
    page.get_by_label("Purpose").select_option(label="Missing person")
    for field, words in {
        "Reference": CASE,
        "Title": TITLE,
        "Authority": "Public prosecutor",
        "Their reference": "P 117/26",
        "Further members": "rosa",
    }.items():
        page.get_by_label(field, exact=True).fill(words)
        page.get_by_label(field, exact=True).press("Tab")
    person.upload(photographs)
    first = page.locator(".sl-photograph").first
    for field, words in {
        "Comes from": "album",
        "Given by": "the mother",
        "Taken": "2015",
        "Done to it": "cropped",
    }.items():
        first.get_by_label(field, exact=True).fill(words)
        first.get_by_label(field, exact=True).press("Tab")
    if len(photographs) > 1:
        first.get_by_role("button", name="Same for the others").click()
    page.locator(".sl-district select").first.select_option(label="All cameras")
    person.press("All footage")
    page.locator(".sl-inside").wait_for()
    person.seen.screenshot("team-0-asking")
    person.press("Request the case")
    person.reads(f"You requested {CASE}. Another person approves it.")
    assert page.get_by_role("button", name="Approve", exact=True).is_hidden()
    person.seen.screenshot("team-1-requested")


def approve_it(person: Person) -> None:
    person.open("cases", ".sl-row-open").click()
    person.reads(f"{CASE}: {TITLE}")
    person.reads("Album, given by the mother, taken 2015, done to it before: cropped")
    person.seen.screenshot("team-2-to-approve")
    person.press("Approve")
    person.reads(f"You approved {CASE}; it is open.")


def extend_it(person: Person, supervisor: Person) -> None:
    """More time for the case, as it would be, beside what it is; and another person approves it."""
    page = person.page
    person.press("Extend or change…")
    page.get_by_label("Valid for (days)").fill("21")
    page.get_by_label("Valid for (days)").press("Tab")
    person.press("Request the change")
    person.reads(f"You requested a change of {CASE}. Another person approves it.")
    supervisor.open("cases", ".sl-row-open").click()
    supervisor.reads("A change was requested by anna,")
    told = supervisor.page.locator(".sl-one-case table", has_text="Then")
    expect(told.locator("th")).to_have_text(["", "Now", "Then"])
    expect(told.locator("tbody tr")).to_have_count(1)
    expect(told.locator("tbody tr")).to_contain_text("May be searched")
    supervisor.press("Approve the change")
    supervisor.page.get_by_role("button", name="Approve the change").wait_for(state="hidden")
    supervisor.seen.screenshot("team-4-extended")


def hand_it_over(person: Person, account: str) -> None:
    person.open("cases", ".sl-row-open").click()
    person.press("▸ Members, and handing over")
    for what, words in (
        ("Name of who is to be responsible", account),
        ("Reason, for the record", "on leave"),
    ):
        field = person.page.locator(".sl-members").get_by_placeholder(what)
        field.fill(words)
        field.press("Tab")
    person.press("Hand over")
    person.reads(f"{account} is responsible for {CASE}.")
    person.press("▸ History")
    person.reads(f"handed the case over to {account}: on leave")
    person.reads("approved the change")


def search_and_send(person: Person, photographs: list[Path]) -> None:
    page = person.page
    person.open("investigate", ".sl-drop-button")
    page.locator(".sl-case select").select_option(label=f"{CASE}: {TITLE}")
    person.press("Use its area and time")
    person.upload(photographs)
    person.press("Search")
    page.locator(".sl-card-open").first.click()
    comparing = page.locator(".sl-comparing")
    comparing.wait_for()
    walk = Walk(page, "", case=CASE)
    walk.note()
    walk.follow()
    comparing.focus()
    page.keyboard.press("s")
    page.locator(".sl-card", has_text="✓ Same").wait_for()
    person.press("Send to review")
    person.reads("1 face was added to the review list")


def make_reviewer(person: Person, name: str) -> None:
    people = person.open("people", ".sl-people")
    people.get_by_placeholder("Name with which they sign in").fill(name)
    people.get_by_placeholder("Name with which they sign in").press("Tab")
    people.locator("select").select_option(label="Reviewer")
    person.press("Give the role")
    person.reads(f"{name} is reviewer now.")


def hand_over(person: Person) -> None:
    """Save the court package, which anyone can check, and close the case."""
    walk = Walk(person.page, "", case=CASE)
    person.page.locator(".sl-sightings-page .sl-notes td", has_text=NOTE).wait_for()
    found = verify_archive(walk.package())
    assert found.sound, found.faults
    assert found.fingerprint in person.page.locator(".sl-package").inner_text()
    person.open("cases", ".sl-row-open").click()
    walk.close()


def decide(person: Person, reason: str) -> None:
    page = person.page
    review = person.open("review", ".sl-review")
    review.locator("select").first.select_option(index=1)
    person.reads("1 face to decide on.")
    for feature in ("Nose", "Ears", "Mouth"):
        page.get_by_role("button", name=f"{feature}: similar").click()
    page.get_by_role("button", name="Moderate support for the same person").click()
    review.locator("textarea").fill(reason)
    page.keyboard.press("Control+Enter")
    person.reads("Nothing is waiting for you.")


def search_by_program(there: Connection, photographs: list[Path | bytes]) -> None:
    assert [case.reference for case in there.cases()] == [CASE]
    request = there.case(CASE).request
    scope = Scope(request.district, request.start, request.end)
    found = there.search(photographs, scope, case=CASE, threshold="all", top=2)
    assert len(found.candidates) == 2
    assert found.shot(found.candidates[0])[:2] == b"\xff\xd8"


def token_for(person: Person, *scopes: str) -> dict[str, str]:
    """A token that a person makes for a program at the hub, as its page for that does."""
    hub = person.team.address.split("/services/")[0]
    person.page.goto(f"{hub}/hub/token")
    made: dict[str, str] = person.page.evaluate(ASK_HUB, ["POST", "", {"scopes": scopes}])
    return made


ASK_HUB = """([method, path, asked]) => {
    const {user, base_url, xsrf_token} = window.jhdata;
    const headers = {"Content-Type": "application/json", "X-XSRFToken": xsrf_token};
    const body = JSON.stringify(asked);
    return fetch(`${base_url}api/users/${user}/tokens${path}`, {method, headers, body})
        .then(answer => answer.status === 204 ? null : answer.json());
}"""


def told_by(there: Connection) -> str:
    try:
        there.cases()
    except NotPermitted as error:
        return str(error)
    return ""


def of_megabytes(photograph: Path, number: int) -> bytes:
    """The same picture as a file of so many megabytes, by comments in it."""
    content = photograph.read_bytes()
    comment = b"\xff\xfe" + (2**15).to_bytes(2, "big") + bytes(2**15 - 2)
    return content[:2] + comment * (number * 2**20 // len(comment) + 1) + content[2:]


def test_six_people_behind_a_hub_bring_a_case_to_its_end(
    served_by_hub: Team, visit: Callable[..., Any], wanted: tuple[Path, ...]
) -> None:
    team, photographs = served_by_hub, list(wanted)
    assert people_with_servers(team.hub_api, team.hub_token) == []
    anna, sara, rosa, rolf, otto, ada = (
        Person(name, team, visit, ignore_https_errors=True)
        for name in ("anna", "sara", "rosa", "rolf", "otto", "ada")
    )
    make_reviewer(ada, "rolf")
    ask_for_a_case(anna, photographs)
    approve_it(sara)
    search_and_send(anna, photographs)
    decide(rosa, "Shape of nose and ears.")
    # Who is no member knows nothing of the case, and nobody reaches the kernel of another.
    kernel = anna.page.evaluate(
        "() => JSON.parse(document.querySelector('#jupyter-config-data').textContent).kernelId"
    )
    review = rolf.open("review", ".sl-review")
    assert CASE not in review.inner_text()
    api = f"{team.address}api/kernels/{kernel}"
    assert rolf.page.evaluate("a => fetch(a).then(r => r.status)", api) == 404
    anna.open("cases", ".sl-row-open").click()
    anna.press("▸ Members, and handing over")
    anna.page.get_by_placeholder("Name with which they sign in").fill("rolf")
    anna.page.get_by_placeholder("Name with which they sign in").press("Tab")
    anna.press("Add")
    anna.reads(f"rolf is a member of {CASE}.")
    extend_it(anna, sara)
    decide(rolf, "The same ears.")
    sara.open("sightings", ".sl-sightings-page")
    sara.reads("1 confirmed sighting")
    sara.page.locator(".sl-table", has_text="rosa, rolf").wait_for()
    audit = otto.open("audit", ".sl-audit")
    otto.reads("One unbroken chain")
    expect(audit.locator("table", has_text="Time searched").locator("tbody tr")).to_have_count(1)
    otto.seen.screenshot("team-3-audited")
    hand_it_over(anna, "cleo")
    for person in (anna, rosa, otto, ada):
        person.seen.assert_clean()
    assert [address for status, address in rolf.seen.failures] == [api]
    otto.press("Sign out")
    otto.page.wait_for_url("**/hub/**")
    otto.page.goto(team.page("audit"))
    otto.page.locator("#username_input").wait_for()
    made = token_for(anna, "access:services!service=sightline")
    certificate = team.log.parent / "certificate.pem"
    there = connect(team.address, token=made["token"], ca_file=certificate)
    assert repr(there).endswith("as anna (analyst)>")
    search_by_program(there, [of_megabytes(photographs[0], 2)])
    other = token_for(rolf, "read:users!user")
    with pytest.raises(NotPermitted, match="this token does not open Sightline"):
        connect(team.address, token=other["token"], ca_file=certificate)
    anna.page.evaluate(ASK_HUB, ["DELETE", f"/{made['id']}", None])
    until = time.monotonic() + 60
    while not (refused := told_by(there)):  # the hub's answer counts for a second
        assert time.monotonic() < until
    assert "no one has signed in with this token" in refused
    hand_over(sara)
    sara.seen.assert_clean()
    entries = recorded(team.home)
    acts = {
        (entry["by"]["account"], entry["by"]["way"], entry["what"])
        for entry in entries
        if "account" in entry["by"]  # what is noticed names nobody
    }
    assert {
        ("ada", "hub", "people.granted"),
        ("anna", "hub", "case.asked"),
        ("sara", "hub", "case.approved"),
        ("anna", "hub", "search.asked"),
        ("anna", "hub", "note.written"),
        ("anna", "hub", "footage.viewed"),
        ("rosa", "hub", "review.decided"),
        ("rolf", "hub", "review.decided"),
        ("sara", "hub", "evidence.exported"),
        ("sara", "hub", "case.closed"),
    } <= acts
    assert verify(team.home / "casework").sound


def test_people_behind_nginx_are_who_its_password_says(
    served_by_nginx: Team, visit: Callable[..., Any], wanted: tuple[Path, ...]
) -> None:
    team = served_by_nginx
    forged = {"X-Remote-User": "sara", "x_remote_user": "sara"}
    assert status_of(team.address) == 401
    assert status_of(team.address, X_Remote_User="sara") == 401
    # The health check of the container asks over the socket that the proxy uses.
    health = runpy.run_path(str(DEPLOY / "container/health.py"))["main"]
    assert health(team.log.parent / "sightline.sock", 0) == 0
    anna = Person(
        "anna", team, visit, ignore_https_errors=True, extra_http_headers=forged,
        http_credentials={"username": "anna", "password": PASSWORD},
    )  # fmt: skip
    ask_for_a_case(anna, list(wanted[:1]))
    anna.seen.assert_clean()
    (cookie,) = anna.page.context.cookies()
    assert cookie["secure"]
    assert cookie["httpOnly"]
    sara = Person(
        "sara", team, visit, ignore_https_errors=True,
        http_credentials={"username": "sara", "password": PASSWORD},
    )  # fmt: skip
    approve_it(sara)
    certificate = team.log.parent / "certificate.pem"
    with pytest.raises(NotPermitted, match="this password is not known"):
        connect(team.address, user="anna", password="another", ca_file=certificate)
    with pytest.raises(NotPermitted, match="this token is not known"):
        connect(team.address, token="anna", ca_file=certificate)
    there = connect(team.address, user="anna", password=PASSWORD, ca_file=certificate)
    search_by_program(there, [of_megabytes(wanted[0], 2)])
    (asked,) = [entry for entry in recorded(team.home) if entry["what"] == "case.asked"]
    assert (asked["by"]["account"], asked["by"]["way"]) == ("anna", "proxy")
    ada = Person(
        "ada", team, visit, ignore_https_errors=True,
        http_credentials={"username": "ada", "password": PASSWORD},
    )  # fmt: skip
    people = ada.open("people", ".sl-people")
    ada.reads("supervisor, since")
    assert CASE not in people.inner_text()
    of_sara = people.locator(".sl-sessions > *", has_text="sara, by the proxy")
    sara.page.close()  # else her browser, which knows her password, may begin another at once
    of_sara.get_by_role("button").dblclick()
    ada.reads("Ended 1 session of sara.")
    expect(of_sara.get_by_role("button")).to_be_disabled()  # and in its place, until refreshed
    ada.press("Refresh")
    expect(of_sara).to_have_count(0)
    ada.seen.screenshot("team-4-people")
    ada.seen.assert_clean()
    if os.getuid() == 0:
        sockets = list(Path(team.log).parent.glob("*.sock"))
        assert [path.stat().st_mode & 0o007 for path in sockets] == [0]
