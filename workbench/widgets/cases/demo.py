"""A request of the demo, filled in as far as it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.casework.cases import TEMPLATES

if TYPE_CHECKING:
    from workbench.widgets.cases.request import RequestModel

RENDERED = {
    "source": "the demo",
    "given_by": "the demo",
    "taken": "2026",
    "changes": "rendered; nothing was done to it since",
}


def fill_in(model: RequestModel) -> None:
    """Fill in what a walk through the demo need not think of: all but the subject."""
    taken = {case.reference for case in model.installation.register.all_cases()}
    number = next(n for n in range(1, len(taken) + 2) if f"DEMO-{n}" not in taken)
    model.reference, model.title = f"DEMO-{number}", "A walk through the demo"
    model.authority, model.authorisation = "District Court of Fennmouth", f"FM {number}/2026"
    model.members = "rosa, tom"
    model.take_template(next(iter(TEMPLATES)))
    model.set_district(model.whole_area())
    model.set_all_footage()
    model.observe(lambda _: _state(model), "uploads")


def _state(model: RequestModel) -> None:
    """State of each photograph where it comes from, as long as it is not said when it was taken."""
    for upload in model.uploads:
        if not model.stated.get(upload.key, {}).get("taken"):
            model.state_of(upload.key, **RENDERED)
