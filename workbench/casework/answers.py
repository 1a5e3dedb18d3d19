"""Entries of the answers to a search: partial ones, the whole one, and what is shown of them.

Each is an entry before anybody is shown anything of it. The question itself is one of
:mod:`workbench.casework.authority`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from workbench.casework.reviewing.triage import may_look
from workbench.casework.searcherlogs import ANSWERED, PARTIAL, SEARCHERS
from workbench.casework.searches import digest_of

if TYPE_CHECKING:
    from workbench.casework.register import CaseRegister
    from workbench.domain import Candidate, Missing, Threshold
    from workbench.gallery import Gallery
    from workbench.permit import Permit


def answered(
    register: CaseRegister,
    permit: Permit,
    gallery: Gallery,
    found: Sequence[Candidate],
    *,
    commit: int,
    candidates: int,
    compared: int,
    seconds: float,
    searchers: Mapping[str, Mapping[str, object]] | None = None,
    missing: Missing | None = None,
    partial: bool = False,
) -> None:
    """Record the result of a search: what it found, as a digest, and the seconds it took.

    *commit* is the number of the gallery's commit that was searched. *candidates* counts what of it
    reached the threshold, and is shown; *compared* all tracklets.
    *searchers* is what those on other machines that took part say they compared, by the nonce of
    their ticket; *missing* what was not compared.

    A *partial* answer is what is known while nodes go on comparing. It is an entry of another kind:
    whoever decides, lists or exports looks for that of an answer, and finds none yet. Raises
    NotPermitted or CaseError if the user may not see faces of the case, or not any more.
    """
    about: dict[str, object] = {
        "case": permit.case,
        "asked": permit.entry,
        "gallery": str(gallery.path.resolve()),
        "commit": commit,
        "found": digest_of(found),
        "candidates": candidates,
        "compared": compared,
        "seconds": round(seconds, 6),
    }
    if searchers:
        about[SEARCHERS] = searchers
    if missing is not None:
        about |= {"complete": False, "missing": asdict(missing)}
    if partial:
        register.record(PARTIAL, about, by=may_look(register, permit.case))
    else:
        register.record(ANSWERED, about)


def shown_from(
    register: CaseRegister, reference: str, asked: int, *, threshold: Threshold, candidates: int
) -> None:
    """Record that candidates of a search are shown from a lower score on, before they are.

    *asked* is the number of the search's entry, *candidates* the number that reach the threshold.
    Raises NotPermitted or CaseError if the user may not see faces of the case.
    """
    me, _ = register.require("shot.view", reference), register.case(reference)
    about = {
        "case": reference,
        "asked": asked,
        "threshold": threshold.score,
        "threshold from": threshold.calibration,
        "candidates": candidates,
    }
    register.record("search.shown", about, by=me)


def cancelled(register: CaseRegister, permit: Permit, *, compared: int) -> None:
    """Record that a search was cancelled after *compared* tracklets; it has no answer."""
    about = {"case": permit.case, "asked": permit.entry, "compared": compared}
    register.record("search.cancelled", about)
