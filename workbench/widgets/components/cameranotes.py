"""Notes on the cameras of a map: how many each has, and a camera to write one about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from workbench.casework.notes import about_camera
from workbench.domain.names import natural
from workbench.widgets.components import controls
from workbench.widgets.components.notes import NotesModel, NotesPanel
from workbench.widgets.components.parts import Foldable, Panel, markup, row

if TYPE_CHECKING:
    from workbench.domain import Camera

MOST_OFFERED = 500
"""Cameras that are offered by name; any other is taken by its id."""


class CameraNotes(Panel):
    """Panel, folded away, in which a camera is chosen to read and write notes about it.

    Parameters
    ----------
    model : NotesModel
        Reads and writes the notes.
    zone : tzinfo
        Where times are local.
    """

    def __init__(self, model: NotesModel, zone: tzinfo) -> None:
        self.model = model
        self.cameras: Sequence[Camera] = ()
        self._known: dict[str, Camera] = {}  # by what may be written: id or words, casefolded
        self.choice = controls.Combobox(
            placeholder="Camera: choose one, or write its id",
            tooltip="The camera whose notes are shown",
            layout={"flex": "0 1 420px", "margin": "6px 0 10px"},
        )
        self.said = markup()
        self.notes = NotesPanel(model, zone)
        self.notes.layout.display = "none"
        folded = Foldable("Notes on cameras", row(self.choice), self.said, self.notes)
        super().__init__([folded])
        self.switch = folded.children[0]
        self.switch.observe(self._fill, "value")
        self.choice.observe(self._choose, "value")
        model.observe(self._tell, "found")

    @property
    def counts(self) -> Mapping[str, int]:
        """Numbers of notes that stand, by the id of the camera they are about."""
        shown = self.model.found.shown
        return Counter(one.subject for one in shown if one.kind == "camera" and not one.withdrawn)

    def offer(self, case: str, cameras: Sequence[Camera]) -> None:
        """Offer the cameras of a case, once the panel is unfolded; those with notes first."""
        self.choice.value = ""
        self.model.take(case, ())
        self.cameras, self._known = cameras, {}
        self._fill()
        self._tell()

    def _fill(self, _: object = None) -> None:
        if self._known or not self.switch.value:  # an answer may hold thousands of cameras
            return
        counts = self.counts
        ordered = sorted(
            self.cameras, key=lambda one: (one.camera_id not in counts, natural(one.camera_id))
        )
        self.choice.options = [one.words() for one in ordered[:MOST_OFFERED]]
        self._known = {one.words().casefold(): one for one in self.cameras}
        self._known |= {one.camera_id.casefold(): one for one in self.cameras}

    def _choose(self, _: object = None) -> None:
        written = self.choice.value.strip()
        camera = self._known.get(written.casefold())
        self.model.take(self.model.case, [about_camera(camera)] if camera else [])
        self.notes.layout.display = "" if camera else "none"
        self._tell()

    def _tell(self, _: Any = None) -> None:
        written = self.choice.value.strip()
        words = ""
        if written and written.casefold() not in self._known:
            words = "No camera of this search has this name or id."
        elif not written and (noted := self.counts):
            several = f"{len(noted):,} cameras have" if len(noted) > 1 else "1 camera has"
            words = f"{several} notes; the map tells which."
        self.said.value = f'<p class="sl-hint" role="status">{words}</p>'
