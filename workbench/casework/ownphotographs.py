"""Photographs of a case's subject, as the target of a search under the case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.casework.subjects import kept_originals
from workbench.errors import CaseError
from workbench.faces.probes import find_faces, make_photograph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.casework.provenance import Provenance
    from workbench.casework.register import CaseRegister
    from workbench.domain import Photograph
    from workbench.faces.models import Models


def own_photographs(
    register: CaseRegister, reference: str, numbers: Sequence[int] | None = None
) -> tuple[tuple[Provenance, bytes], ...]:
    """Read the photographs of a case's subject: where each comes from, and the file as given.

    Parameters
    ----------
    register : CaseRegister
        Where the case is.
    reference : str
        A case that the user may see.
    numbers : sequence of int, optional
        Which of them, from 1; by default all.

    Raises
    ------
    NotPermitted
        If the user may not look at faces.
    CaseError
        If there is no such case, it holds no photographs or none of a number, or one was deleted.
    """
    register.require("shot.view", reference)
    case = register.case(reference)
    stated = case.request.subject.provenance if case.request.subject else ()
    if not stated:
        raise CaseError(
            "holds no photographs", where=reference, fix="Add photographs of the target"
        )
    kept = tuple(zip(stated, kept_originals(register.folder, case), strict=True))
    wrong = [number for number in numbers or () if not 1 <= number <= len(kept)]
    if wrong:
        raise CaseError(
            f"has no photograph {wrong[0]}, only {len(kept)}",
            where=reference,
            fix=f"Choose from 1 to {len(kept)}",
        )
    return kept if numbers is None else tuple(kept[number - 1] for number in dict.fromkeys(numbers))


def make_own_photographs(
    register: CaseRegister,
    reference: str,
    *,
    models: Models,
    numbers: Sequence[int] | None = None,
) -> list[Photograph]:
    """Make photographs of a target from those of a case's subject, as if their files were given.

    Parameters and errors are those of :func:`own_photographs`.
    """
    return [
        make_photograph(find_faces(content, name=one.name, models=models), one.face, models=models)
        for one, content in own_photographs(register, reference, numbers)
    ]
