"""Buttons that save what is shown as files; each is on record before it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import anywidget

from workbench.casework.register import CaseRegister
from workbench.casework.reviewing.exports import exportable, facts_of, record_export
from workbench.errors import SightlineError
from workbench.widgets.components import controls
from workbench.widgets.components.parts import button, escaped, markup
from workbench.widgets.components.whereabouts import FORMS, Form, Whereabouts


class Saver(anywidget.AnyWidget):
    """Has the browser save files; shows nothing."""

    _esm = Path(__file__).with_name("exports.js")

    def save(self, name: str, media_type: str, content: bytes) -> None:
        """Save *content* under *name* where the browser saves what it is given."""
        self.send({"kind": "file", "name": name, "type": media_type}, buffers=[content])


class ExportBar(controls.HBox):  # type: ignore[misc]
    """A button for each kind of file.

    Parameters
    ----------
    register : CaseRegister
        Where each file is put on record.
    shown : callable
        Returns what is shown now, or None where nothing is.
    say : callable
        Called with the problem in words, or with an empty text.
    """

    def __init__(
        self,
        register: CaseRegister,
        shown: Callable[[], Whereabouts | None],
        say: Callable[[str], None],
    ) -> None:
        self._register, self._shown, self._say = register, shown, say
        self.saver, self.status = Saver(), markup()
        self.buttons = {
            form: button(name, partial(self.export, form), label=f"Save: {name}")
            for form, (name, _) in FORMS.items()
        }
        super().__init__(
            [
                markup('<span class="sl-hint">Save as</span>'),
                *self.buttons.values(),
                self.status,
                self.saver,
            ]
        )
        self.add_class("sl-row")
        self.add_class("sl-exports")

    def export(self, form: Form) -> None:
        """Make the file, put it on record under its case, and have it saved."""
        shown = self._shown()
        self._say("")
        self._show_status("")
        if shown is None or not shown.candidates:
            self._say("There is nothing to save yet.")
            return
        try:
            kept = exportable(
                self._register, shown.case, shown.candidates,
                zone=shown.zone, missing=shown.missing,
            )  # fmt: skip
            if not kept.candidates:
                self._say(f"Nothing was saved. {' '.join(kept.notices)}")
                return
            facts = facts_of(
                self._register, shown.case, kept.candidates,
                scope=shown.scope, zone=shown.zone, threshold=shown.threshold,
                confirmed=kept.confirmed,
            )  # fmt: skip
            shown = replace(
                shown, candidates=kept.candidates, confirmed=kept.confirmed,
                rejected=kept.rejected, notices=kept.notices, facts=facts,
            )  # fmt: skip
            content = shown.file(form)
            ids = [candidate.tracklet_id for candidate in kept.candidates]
            record_export(
                self._register, shown.case, ids,
                form=form, content=content, file=shown.file_name(form),
            )  # fmt: skip
        except SightlineError as error:
            self._say(str(error))
            return
        self.saver.save(shown.file_name(form), FORMS[form][1], content)
        said = [f"{shown.file_name(form)} is on record under {shown.case}.", *kept.notices]
        self._show_status(" ".join(said))

    def _show_status(self, words: str) -> None:
        self.status.value = f'<span class="sl-hint" role="status">{escaped(words)}</span>'
