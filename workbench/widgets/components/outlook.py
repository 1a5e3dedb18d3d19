"""From a candidate or sighting to its footage, and to where the person can have gone from there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain import Camera, Candidate
from workbench.widgets.components import controls
from workbench.widgets.components.following import Following, FollowPanel
from workbench.widgets.components.guide import Guide
from workbench.widgets.components.parts import button, markup, row, time_mark
from workbench.widgets.components.watching import Watching, WatchPanel

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.installation import Installation
    from workbench.widgets.components.work import Work

Search = Callable[[tuple[Camera, ...], datetime, datetime], None]


class Outlook(controls.VBox):  # type: ignore[misc]
    """Buttons for the candidate that :meth:`offer` was given, and what they open.

    Parameters
    ----------
    gallery : Path
        In which the footage is indexed.
    installation : Installation
        Whose register permits and records what is watched.
    zone : ZoneInfo
        The zone of local times.
    work : Work, optional
        Where footage is read.
    search : callable, optional
        Takes cameras and a time as the scope of the next search.
    """

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        zone: ZoneInfo,
        work: Work | None = None,
        search: Search | None = None,
    ) -> None:
        self.zone = zone
        self.case = ""
        self.candidate: Candidate | None = None
        self.watching = Watching(gallery, installation=installation, zone=zone, work=work)
        self.following = Following(gallery, installation=installation, zone=zone, work=work)
        self.guide, self.doubt = Guide(), markup()
        self.tools = row(
            button(
                "Look at the footage",
                self.look,
                label="Open the recording at that second, with the neighbouring cameras",
            ),
            button(
                "Follow from here",
                self.follow,
                label="Show which cameras the person can have reached from there",
            ),
            self.doubt,
        )
        super().__init__(
            [
                self.tools,
                WatchPanel(self.watching),
                FollowPanel(self.following, watch=self._watch, search=search),
                self.guide,
            ]
        )
        self.offer("", None)

    def offer(self, case: str, candidate: Candidate | None) -> None:
        """Offer a candidate found under a case, or none; what is open of another case is closed."""
        if case != self.case:
            self.watching.close()
            self.following.stop()
        self.case, self.candidate = case, candidate
        self.tools.layout.display = "none" if candidate is None else ""
        self.doubt.value = "" if candidate is None else time_mark(candidate, self.zone)

    def look(self) -> None:
        """Show the footage at the second of the candidate's best shot."""
        if (one := self.candidate) is not None:
            self._open(self.case, one.camera, one.shot_time)

    def follow(self) -> None:
        """Show where the person can have gone after the candidate was seen last."""
        if (one := self.candidate) is not None:
            self.following.start(self.case, one.camera, one.last_seen, one.time)
            self._lead("following")

    def _watch(self, camera: Camera, moment: datetime) -> None:
        self._open(self.following.case, camera, moment)

    def _open(self, case: str, camera: Camera, moment: datetime) -> None:
        self.watching.open(case, camera, moment)
        self._lead("watching")

    def _lead(self, part: str) -> None:
        """Bring what was opened into view, as it opens below the foot of most windows."""
        self.guide.lead(f".sl-{part}", focus=f".sl-{part} .sl-heading")
