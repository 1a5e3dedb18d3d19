"""Photographs of a person, with the faces found in them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PIL import Image as Pictures

from workbench.domain import MOST_PHOTOGRAPHS
from workbench.errors import ImageError
from workbench.faces.photographs import MOST_BYTES
from workbench.widgets.components import controls
from workbench.widgets.components.media import address
from workbench.widgets.components.parts import (
    Panel,
    button,
    escaped,
    heading,
    listed,
    markup,
    message,
    quality_words,
    row,
)
from workbench.widgets.components.photographs import Photographs, Upload
from workbench.widgets.components.tasks import LOADING
from workbench.widgets.components.townspeople import offered_people
from workbench.widgets.components.uploader import File, Uploader

if TYPE_CHECKING:
    from workbench.domain import Image
    from workbench.widgets.components.agreement import Agreement

SHOWN_SIZE = 480  # pixels; what is shown is never enlarged to more than half of it on the page
# Some systems do not count HEIC among the pictures.
ACCEPTED = "image/*,.heic,.heif"
HINT = (
    "One to ten photographs of the same person, sharp, evenly lit, seen from the front. "
    "Several photographs work better than one."
)


class TargetPanel(Panel):
    """Upload photographs, see their faces, choose the person where there are several.

    Parameters
    ----------
    model : Photographs
        The view-model.
    *below : widgets
        What a page adds under the photographs.
    step : int, optional
        The number in the heading.
    above : widget, optional
        What a page adds beside the button with which photographs are added.
    details : callable, optional
        Makes what a page adds beside each photograph.
    """

    def __init__(
        self,
        model: Photographs,
        *below: Any,
        step: int | None = None,
        above: Any = None,
        details: Callable[[Upload], Any] | None = None,
    ) -> None:
        self.model, self._details = model, details
        self.upload = Uploader(
            self._on_upload, description="Add photographs", accept=ACCEPTED, most_bytes=MOST_BYTES
        )
        self.hint = markup(f'<p class="sl-hint">{HINT}</p>')
        self.busy = markup()
        self.together = markup()
        self.photographs = controls.HBox()
        self._boxes: dict[Upload, Any] = {}
        self.photographs.add_class("sl-photographs")
        super().__init__(
            [
                heading(model.person.capitalize(), step=step),
                self.hint,
                self.upload,
                *offered_people(model),
                *([above] if above is not None else []),
                self.busy,
                message(model, "target"),
                self.photographs,
                self.together,
                *below,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-target")
        model.observe(self._draw, "uploads")
        model.observe(self._show_busy, ["state", "doing"])
        self._draw()
        self._show_busy()

    def _on_upload(self, files: list[File]) -> None:
        self.model.add_photographs([(f.name, f.content) for f in files if f.content is not None])
        for file in files:
            if file.content is None:
                error = ImageError(
                    f"is {file.size / 2**20:.0f} MB",
                    where=file.name,
                    fix=f"Use one of at most {MOST_BYTES // 2**20} MB",
                )
                self.model.say("target", str(error), also=True)

    def _draw(self, _: object = None) -> None:
        old = self._boxes
        self._boxes = {
            upload: old[upload] if upload in old else self._photograph(upload)
            for upload in self.model.uploads
        }
        self.photographs.children = list(self._boxes.values())
        for upload in old.keys() - self._boxes.keys():
            old[upload].close()
        self.upload.disabled = len(self.model.uploads) >= MOST_PHOTOGRAPHS
        self.hint.layout.display = "none" if self.model.uploads else ""
        found = self.model.agreement
        for upload, box in self._boxes.items():
            box.about(_about(self.model, upload, found))
        self.together.value = _together(self.model, found)

    def _show_busy(self, _: object = None) -> None:
        busy = self.model.doing if self.model.state == LOADING else ""
        self.busy.value = f'<span role="status" class="sl-busy">{escaped(busy)}</span>'

    def _photograph(self, upload: Upload) -> _Photograph:
        return _Photograph(self.model, upload, *([self._details(upload)] if self._details else []))


class _Photograph(controls.HBox):  # type: ignore[misc]
    """One photograph: its picture, a description, and what can be done with it."""

    def __init__(self, model: Photographs, upload: Upload, *details: Any) -> None:
        name, faces = upload.found.name, len(upload.found.faces)
        choices = [
            button(
                f"Face {number}",
                partial(model.choose_face, upload.key, number - 1),
                style="primary" if upload.chosen == number - 1 else "",
                label=f"Face {number} of {name} is the {model.person}",
            )
            for number in range(1, faces + 1)
            if faces > 1
        ]
        switch = controls.Checkbox(
            upload.used, description="Use", indent=False, tooltip=f"Use {name}"
        )
        switch.observe(lambda change: model.use_photograph(upload.key, change["new"]), "value")
        switch.add_class("sl-use")
        remove = button(
            "Remove", partial(model.remove_photograph, upload.key), label=f"Remove {name}"
        )
        self.words = markup()
        box = controls.VBox([self.words, row(*choices, switch, remove), *details])
        super().__init__([markup(picture(upload)), box])
        self.add_class("sl-photograph")
        if upload.photograph is None:
            self.add_class("sl-choose")
        if not upload.used:
            self.add_class("sl-unused")

    def about(self, words: str) -> None:
        if self.words.value != words:
            self.words.value = words


def picture(upload: Upload) -> str:
    """The photograph as HTML, its faces outlined and numbered, the chosen one emphasised."""
    height, width = upload.found.image.shape[:2]
    several = len(upload.found.faces) > 1
    letter = max(width, height) / 12
    tall = letter * 1.15
    marks = []
    for number, face in enumerate(upload.found.faces, start=1):
        box, chosen = face.box, upload.chosen == number - 1
        kind = "sl-chosen" if chosen else "sl-other"
        marks.append(
            f'<rect class="{kind}" x="{box.x:.0f}" y="{box.y:.0f}" '
            f'width="{box.width:.0f}" height="{box.height:.0f}"/>'
        )
        if several:
            # Above the face where there is room, so that the number hides nothing of it.
            x, y = max(box.x, 0), box.y - tall if box.y >= tall else max(box.y, 0)
            marks.append(
                f'<rect class="{kind} sl-plate" x="{x:.0f}" y="{y:.0f}" width="{letter:.0f}" '
                f'height="{tall:.0f}"/><text class="{kind}" x="{x + letter / 2:.0f}" '
                f'y="{y + letter * 0.95:.0f}" font-size="{letter:.0f}">{number}</text>'
            )
    said = f"{upload.found.name}: {len(upload.found.faces)} faces outlined" if several else ""
    return (
        f'<div class="sl-picture"><img src="{address(_small_jpeg(upload.found.image))}" '
        f'alt="{escaped(said or upload.found.name)}">'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(marks)}</svg></div>'
    )


def _about(model: Photographs, upload: Upload, found: Agreement) -> str:
    name = f'<strong class="sl-name">{escaped(upload.found.name)}</strong>'
    if upload.photograph is None:
        ask = f"{len(upload.found.faces)} faces. Which one is the {model.person}?"
        return f'{name}<p class="sl-warning">{ask}</p>'
    words = quality_words(upload.photograph.quality.overall)
    kind = "sl-warning" if words == "poor" else "sl-good" if words == "good" else ""
    about = f'{name}<p class="{kind}">Quality: {words}</p>'
    for note in upload.photograph.notes:
        about += f'<p class="sl-hint">{escaped(_sentence(note))}</p>'
    if upload.photograph.advice:
        about += f'<p class="sl-hint">{escaped(_sentence(upload.photograph.advice))}</p>'
    alike = _alike(model, upload, found)
    if alike is False:
        about += '<p class="sl-warning">⚠ Looks like someone else.</p>'
    elif alike:
        about += '<p class="sl-hint">Looks like the same person as the others.</p>'
    if not upload.used:
        about += '<p class="sl-hint">Switched off: not used.</p>'
    return about


def _alike(model: Photographs, upload: Upload, found: Agreement) -> bool | None:
    """Tell whether it can be of the person of the others; None without others or calibration."""
    used = model.used
    number = used.index(upload) if upload in used else len(used)
    if number == len(used):
        found = model.with_the_used(upload)
    others = len(used) - (upload in used)
    return None if found.groups is None or not others else number not in found.apart


def _together(model: Photographs, found: Agreement) -> str:
    """Say whether the photographs look like one person's."""
    used, words = model.used, ""
    if found.apart and len(found.apart) < len(used):
        names = listed([_called(used, number) for number in found.apart])
        words = (
            f"{names} {'looks' if len(found.apart) == 1 else 'look'} like a different person from "
            f"the other photographs. Switch off or remove what does not show the {model.person}."
        )
    elif found.groups is not None and found.apart:
        sides = [listed([_called(used, number) for number in group]) for group in found.groups]
        words = (
            f"These look like {len(sides)} different people: {' / '.join(sides)}. Switch off or "
            f"remove what does not show the {model.person}."
        )
    if len(used) > 1 and found.groups is None:
        words = (
            "Whether these show one person is not checked: this profile has no calibration. "
            "Compare them yourself."
        )
    warning = f'<p class="sl-outdated">⚠ {escaped(words)}</p>' if words else ""
    many = ""
    if len(used) > 1:
        many = f'<p class="sl-hint">{len(used)} photographs are combined into one probe.</p>'
    return f'<div role="status">{warning}{many}</div>'


def _called(used: Sequence[Upload], number: int) -> str:
    """The name of a photograph, with its place where another has the same."""
    name = used[number].found.name
    several = sum(one.found.name == name for one in used) > 1
    return f"{name} (number {number + 1})" if several else name


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _small_jpeg(image: Image) -> bytes:

    picture = Pictures.fromarray(image[:, :, ::-1])
    picture.thumbnail((SHOWN_SIZE, SHOWN_SIZE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
