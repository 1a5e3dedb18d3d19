"""Notes and markers of a case, and what of its footage was watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from traitlets import Instance, Tuple, Unicode

from workbench.casework.evidence.noted import note_rows, viewing_rows
from workbench.casework.notes import Matter, Notes, may_be_noted, notes, withdraw_note, write_note
from workbench.casework.plaintext import LONGEST_TEXT
from workbench.errors import SightlineError
from workbench.maps.zones import local_time
from workbench.widgets.components import controls
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    markup,
    message,
    row,
    table,
)
from workbench.widgets.components.tasks import Tasks

if TYPE_CHECKING:
    from workbench.casework.viewing import Watched
    from workbench.installation import Installation
    from workbench.widgets.components.work import Work

WITHHELD = (
    "{} of others not shown: you may come to decide in the review of this case, and notes tell "
    "what others think."
)


class NotesModel(Tasks):
    """View-model of the notes of a case, and of what one more can be about.

    Problems are reported in ``messages``, under ``notes``.

    Parameters
    ----------
    installation : Installation
        Whose record is read and written.
    whole : bool
        Show all notes of the case; else those about what is in ``matters``.
    """

    case = Unicode(help="reference of the case; empty for none")
    matters = Tuple(help="what a note can be about, each a Matter; the first is offered")
    found = Instance(Notes, (), help="notes that the person at the page may know of")
    ended = Unicode(help="status of a case whose notes stay as they are; empty: they are written")

    def __init__(
        self, installation: Installation, *, whole: bool = False, work: Work | None = None
    ) -> None:
        super().__init__(work)
        self.installation, self.whole = installation, whole

    @property
    def shown(self) -> tuple[Any, ...]:
        """The notes that are listed."""
        if self.whole:
            return self.found.shown
        wanted = {(one.kind, one.subject) for one in self.matters}
        return tuple(one for one in self.found.shown if (one.kind, one.subject) in wanted)

    def take(self, case: str, matters: Sequence[Matter]) -> None:
        """Take a case, and what notes can be about."""
        self.say("notes")
        if case != self.case:
            self.found, self.ended = Notes(), ""
        self.case, self.matters = case, tuple(matters)
        self.refresh()

    def refresh(self) -> None:
        """Read the notes again."""
        if not self.case:
            return
        try:
            self.found = notes(self.installation.register, self.case)
            case = self.installation.register.case(self.case)
            self.ended = "" if may_be_noted(case) else case.status()
        except SightlineError as error:
            self.found = Notes()
            self.say("notes", str(error))

    def write(self, matter: Matter, text: str) -> bool:
        """Record a note; False if it was refused."""
        return self._do(lambda: write_note(self.installation.register, self.case, matter, text))

    def withdraw(self, number: int) -> bool:
        """Withdraw a note of one's own; False if it was refused."""
        return self._do(lambda: withdraw_note(self.installation.register, self.case, number))

    def _do(self, act: Callable[[], object]) -> bool:
        self.say("notes")
        try:
            act()
        except SightlineError as error:
            self.say("notes", str(error))
            return False
        self.refresh()
        return True


class NotesPanel(Panel):
    """Notes of a case in a table, a line to write one, and the withdrawal of one's own."""

    def __init__(self, model: NotesModel, zone: tzinfo) -> None:
        self.model, self.zone = model, zone
        self.listed, self.about = markup(), controls.Dropdown(tooltip="What the note is about")
        self.about.layout.width = "auto"
        self.text = controls.Text(
            placeholder="A note, for the record",
            layout={"flex": "1 1 260px"},
            tooltip=f"At most {LONGEST_TEXT} characters; members of the case can read it",
        )
        self.own = controls.Dropdown(tooltip="A note that you wrote")
        self.own.layout.width = "auto"
        self.withdrawing = row(
            self.own,
            button("Withdraw it", self._withdraw, label="The record keeps it as withdrawn"),
        )
        self.writing = row(self.about, self.text, button("Add the note", self._write))
        super().__init__([self.listed, self.writing, self.withdrawing, message(model, "notes")])
        self.add_class("sl-notes")
        model.observe(self._draw, ["found", "case", "ended"])
        model.observe(self._offer, "matters")
        self._offer()
        self._draw()

    def _write(self) -> None:
        if self.about.value is not None and self.model.write(self.about.value, self.text.value):
            self.text.value = ""

    def _withdraw(self) -> None:
        if self.own.value is not None:
            self.model.withdraw(self.own.value)

    def _offer(self, _: object = None) -> None:
        matters = self.model.matters
        first = matters[0].kind if matters else ""
        options = [(_matter_words(one, first, self.zone), one) for one in matters]
        self.about.options = options
        self.about.index = 0 if options else None
        self._draw()

    def _draw(self, _: object = None) -> None:
        model = self.model
        local = local_of(self.zone)
        columns = ("Written", "By", "About", "Note")
        words = table(columns, note_rows(model.shown, local)) or (
            "" if model.found.withheld else '<p class="sl-hint">Nothing is noted yet.</p>'
        )
        if model.found.withheld:
            hidden = WITHHELD.format(count(model.found.withheld, "note"))
            words += f'<p class="sl-hint">{escaped(hidden)}</p>'
        if model.ended:
            over = f"The case is {model.ended}: notes are written and withdrawn under an open one."
            words += f'<p class="sl-hint">{escaped(over)}</p>'
        self.listed.value = words
        try:
            me = model.installation.register.me.account if model.case else ""
        except SightlineError:
            me = ""  # who is not known has written none
        mine = [one for one in model.shown if one.by == me and not one.withdrawn]
        self.own.options = [(f"{local(one.at)}: {one.text[:40]}", one.number) for one in mine]
        self.own.index = len(mine) - 1 if mine else None
        self.writing.layout.display = "none" if model.ended else ""
        self.withdrawing.layout.display = "" if mine and not model.ended else "none"


def _matter_words(one: Matter, first: str, zone: tzinfo) -> str:
    """Name a matter; *first* is the kind of the one that is open, to which the others belong."""
    if one.kind == "case":
        return "The case"
    if one.second is not None and one.moment is not None:
        return f"Marker at {one.moment.astimezone(zone):%H:%M:%S}"
    of = "This" if one.kind == first else "Its"
    what = {"candidate": "face", "camera": "camera"}.get(one.kind, "recording")
    return f"{of} {what}"


def local_of(zone: tzinfo) -> Callable[[datetime], str]:
    """Make what formats times of a table in a zone."""
    return lambda moment: local_time(moment, zone)


def watched_table(found: Watched, zone: tzinfo) -> str:
    """Write as HTML what was watched, by whom, and how much was not."""
    columns = ("Recording", "Camera", "From", "To", "Shown", "By", "When")
    rows = table(columns, viewing_rows(found.viewings, local_of(zone)))
    return f"<p>{escaped(found.words)}</p>{rows}"
