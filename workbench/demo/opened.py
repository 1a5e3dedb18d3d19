"""The demo, ready to be searched from Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.demo.check import PROFILE, demo_gallery, demo_settings, training_case
from workbench.demo.home import demo_installation
from workbench.district import from_file
from workbench.domain import Scope
from workbench.domain.summaries import Summarised, Summary
from workbench.errors import SettingsError
from workbench.faces.probes import make_probe
from workbench.fennmouth import DemoTown, demo_town
from workbench.installation import Installation
from workbench.live import progress as live_progress

if TYPE_CHECKING:
    from workbench.domain import Probe, ProgressCallback
    from workbench.faces.models import Models
    from workbench.gallery import Gallery


@dataclass(frozen=True, slots=True, repr=False)
class OpenDemo(Summarised):
    """The demo town with its gallery open, a case to search under, and a scope.

    Parameters
    ----------
    town : DemoTown
    installation : Installation
        With the demo's calibration, streets and time zone; searches take it.
    gallery : Gallery
        Open for reading.
    models : Models
    case : str
        Reference of a training case.
    scope : Scope
        All of the town, the hour of its footage.
    """

    town: DemoTown
    installation: Installation = field(repr=False)
    gallery: Gallery
    models: Models
    case: str
    scope: Scope

    @property
    def people(self) -> tuple[str, ...]:
        """Names of the people of whom there are photographs, those who pass a camera first."""
        return (*self.town.photographs, *self.town.absent)

    def probe(self, person: str) -> Probe:
        """Make a probe of the photographs of one of the people.

        Raises SettingsError if there is no one of that name.
        """
        known = {**self.town.photographs, **self.town.absent}
        if person not in known:
            raise SettingsError(
                f"no one in the demo is called {person}",
                where="demo",
                fix=f"Choose one of {', '.join(known)}",
            )
        return make_probe(list(known[person]), models=self.models)

    def summary(self) -> Summary:
        """Describe the demo: people, case, scope and gallery."""
        return Summary(
            "Demo",
            (
                ("people", ", ".join(self.people)),
                ("case", self.case),
                *self.scope.summary().properties[:3],
                ("gallery", str(self.gallery.path)),
            ),
            notes=("All people are fictional and rendered.",),
        )


def open_demo(
    *, progress: ProgressCallback | bool = True, installation: Installation | None = None
) -> OpenDemo:
    """Open the demo; the first time its footage is indexed, which takes less than a minute.

    >>> demo = sl.demo.open_demo()                                       # doctest: +SKIP
    >>> sl.search(demo.gallery, demo.probe("Maren Holt"), demo.scope, case=demo.case,
    ...           installation=demo.installation).faces()                # doctest: +SKIP

    Parameters
    ----------
    progress : callable or bool
        As for :func:`workbench.index_catalogue`.
    installation : Installation, optional
        In which the gallery and the case are; by default the demo's own, in the home of the
        environment's.
    """
    town = demo_town()
    here = installation or demo_installation(Installation.open())
    with live_progress.followed(progress, live_progress.indexing) as update:
        path = demo_gallery(town, here, progress=update)
    own, case = Installation(demo_settings(town, here)), training_case(town, here.register)
    district = from_file(next(iter(town.districts.values())))
    return OpenDemo(
        town,
        own,
        own.open_gallery(path),
        own.load_models(PROFILE),
        case,
        Scope(district, town.start, town.end),
    )
