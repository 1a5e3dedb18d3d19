"""The court package of a case: made from the page, as the command makes it."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from workbench.casework.evidence.export import export
from workbench.widgets.components import controls
from workbench.widgets.components.exports import Saver
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    heading,
    markup,
    message,
    row,
)
from workbench.widgets.components.progress import progress_bar
from workbench.widgets.components.tasks import IDLE, Tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from workbench.casework.cases import Case
    from workbench.casework.evidence.export import Export
    from workbench.installation import Installation

FIELD, DOING = "package", "Making the court package"
LARGEST = 100 * 10**6
"""Most bytes that a page hands to a browser: kernel, server and browser each hold all of them."""


class PackagePanel(Panel):
    """Makes the signed archive of the chosen case, says how far it is, and has it saved.

    Parameters
    ----------
    model : Tasks
        Does the work, and says what it comes to.
    installation, gallery, zone : Installation, Path, ZoneInfo
        Where the case is, where its sightings are, and where times are local.
    chosen : callable
        Returns the case whose sightings are shown, or None where none are.
    """

    def __init__(
        self,
        model: Tasks,
        *,
        installation: Installation,
        gallery: Path,
        zone: ZoneInfo,
        chosen: Callable[[], Case | None],
    ) -> None:
        self.model, self.saver = model, Saver()
        self._installation, self._gallery, self._zone = installation, gallery, zone
        self._chosen = chosen
        self.sharp = controls.Checkbox(
            description="Sharp clips too: bystanders can be recognised in them",
            indent=False,
            layout={"width": "auto"},
        )
        self.reason = controls.Text(
            placeholder="Reason, which goes on record",
            tooltip="Reason for sharp clips",
            layout={"flex": "1 1 320px", "max_width": "640px"},
        )
        self.make = button("Make the court package", self.press, style="primary")
        self.cancel = button("Cancel", model.cancel, label="Cancel the court package")
        self.status, self.progress = markup(), markup()
        about = (
            "One signed archive: report (HTML, PDF and DOCX), still sheet on A4, a clip of each "
            "sighting in which everyone else is pixelated, all of them in the order of time with "
            "their real times, map, decisions and the entries of the record."
        )
        super().__init__(
            [
                heading("Court package"),
                markup(f'<p class="sl-hint">{escaped(about)}</p>'),
                row(self.sharp, self.reason),
                row(self.make, self.cancel, self.progress),
                message(model, FIELD),
                self.status,
                self.saver,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-package")
        self.sharp.observe(self._draw, "value")
        model.observe(self._draw, ["state", "doing", "progress", "cancelling", "case", "found"])
        model.observe(self._clear, "case")
        self._draw()

    def press(self) -> None:
        """Make the package, and have the browser save it; its making is on record."""
        model, case = self.model, self._chosen()
        model.say(FIELD)
        self._clear()
        if case is None:
            return
        reason = self.reason.value.strip() if self.sharp.value else ""
        if self.sharp.value and not reason:
            model.say(FIELD, "Say in a sentence why the court needs sharp clips.")
            return
        installation, gallery_path, zone = self._installation, self._gallery, self._zone
        plain = re.sub(r"[^\w.-]+", "_", case.reference).strip("._") or "case"
        name = f"{'TRAINING-' if case.without_authority else ''}court-package-{plain}.zip"

        home = installation.settings.home

        def job() -> tuple[Export, bytes]:
            # In the home: what a killed kernel leaves there shows faces, and `doctor` names it.
            output = home / f"{secrets.token_hex(4)}-{name}"
            try:
                with installation.open_gallery(gallery_path) as gallery:
                    made = export(
                        installation.register,
                        case.reference,
                        gallery,
                        output,
                        clip=installation.clip_maker(gallery),
                        sharp=reason,
                        zone=zone,
                        base_map=installation.settings.base_map,
                        saved_as=name,
                        largest=LARGEST,
                        progress=model.on_progress(),
                    )
                return made, output.read_bytes()
            finally:
                output.unlink(missing_ok=True)

        def done(result: tuple[Export, bytes]) -> None:
            made, content = result
            self.saver.save(name, "application/zip", content)
            words = (
                f"{name}, {count(made.files, 'file')}, is on record under {case.reference}. Signed "
                f"with key {made.fingerprint}; head of the record {made.head}."
            )
            if made.changed_sources:
                changed = ", ".join(made.changed_sources)
                words += f" Not the recordings that were indexed, so without clips: {changed}."
            self.status.value = f'<p class="sl-hint" role="status">{escaped(words)}</p>'

        model.do(FIELD, DOING, job, done)

    def _clear(self, _: object = None) -> None:
        self.status.value = '<p role="status"></p>'

    def _draw(self, _: object = None) -> None:
        model = self.model
        may = self._installation.register.me.may("evidence.export")
        here = may and self._chosen() is not None
        self.layout.display = "" if here else "none"
        self.reason.layout.display = "" if self.sharp.value else "none"
        making = model.state != IDLE and model.doing == DOING
        self.make.disabled = model.state != IDLE
        self.cancel.layout.display = "" if making else "none"
        self.cancel.disabled = model.cancelling
        bar = progress_bar(model) if making else ""
        self.progress.value = f'<span role="status" class="sl-hint sl-progress">{bar}</span>'
