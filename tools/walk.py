"""A whole case of the demo in the browser: every part, from the request to the audit page.

`tools/screenshots.py` makes the pictures of README and the guides of it. The browser tests of the
demo and of a team take its steps, so that it goes where the pages go.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

WANTED = "Maren Holt"
NOTE = "White collar and green coat, as in the photographs."
REASON = "Skin, outline and composition are alike."

Look = Callable[[str, str], object]
"""Called with the name of a picture, and what selects the panel that it shows, or nothing."""


class Walk:
    """The steps of a case, as the people take them whose work they are.

    Parameters
    ----------
    page : Page
        A page of Chromium.
    address : str
        The address that `sightline demo` prints, with its token.
    look : callable
        Called where there is something to see.
    case : str
        Reference of the case.
    """

    def __init__(
        self, page: Page, address: str, look: Look = lambda *_: None, *, case: str = "DEMO-1"
    ) -> None:
        self.page, self.address, self.look, self.case = page, address, look, case

    def take(self) -> Path:
        """Walk through the demo to its end; the court package that was saved."""
        self.to_sightings()
        self.play("Sara")
        package = self.package()
        self.go("Cases")
        self.close()
        self.play("Otto")
        self.audit()
        return package

    def to_sightings(self) -> None:
        """Walk from the front page to what is confirmed."""
        page = self.page
        page.goto(self.address)
        page.get_by_text("The demo from its beginning to its end").wait_for()
        self.play("Anna")
        self.go("Cases", ".sl-cards")
        self.request()
        self.play("Sara")
        self.approve()
        self.play("Anna")
        self.go("Investigate")
        self.search()
        self.compare()
        self.note()
        self.sort()
        self.follow()
        self.press("Send to review")
        self.go("Open Review", ".sl-reviewing")
        page.get_by_text("takes no part in its review").wait_for()
        for part in ("Rosa", "Tom"):
            self.play(part)
            self.decide()
        self.go("Open Sightings", ".sl-review")

    def play(self, part: str) -> None:
        """Be another of the demo's people from here on."""
        button = self.page.locator(".sl-parts").get_by_role("button", name=part)
        with self.page.expect_navigation():
            button.click()
        expect(button).to_have_attribute("aria-pressed", "true")

    def go(self, name: str, within: str = ".sl-nav") -> None:
        """Follow a link to another page."""
        with self.page.expect_navigation():
            self.page.locator(within).get_by_role("link", name=name).click()

    def press(self, name: str) -> None:
        """Press the button of that name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def request(self) -> None:
        """Request a case: what the demo fills in, and the subject."""
        self.press("▸ Request a case")
        self.press(WANTED)
        self._photographs()
        self.look("request", "")
        self.press("Request the case")
        self.page.get_by_text(f"You requested {self.case}.").wait_for()

    def approve(self) -> None:
        """Read the case that was requested, and approve it."""
        self.page.get_by_role("button", name="Approve", exact=True).wait_for()
        self.look("approve", "")
        self.press("Approve")
        self.page.get_by_text(f"You approved {self.case}; it is open.").wait_for()

    def search(self) -> None:
        """Search in all that the case allows."""
        self.press(WANTED)
        self.press("Use its area and time")
        self._photographs()
        self.look("question", "")
        self.press("Search")
        self.page.locator(".sl-summary h2").wait_for()
        self.page.locator(".sl-card").first.wait_for()
        self.look("investigate", "")

    def compare(self) -> None:
        """Lay the first candidate beside the target."""
        self.page.locator(".sl-card-open").first.click()
        self.page.locator(".sl-comparing .sl-aligned").wait_for()
        self.look("compare", ".sl-comparing")

    def note(self) -> None:
        """Note something on the candidate that is compared."""
        notes = self._shown(".sl-notes")
        words = notes.get_by_placeholder("A note, for the record")
        words.fill(NOTE)
        words.press("Tab")
        notes.get_by_role("button", name="Add the note").click()
        notes.locator("td", has_text=NOTE).wait_for()
        self.look("note", ".sl-notes")

    def sort(self) -> None:
        """Sort the candidates from the first on, all but the last, which opens at the end."""
        page = self.page
        page.locator(".sl-comparing").focus()
        for number in range(1, page.locator(".sl-card").count()):
            page.keyboard.press("s")
            expect(page.locator(".sl-card", has_text="✓ Same")).to_have_count(number)

    def follow(self) -> None:
        """Look at the footage around a candidate or sighting, and for cameras to look at next."""
        self.press("Look at the footage")
        self._shown(".sl-watching video").wait_for()
        self._led(".sl-watching")
        self.look("watch", ".sl-watching")
        self.press("Follow from here")
        self._shown(".sl-following tbody tr").wait_for()
        self._led(".sl-following")
        self.look("follow", ".sl-following")

    def decide(self) -> None:
        """Decide on each face that waits, with the keys."""
        page, keyboard, sheet = self.page, self.page.keyboard, self.page.locator(".sl-sheet")
        page.get_by_text("to decide on.").wait_for()
        for left in range(9, 0, -1):
            faces = page.get_by_text(f"{left} face{'s' if left > 1 else ''} to decide on.")
            if not faces.is_visible():
                continue
            for key in "sss7r":
                keyboard.press(key)
            keyboard.type(REASON)
            self.look("review", "")
            sheet.get_by_role("button", name="Record the decision").click()
            expect(faces).to_be_hidden()

    def package(self) -> Path:
        """Read what is confirmed, and save the court package."""
        page = self.page
        page.get_by_text("confirmed sighting").first.wait_for()
        self.look("sightings", "")
        with page.expect_download() as download:
            self.press("Make the court package")
        page.get_by_text(f"is on record under {self.case}").wait_for()
        self.look("package", ".sl-package")
        return download.value.path()

    def close(self) -> None:
        """Close the case that is shown, and read its history."""
        page = self.page
        reason = self._shown('.sl-one-case input[placeholder="Reason, for the record"]')
        reason.fill("She was found.")
        reason.press("Tab")
        self.press("Close the case")
        page.get_by_text(f"You closed {self.case}.").wait_for()
        self.press("▸ History")
        page.locator(".sl-one-case td", has_text="closed").first.wait_for()
        self.look("history", "")

    def audit(self) -> None:
        """Read who did what."""
        self.go("Audit", ".sl-nav, .sl-cards")
        self.page.locator(".sl-audit td", has_text="rosa").first.wait_for()
        self.look("audit", "")

    def _photographs(self) -> None:
        self.page.locator(".sl-photographs img").nth(2).wait_for()

    def _led(self, selector: str) -> None:
        """Wait until the page has led to a part of it, and moves the focus no more."""
        self.page.wait_for_function(
            "part => document.activeElement.matches(`${part} .sl-heading`)", arg=selector
        )

    def _shown(self, selector: str) -> Locator:
        return self.page.locator(selector).locator("visible=true").first
