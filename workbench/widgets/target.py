"""Step 1: photographs of the target, with the faces found in them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets

from workbench.errors import ImageError
from workbench.faces.probes import MOST_BYTES, POOR_BELOW
from workbench.widgets.model import MOST_PHOTOGRAPHS, Investigation, Upload
from workbench.widgets.parts import button, data_uri, escaped, heading, markup, message, row
from workbench.widgets.tasks import LOADING
from workbench.widgets.uploader import File, Uploader

if TYPE_CHECKING:
    from workbench.domain import Image

SHOWN_SIZE = 480  # pixels; what is shown is never enlarged to more than half of it on the page
GOOD_FROM = 0.7
HINT = (
    "One to five photographs of the same person, sharp, lit evenly, seen from the front. "
    "Several find more than one."
)


class TargetPanel(ipywidgets.VBox):  # type: ignore[misc]
    """Upload photographs, see their faces, choose the target where there are several."""

    def __init__(self, model: Investigation) -> None:
        self.model = model
        self.upload = Uploader(
            self._take, description="Add photographs", accept="image/*", most_bytes=MOST_BYTES
        )
        self.hint = markup(f'<p class="sl-hint">{HINT}</p>')
        self.busy = markup()
        self.photographs = ipywidgets.HBox()
        self._boxes: dict[Upload, Any] = {}
        self.photographs.add_class("sl-photographs")
        super().__init__(
            [
                heading("Target", step=1),
                self.hint,
                self.upload,
                self.busy,
                message(model, "target"),
                self.photographs,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-target")
        model.observe(self._draw, "uploads")
        model.observe(self._tell, ["state", "doing"])
        self._draw()
        self._tell()

    def _take(self, files: list[File]) -> None:
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

    def _tell(self, _: object = None) -> None:
        busy = self.model.doing if self.model.state == LOADING else ""
        self.busy.value = f'<span role="status" class="sl-busy">{escaped(busy)}</span>'

    def _photograph(self, upload: Upload) -> Any:
        name, faces = upload.found.name, len(upload.found.faces)
        buttons = [
            button(
                f"Face {number}",
                partial(self.model.choose_face, upload.key, number - 1),
                style="primary" if upload.chosen == number - 1 else "",
                label=f"Face {number} of {name} is the target",
            )
            for number in range(1, faces + 1)
            if faces > 1
        ]
        remove = button(
            "Remove", partial(self.model.remove_photograph, upload.key), label=f"Remove {name}"
        )
        words = ipywidgets.VBox([markup(_about(upload)), row(*buttons, remove)])
        box = ipywidgets.HBox([markup(picture(upload)), words])
        box.add_class("sl-photograph")
        if upload.photograph is None:
            box.add_class("sl-choose")
        return box


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
        f'<div class="sl-picture"><img src="{data_uri(_small_jpeg(upload.found.image))}" '
        f'alt="{escaped(said or upload.found.name)}">'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(marks)}</svg></div>'
    )


def quality_words(overall: float) -> str:
    """A quality from 0 to 1 as good, fair or poor."""
    if overall >= GOOD_FROM:
        return "good"
    return "fair" if overall >= POOR_BELOW else "poor"


def _about(upload: Upload) -> str:
    name = f'<strong class="sl-name">{escaped(upload.found.name)}</strong>'
    if upload.photograph is None:
        ask = f"{len(upload.found.faces)} faces. Which one is the target?"
        return f'{name}<p class="sl-warning">{ask}</p>'
    words = quality_words(upload.photograph.quality.overall)
    kind = "sl-warning" if words == "poor" else "sl-good" if words == "good" else ""
    about = f'{name}<p class="{kind}">Quality: {words}</p>'
    if upload.photograph.advice:
        about += f'<p class="sl-hint">{escaped(_sentence(upload.photograph.advice))}</p>'
    return about


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _small_jpeg(image: Image) -> bytes:
    import io

    from PIL import Image as Pictures

    picture = Pictures.fromarray(image[:, :, ::-1])
    picture.thumbnail((SHOWN_SIZE, SHOWN_SIZE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
