"""Bar on top of a page, as far as the page fills it; and links from one page to another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

import anywidget
from traitlets import HasTraits, List, Unicode

from workbench.casework.record.identity import SERVED
from workbench.dashboards import find_dashboards
from workbench.errors import SightlineError
from workbench.widgets.components.parts import escaped

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.dashboards import Dashboard
    from workbench.installation import Installation


class PageHeader(anywidget.AnyWidget):
    """Tells the bar on top of a page its case; must be displayed, though it shows nothing itself.

    Parameters
    ----------
    installation : Installation
        Whose people may use which pages: under a plain Voila, which knows nobody, the bar has them
        from here.
    model : HasTraits, optional
        View-model that holds the case that is chosen.
    trait : str
        Its trait with that case, or with its reference.
    """

    _esm = Path(__file__).with_name("header.js")

    chosen = Unicode(help="reference of the case that is chosen; empty for none").tag(sync=True)
    pages: Any = List(help="pages to link to, by name and title").tag(sync=True)
    account = Unicode(help="who is at work").tag(sync=True)

    def __init__(
        self, installation: Installation, model: HasTraits | None = None, trait: str = "case"
    ) -> None:
        super().__init__()
        if model is not None:
            model.observe(lambda change: self._choose(change["new"]), trait)
            self._choose(getattr(model, trait))
        if "QUERY_STRING" in os.environ and not os.environ.get(SERVED):
            me = installation.register.me
            self.account = me.account
            self.pages = [
                {"name": one.name, "title": one.title} for one in _beside() if one.is_for(me)
            ]

    def _choose(self, case: Case | str | None) -> None:
        self.chosen = case if isinstance(case, str) else case.reference if case else ""


def case_asked() -> str:
    """Return the reference of the case that the address of the page names; empty if none."""
    return parse_qs(os.environ.get("QUERY_STRING", "")).get("case", [""])[0]


def link_to(page: str, case: str, words: str) -> str:
    """Write the link to another page, with the case; it shows where pages have addresses."""
    address = f"{page}.ipynb?{urlencode({'case': case})}"
    return f'<a class="sl-onward" href="{escaped(address)}">{escaped(words)}</a>'


def _beside() -> list[Dashboard]:
    """List the pages in the folder of this one, which is where its kernel works."""
    try:
        return find_dashboards(Path.cwd())
    except SightlineError:
        return []
