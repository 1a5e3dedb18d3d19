"""The administrators' page: who has which role, given by whom, and who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Set, Tuple, Unicode

from workbench.casework.accounts import accounts
from workbench.casework.record.people import ROLES
from workbench.casework.signedin import end_on_record, sessions_of
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.components import controls
from workbench.widgets.components.header import PageHeader
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    heading,
    markup,
    message,
    refusal,
    row,
)
from workbench.widgets.components.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from workbench.casework.accounts import Account
    from workbench.casework.signedin import SignedInPerson

WAYS = {
    "account": "at a desk", "hub": "by the hub", "proxy": "by the proxy", "token": "by a token",
}  # fmt: skip


def people(*, installation: Installation | None = None) -> Any:
    """The whole page, as a widget to display; for administrators.

    >>> from workbench.widgets import people
    >>> people()                                                        # doctest: +SKIP
    """
    try:
        installation = installation or Installation.open()
        page = PeoplePage(PeopleModel(installation=installation))
        page.children = (*page.children, PageHeader(installation))
        return page
    except SightlineError as error:
        return refusal("People are not shown", error)


class PeopleModel(Tasks):
    """View-model of accounts, their roles and their sessions.

    Problems are reported in ``messages``, under ``roles`` or ``sessions``.

    Raises
    ------
    SightlineError
        If the person at the page is no administrator, or the record cannot be read.
    """

    accounts = Tuple(help="each an Account, by name")
    sessions = Tuple(
        help="each a SignedInPerson, the oldest first; one that ends keeps its place until refresh"
    )
    ended = Set(help="the ids of those that are no more")
    said = Unicode(help="what was done last")
    field = Unicode("roles", help="what it was done to: roles or sessions")

    def __init__(self, *, installation: Installation) -> None:
        super().__init__()
        self.installation = installation
        self.zone: ZoneInfo = installation.settings.zone or UTC_ZONE
        self.accounts = accounts(installation.register)
        self._list_sessions()

    def refresh(self) -> None:
        """Read everything again."""
        with self.hold_trait_notifications():
            self.sessions, self.ended = (), set()
        self._do("roles", lambda: "")

    def give(self, account: str, role: str) -> bool:
        """Give a role to an account; False if that was refused."""
        return self._change(account, role, granted=True)

    def take_back(self, account: str, role: str) -> bool:
        """Take a role back from an account; False if that was refused."""
        return self._change(account, role, granted=False)

    def end(self, session: SignedInPerson) -> None:
        """End a session, with the pages of it that are open; nothing if it has ended."""
        if session.id in self.ended:
            return

        def job() -> str:
            ended = end_on_record(self.installation.register, session.id)
            return f"Ended {count(len(ended), 'session')} of {session.account}."

        self._do("sessions", job)

    def _change(self, account: str, role: str, *, granted: bool) -> bool:
        name = account.strip()
        if not name or not role:
            self.say("roles", "Type the name with which the person signs in, and choose the role.")
            return False

        def job() -> str:
            register = self.installation.register
            before = register.people.roles
            after = register.grant(name, role, granted=granted).roles
            if not granted:
                return f"{name} is no longer {role}."
            return f"{name} is {role} already." if after == before else f"{name} is {role} now."

        return self._do("roles", job)

    def _do(self, field: str, job: Callable[[], str]) -> bool:
        self.say(field)
        self.said, self.field = "", field
        try:
            said = job()
            self.accounts = accounts(self.installation.register)
        except SightlineError as error:
            self.say(field, str(error))
            return False
        self._list_sessions()
        self.said = said
        return True

    def _list_sessions(self) -> None:
        try:
            found = sessions_of(self.installation.register.folder)
        except SightlineError as error:
            with self.hold_trait_notifications():
                self.sessions, self.ended = (), set()
            self.say("sessions", str(error))
            return
        known = {one.id: one for one in sorted(found, key=lambda one: one.began)}
        kept = {one.id: known.get(one.id, one) for one in self.sessions}
        with self.hold_trait_notifications():
            self.ended = kept.keys() - known.keys()
            # Nothing moves up: a click too many would end the session of another person.
            self.sessions = tuple((kept | known).values())


class PeoplePage(Panel):
    """The accounts with their roles, and below them the sessions."""

    def __init__(self, model: PeopleModel) -> None:
        self.model = model
        self.table, self.said, self.ended = markup(), markup(), markup()
        self.account = controls.Text(
            placeholder="Name with which they sign in", tooltip="Name", layout={"width": "260px"}
        )
        self.role = controls.Dropdown(
            options=[("Choose the role…", ""), *((role.capitalize(), role) for role in ROLES)],
            tooltip="Role", layout={"width": "180px"},
        )  # fmt: skip
        self.sessions = controls.VBox()
        self.sessions.add_class("sl-sessions")
        zone = f'<p class="sl-hint">Times are those of {escaped(model.zone.key)}.</p>'
        roles = Panel(
            [
                heading("People"),
                row(
                    button("Refresh", model.refresh, label="Read everything again"),
                    self.account,
                    self.role,
                    button("Give the role", partial(self._change, model.give)),
                    button("Take it back", partial(self._change, model.take_back)),
                ),
                message(model, "roles"),
                self.said,
                self.table,
                markup(zone),
            ]
        )
        # What is said stands below the buttons, which stay where they are under the mouse.
        signed_in = Panel(
            [heading("Signed in"), self.sessions, message(model, "sessions"), self.ended]
        )
        for panel in (roles, signed_in):
            panel.add_class("sl-panel")
        super().__init__([roles, signed_in])
        self.add_class("sl-board")
        self.add_class("sl-people")
        model.observe(self._draw, ["accounts", "sessions", "ended", "said"])
        self._draw()

    def _change(self, act: Callable[[str, str], bool]) -> None:
        if act(self.account.value, self.role.value):
            self.account.value, self.role.value = "", ""

    def _draw(self, _: object = None) -> None:
        model = self.model
        self.table.value = _table(
            ("Account", "Roles", "Taken back", "Member of open cases", "Last sign-in"),
            [self._row(one) for one in model.accounts],
        )
        self.sessions.children = [self._session(one) for one in model.sessions] or [
            markup('<p class="sl-hint">No one is signed in at a server.</p>')
        ]
        for field, shown in (("roles", self.said), ("sessions", self.ended)):
            words = escaped(model.said) if model.field == field else ""
            shown.value = f'<div role="status">{words and f"<p>{words}</p>"}</div>'

    def _row(self, one: Account) -> tuple[Sequence[str], ...]:
        has = []
        for role in one.roles:
            change = one.change_of(role)
            since = f", since {self._time(change.at)}, {change.words}" if change else ""
            has.append(f"{role}{since}")
        gone = [
            f"{change.role}, {self._time(change.at)}, {change.words}"
            for change in one.changes
            if not change.given
        ]
        cases = [*one.cases, *([f"{count(one.other_cases, 'case')}"] if one.other_cases else [])]
        last = self._time(one.signed_in) if one.signed_in else ""
        return (
            [one.name],
            has or ["no role"],
            gone,
            [", ".join(cases)],
            [", ".join(filter(None, (last, WAYS.get(one.way, one.way))))],
        )

    def _session(self, one: SignedInPerson) -> Any:
        way, pages = WAYS.get(one.way, one.way), count(one.kernels, "open page")
        began, used = self._time(one.began), self._time(one.used)
        words = f"{one.account}, {way}, since {began}, last used {used}, {pages}"
        end = button(
            "End session",
            partial(self.model.end, one),
            label=f"End the session of {one.account} that began {began}",
        )
        if one.id in self.model.ended:
            end.disabled = True
            words = f"{one.account}, {way}, since {began}: ended"
        return row(end, markup(f"<p>{escaped(words)}</p>"))

    def _time(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.model.zone):%d %b %Y, %H:%M}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Sequence[str]]]) -> str:
    """Write a table whose cells hold several lines each."""
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in heads)

    def cells(one: Sequence[Sequence[str]]) -> str:
        return "".join(f"<td>{'<br>'.join(map(escaped, cell))}</td>" for cell in one)

    body = "".join(f"<tr>{cells(one)}</tr>" for one in rows)
    return (
        '<div class="sl-scroll" tabindex="0"><table class="sl-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
