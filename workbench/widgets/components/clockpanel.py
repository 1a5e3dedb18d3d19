"""Clocks on the page of footage: which times are uncertain, what the picture shows, corrections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.casework.clockcorrection import ClockTarget
from workbench.casework.clocks import RecordedStretch
from workbench.footage.clockpictures import AREAS
from workbench.maps.zones import local_time
from workbench.widgets.components import controls
from workbench.widgets.components.clockmodel import Clocks
from workbench.widgets.components.media import address
from workbench.widgets.components.parts import (
    Foldable,
    Panel,
    button,
    count,
    escaped,
    heading,
    markup,
    message,
    row,
    table,
)
from workbench.widgets.components.tasks import IDLE

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.domain import ClockSetting, Stretch
    from workbench.footage.clockpictures import ClockPicture

MOST_ROWS = 50  # of a table
MOST_CHOICES = 200  # recordings offered at once
OTHER = "other"
WORDS = ("First picture", "Last picture")
CHOOSE = "Choose a recording first."
TOLD = ("Camera", "Recording", "From", "Recorded", "Time", "Give or take", "Not certain", "Found")
CHANGED = ("Recording", "From", "Old time", "New time", "Recorded ahead by", "Tracklets", "Kept")

Chosen = Callable[[], RecordedStretch | None]


class ClockPanel(Panel):
    """Recordings whose times are uncertain or were corrected, and what can be done about them.

    Parameters
    ----------
    model : Clocks
    zone : callable
        Returns the zone in which times are shown.
    camera_words : callable
        Names a camera by its id.
    """

    def __init__(
        self, model: Clocks, *, zone: Callable[[], ZoneInfo], camera_words: Callable[[str], str]
    ) -> None:
        self.model, self._zone, self._camera_words = model, zone, camera_words
        self.stretches: tuple[RecordedStretch, ...] = ()
        self._filling = False
        self.told = markup()
        self.which = controls.Dropdown(
            description="Recording", options=[("", None)], layout={"width": "720px"}
        )
        self.more = markup()
        self.compare = ComparePictures(model, self.chosen, zone=zone)
        self.correct = CorrectTimes(model, self.chosen, zone=zone, camera_words=camera_words)
        self.no_roles = markup()
        self.parts = [
            Foldable("Compare with the clock in the picture", self.compare),
            Foldable("Correct or confirm times", self.correct),
        ]
        super().__init__(
            [
                heading("Clocks"),
                markup(
                    '<p class="sl-hint">Recordings whose times are not certain, or were corrected. '
                    "Corrections change the times of everything found in a recording, and are on "
                    "record.</p>"
                ),
                self.told,
                row(self.which, self.more),
                message(model, "clock"),
                *self.parts,
                self.no_roles,
            ]
        )
        for box in (self, self.compare, self.compare.seen, self.correct):
            box.add_class("sl-controls")
        self.add_class("sl-panel")
        self.add_class("sl-clocks")
        self.which.observe(self._on_choice, "value")
        model.observe(self._draw_roles, ["may_look", "may_correct"])
        self._draw_roles()

    def chosen(self) -> RecordedStretch | None:
        """The stretch that is chosen."""
        number = self.which.value
        return None if number is None else self.stretches[number]

    def show(
        self, stretches: Sequence[RecordedStretch], settings: Sequence[ClockSetting] = ()
    ) -> None:
        """List these stretches, those in doubt first, and what holds for those that come later."""
        before = self.chosen()
        in_order = sorted(stretches, key=lambda one: (not one.clock.open_doubt, one.is_plain))
        self.stretches = tuple(in_order)
        told = [one for one in self.stretches if not one.is_plain]
        listed = table(TOLD, (self._told(one) for one in told[:MOST_ROWS]))
        rest = len(told) - MOST_ROWS
        more = f"<p>… and {count(rest, 'more', 'more')}. Choose a camera or a day.</p>"
        self.told.value = (listed or '<p class="sl-hint">No time is in doubt or corrected.</p>') + (
            more if rest > 0 else ""
        )
        for note, number in Counter(one.clock.open_note for one in self.stretches).items():
            words = f"{count(number, 'recording')}: {note}."
            self.told.value += f"<p>{escaped(words)}</p>" if note else ""
        for setting in settings:
            words = f"Also for what is indexed later: {setting.in_words(self._zone())}."
            self.told.value += f"<p>{escaped(words)}</p>"
        offered = self.stretches[:MOST_CHOICES]
        self._filling = True  # what was typed and fetched stays as long as the choice does
        self.which.options = [
            ("Choose a recording", None),
            *((self._label(one), number) for number, one in enumerate(offered)),
        ]
        same = (n for n, one in enumerate(offered) if before and _same(one, before))
        self.which.value = next(same, None)
        self._filling = False
        left = len(self.stretches) - len(offered)
        words = f"{count(left, 'more', 'more')}: choose a camera or a day" if left else ""
        self.more.value = f'<span class="sl-hint">{escaped(words)}</span>'
        if before and self.which.value is None:
            self._on_choice()

    def _label(self, one: RecordedStretch) -> str:
        begins = f", from {one.from_seconds:.1f} s" if one.from_seconds else ""
        doubt = " (not certain)" if one.clock.open_doubt else ""
        time = local_time(one.corrected, self._zone(), "%d %b %Y, %H:%M:%S")
        return f"{one.file}{begins}, {self._camera_words(one.camera_id)}, {time}{doubt}"

    def _told(self, one: RecordedStretch) -> tuple[str, ...]:
        clock, zone = one.clock, self._zone()
        return (
            self._camera_words(one.camera_id),
            one.file,
            f"{one.from_seconds:.1f} s",
            local_time(one.recorded, zone),
            local_time(one.corrected, zone) if clock.offset_seconds else "as recorded",
            "" if clock.uncertainty_seconds is None else f"{clock.uncertainty_seconds:.3g} s",
            f"⚠ {clock.open_doubt}" if clock.open_doubt else "",
            _found(clock, zone),
        )

    def _on_choice(self, _: object = None) -> None:
        if self._filling:
            return
        self.model.forget()
        self.correct.offer()

    def _draw_roles(self, _: object = None) -> None:
        look, correct = self.model.may_look, self.model.may_correct
        for part, there in zip(self.parts, (look, correct), strict=True):
            part.layout.display = "" if there else "none"
        words = "" if correct else "Supervisors and administrators correct clocks. "
        words += "A comparison that you make is on record for them." if look and words else ""
        self.no_roles.value = f'<p class="sl-hint">{escaped(words)}</p>' if words else ""


class ComparePictures(Panel):
    """Look at the clock in the first and last picture, and type what it shows."""

    def __init__(self, model: Clocks, chosen: Chosen, *, zone: Callable[[], ZoneInfo]) -> None:
        self.model, self._chosen, self._zone = model, chosen, zone
        self.area = controls.Dropdown(
            options=[
                ("Not known yet: pixelate everything", ""),
                *((name.capitalize(), name) for name in AREAS),
                ("Another part", OTHER),
            ],
            description="Clock is at",
            layout={"width": "380px"},
        )
        self.part = controls.Text(
            placeholder="60,2,38,8",
            description="Part in %",
            tooltip="Left, top, width and height of the clock in percent of the picture",
            layout={"width": "240px"},
        )
        self.show = button("Show the pictures", self._look)
        self.pictures = [markup("", "sl-clock") for _ in WORDS]
        self.readings = [
            controls.Text(
                description="Clock shows",
                placeholder="18:04:07",
                tooltip=f"What the clock shows in the {word.lower()}",
                style={"description_width": "initial"},
                layout={"width": "300px"},
            )
            for word in WORDS
        ]
        self.sides = [
            controls.VBox(pair) for pair in zip(self.pictures, self.readings, strict=True)
        ]
        self.ahead = _seconds("That clock was ahead by", "0 if it was right, negative if behind")
        self.within = _seconds("give or take", "By how much that may be wrong")
        self.how = _how()
        self.compare = button("Compare", self._compare_readings, style="primary")
        self.words = markup()
        self.seen = controls.VBox(
            [
                row(*self.sides),
                row(self.ahead, self.within),
                row(self.how, self.compare),
                self.words,
            ]
        )
        super().__init__([row(self.area, self.part, self.show), self.seen])
        self.area.observe(self._draw, "value")
        model.observe(self._draw_view, "view")
        model.observe(self._draw, ["words", "state"])
        self._draw_view()

    def _look(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            self.model.say("clock", CHOOSE)
            return
        area = self.part.value if self.area.value == OTHER else str(self.area.value)
        self.model.look(chosen.recording_id, chosen.from_seconds, area)

    def _compare_readings(self) -> None:
        view = self.model.view
        if view is None:
            return
        self.model.compare(
            [field.value for field in self.readings[: len(view.pictures)]],
            zone=self._zone(),
            ahead=self.ahead.value,
            uncertainty=self.within.value,
            how=self.how.value,
        )

    def _draw_view(self, _: object = None) -> None:
        view = self.model.view
        pictures: Sequence[ClockPicture] = view.pictures if view else ()
        for number, (side, shown) in enumerate(zip(self.sides, self.pictures, strict=True)):
            there = view is not None and number < len(pictures)
            side.layout.display = "" if there else "none"
            shown.value = self._figure(number) if there else ""
        for field in self.readings:
            field.value = ""
        self._draw()

    def _figure(self, number: int) -> str:
        view = self.model.view
        assert view is not None
        picture = view.pictures[number]
        stated = local_time(view.stretch.stated(picture.seconds), self._zone())
        word = WORDS[number]
        source = address(picture.png, "image/png")
        return (
            f'<figure><img alt="{word}, pixelated but for the clock" src="{source}">'
            f"<figcaption>{word}: {escaped(stated)} by the catalogue</figcaption></figure>"
        )

    def _draw(self, _: object = None) -> None:
        self.part.layout.display = "" if self.area.value == OTHER else "none"
        self.seen.layout.display = "" if self.model.view else "none"
        self.show.disabled = self.compare.disabled = self.model.state != IDLE
        words = self.model.words
        self.words.value = f'<p role="status">{escaped(words)}</p>'


class CorrectTimes(Panel):
    """State how far a clock was ahead, for a recording, a folder or a camera; or confirm it."""

    def __init__(
        self,
        model: Clocks,
        chosen: Chosen,
        *,
        zone: Callable[[], ZoneInfo],
        camera_words: Callable[[str], str],
    ) -> None:
        self.model, self._chosen = model, chosen
        self._zone, self._camera_words = zone, camera_words
        self.target = controls.Dropdown(
            description="Applies to", layout={"width": "520px"}, options=[("", "")]
        )
        self.ahead = _seconds("The time is ahead by", "Negative if it is behind")
        self.within = _seconds("give or take", "By how much the corrected time may be wrong")
        self.how = _how()
        self.preview = button("Preview", lambda: self._correct(dry_run=True))
        self.correct = button("Correct", lambda: self._correct(dry_run=False), style="primary")
        self.confirm = button(
            "Confirm these times",
            lambda: self._do(None, dry_run=False),
            label="State that the times shown are right; say how that is known",
        )
        self.changes = markup()
        super().__init__(
            [
                self.target,
                row(self.ahead, self.within),
                row(self.how, self.preview, self.correct, self.confirm),
                message(model, "correct"),
                self.changes,
            ]
        )
        model.observe(self._draw, ["changes", "state"])
        model.observe(self._fill, "comparisons")
        self._draw()

    def offer(self) -> None:
        """Offer what a correction may apply to, and what a comparison on record has shown."""
        told = self._chosen()
        if told is None:
            self.target.options = [("", "")]
            return
        folder = told.file.rpartition("/")[0]
        self.target.options = [
            *(
                []
                if told.is_all
                else [
                    (
                        f"This recording from {told.from_seconds:.1f} s to "
                        f"{told.until_seconds:.1f} s",
                        "stretch",
                    )
                ]
            ),
            ("All of this recording" + ("" if told.is_all else ", every stretch"), "recording"),
            (f"All recordings of {self._camera_words(told.camera_id)}", "camera"),
            *([(f"All recordings in the folder {folder}", "folder")] if folder else []),
        ]
        self._fill()

    def _fill(self, _: object = None) -> None:
        told = self._chosen()
        found = told and self.model.compared(told.recording_id, told.from_seconds)
        self.ahead.value = f"{found.offset_seconds:.3f}" if found else ""
        self.within.value = f"{found.uncertainty_seconds:.3f}" if found else ""
        self.how.value = found.how if found else ""

    def _correct(self, *, dry_run: bool) -> None:
        self._do(self.ahead.value, dry_run=dry_run)

    def _do(self, ahead: str | None, *, dry_run: bool) -> None:
        told = self._chosen()
        if told is None:
            self.model.say("correct", CHOOSE)
            return
        self.model.correct(
            _target(told, str(self.target.value)),
            ahead=ahead,
            uncertainty=self.within.value,
            how=self.how.value,
            dry_run=dry_run,
        )

    def _draw(self, _: object = None) -> None:
        busy = self.model.state != IDLE
        for one in (self.preview, self.correct, self.confirm):
            one.disabled = busy
        self.changes.value = _changes(self.model, self._zone())


def _target(chosen: RecordedStretch, what: str) -> ClockTarget:
    if what == "camera":
        return ClockTarget(camera_id=chosen.camera_id)
    if what == "folder":
        return ClockTarget(folder=chosen.file.rpartition("/")[0], catalogue=chosen.catalogue)
    if what == "stretch":
        return ClockTarget(
            recording=chosen.recording_id, from_seconds=chosen.from_seconds, alone=True
        )
    return ClockTarget(recording=chosen.recording_id, all_stretches=not chosen.is_all)


def _same(one: RecordedStretch, other: RecordedStretch) -> bool:
    return (one.recording_id, one.from_seconds) == (other.recording_id, other.from_seconds)


def _found(clock: Stretch, zone: ZoneInfo) -> str:
    """Say who found an offset, when and how."""
    if clock.found_at is None:
        return clock.how
    return f"{clock.found_by}, {local_time(clock.found_at, zone)}: {clock.how}"


def _changes(model: Clocks, zone: ZoneInfo) -> str:
    """Old and new times, planned or made."""
    if not model.changes:
        return ""
    kept = sum(bool(one.kept) for one in model.changes)
    number = count(len(model.changes) - kept, "time")
    words = f"Nothing has changed yet. This would correct or confirm {number}."
    if model.made:
        words = f"Corrected or confirmed: {number}."
    rows = (
        (
            one.file,
            f"{one.from_seconds:.1f} s",
            local_time(one.old_start, zone),
            local_time(one.new_start, zone),
            f"{one.new_offset_seconds:+,.1f} s",
            f"{one.tracklets:,}",
            one.kept,
        )
        for one in model.changes[:MOST_ROWS]
    )
    if kept:
        words += f" Kept as before: {count(kept, 'time')}."
    rest = len(model.changes) - MOST_ROWS
    if rest > 0:
        words += f" The first {MOST_ROWS} of them:"
    for note, number_of_them in Counter(one.note for one in model.changes if one.note).items():
        words = f"⚠ Look at {count(number_of_them, 'time')} again: {note}. {words}"
    return f'<p role="status">{escaped(words)}</p>{table(CHANGED, rows)}'


def _how() -> Any:
    return controls.Text(
        description="How that is known",
        placeholder="compared with the speaking clock on 2 April",
        style={"description_width": "initial"},
        layout={"width": "560px"},
    )


def _seconds(description: str, tooltip: str) -> Any:
    """A field for a number of seconds, which says so."""
    return controls.Text(
        description=description,
        tooltip=f"{tooltip}, in seconds",
        placeholder="seconds",
        style={"description_width": "initial"},
        layout={"width": "280px"},
    )
