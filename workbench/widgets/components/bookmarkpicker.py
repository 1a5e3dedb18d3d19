"""Districts that a person keeps by name."""

from __future__ import annotations

from collections.abc import Callable

from workbench.domain import District
from workbench.errors import SightlineError
from workbench.widgets.components import controls
from workbench.widgets.components.bookmarks import Bookmarks
from workbench.widgets.components.parts import Panel, button, escaped, markup, message, row
from workbench.widgets.components.scope import ScopeModel


class BookmarkField(Panel):
    """Keep the district by a name, and delete one that is kept; they are offered as areas."""

    def __init__(self, model: ScopeModel, changed: Callable[[], None]) -> None:
        self.model, self._changed = model, changed
        self.kept: dict[str, District] = {}
        self.name = controls.Text(
            placeholder="Name",
            description="Save the area as",
            tooltip="Name of the bookmark",
            style={"description_width": "initial"},
            layout={"flex": "1 1 220px"},
        )
        self.which = controls.Dropdown(
            tooltip="The bookmark to delete", layout={"flex": "1 1 180px"}
        )
        self.delete = row(self.which, button("Delete", self._delete, label="Delete this bookmark"))
        self.status = markup()
        super().__init__(
            [
                row(self.name, button("Save", self._keep, label="Save the area as a bookmark")),
                self.delete,
                message(model, "bookmarks"),
                self.status,
            ]
        )
        self._read()

    def _keep(self) -> None:
        district = self.model.district
        if district is None:
            self.model.say("bookmarks", "There is no area to save. Draw one first.")
            return
        self._try(lambda: self._bookmarks().keep(self.name.value, district), "Saved.")

    def _delete(self) -> None:
        name = self.which.value
        if name is not None:
            self._try(lambda: self._bookmarks().remove(name), "Deleted.")

    def _try(self, do: Callable[[], None], status: str) -> None:
        self.model.say("bookmarks")
        self.status.value = ""
        try:
            do()
        except SightlineError as error:
            self.model.say("bookmarks", str(error))
            return
        self.status.value = f'<p class="sl-hint" role="status">{escaped(status)}</p>'
        self._read()
        self._changed()

    def _read(self) -> None:
        try:
            self.kept = self._bookmarks().read()
        except SightlineError as error:
            self.kept = {}
            self.model.say("bookmarks", str(error))
        self.which.options = list(self.kept)
        self.which.value = next(iter(self.kept), None)
        self.delete.layout.display = "" if self.kept else "none"

    def _bookmarks(self) -> Bookmarks:
        installation = self.model.installation
        return Bookmarks(installation.settings.home, installation.register.me)
