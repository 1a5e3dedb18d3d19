"""Questions as they come in: photographs, scope, filter and threshold, checked."""

from __future__ import annotations

import base64
import binascii
import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.casework.ownphotographs import make_own_photographs
from workbench.casework.provenance import Provenance
from workbench.client.documents import filter_from, scope_from
from workbench.domain import MOST_PHOTOGRAPHS, Filter, Probe, Scope
from workbench.errors import CaseError, SightlineError
from workbench.faces.probes import find_faces, make_photograph, pool_photographs
from workbench.server.api.endpoint import Endpoint, read_object
from workbench.server.api.problems import BadInput

if TYPE_CHECKING:
    from tornado.httputil import HTTPFile

    from workbench.domain import Profile
    from workbench.server.api.endpoint import Served

MOST_TOP = 1000


@dataclass(frozen=True)
class Picture:
    """A photograph as it was sent, and the number of the face in it that is meant."""

    name: str
    content: bytes = field(repr=False)
    face: int | None  # None: the only one
    about: Mapping[str, Any] = field(default_factory=dict, repr=False)  # all that was sent of it


def read(endpoint: Endpoint) -> tuple[dict[str, Any], list[Picture]]:
    """Read the document and the photographs of a request.

    The document is the JSON body, with ``photographs``: a list of ``{"name", "face", "content"}``,
    the content in Base64; or the field ``question`` of a form (multipart), whose files named
    ``photograph`` are the contents, in the same order.

    Raises BadInput where it is neither.
    """
    files = endpoint.request.files.get("photograph", [])
    if files or endpoint.request.headers.get("Content-Type", "").startswith("multipart/"):
        document = read_object(endpoint.get_body_argument("question", "{}"), where="question")
    else:
        document = endpoint.document
    listed = document.get("photographs") or [{} for _ in files]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise BadInput("is not a list of objects", where="photographs", fix="Send [{…}, …]")
    if files and len(files) != len(listed):
        raise BadInput(
            f"names {len(listed)} photographs, and {len(files)} were sent",
            where="photographs",
            fix="Name each, in the order of the files",
        )
    if len(listed) > MOST_PHOTOGRAPHS:
        raise BadInput(
            f"{len(listed)} photographs are more than {MOST_PHOTOGRAPHS}",
            where="photographs",
            fix="Choose the best",
        )
    return document, [_picture(one, n, files) for n, one in enumerate(listed)]


def make_probe(
    served: Served,
    pictures: Sequence[Picture],
    profile: Profile | None,
    *,
    case: str = "",
    own: Sequence[int] | None = (),
) -> Probe:
    """Make the probe of photographs, with the networks of a profile, by default the settings'.

    *own* are the numbers of photographs of *case* that come first; None: all of them. Raises
    ImageError where a picture shows no face, or several of which none was chosen.
    """
    if not pictures and own is not None and not own:
        raise BadInput("no photograph", where="photographs", fix="Send at least one")
    with served.networks:
        models = served.installation.load_models(profile)
        kept = []
        if own is None or own:
            register = served.installation.register
            kept = make_own_photographs(register, case, models=models, numbers=own)
        return pool_photographs(
            kept
            + [
                make_photograph(
                    find_faces(one.content, name=one.name, models=models), one.face, models=models
                )
                for one in pictures
            ],
            models,
        )


def provenance_of(pictures: Sequence[Picture]) -> tuple[Provenance, ...]:
    """Read where photographs come from, as it was sent with each; BadInput where it is wrong."""
    try:
        return tuple(
            Provenance(
                source=text_of(one.about, "source"),
                given_by=text_of(one.about, "given_by"),
                taken=text_of(one.about, "taken"),
                changes=text_of(one.about, "changes"),
                under_18=one.about.get("under_18", False),
                kind=text_of(one.about, "kind", default="photograph"),  # type: ignore[arg-type]
            )
            for one in pictures
        )
    except CaseError as error:
        raise BadInput(error.what, where=error.where, fix=error.fix) from None


def case_photographs_of(document: Mapping[str, Any]) -> Sequence[int] | None:
    """Read the numbers of the case's photographs that are wanted; None for ``all``."""
    wanted = document.get("case_photographs", [])
    if wanted == "all":
        return None
    if not isinstance(wanted, list) or not all(type(number) is int for number in wanted):
        raise BadInput(
            "is not a list of whole numbers", where="case_photographs", fix="Send them, or all"
        )
    return wanted


def scope_of(document: Mapping[str, Any]) -> Scope:
    """Read district (GeoJSON), start and end, and perhaps ``unplaced`` cameras."""
    found: Scope = understood(lambda: scope_from(document), "district, start, end")
    return found


def filter_of(document: Mapping[str, Any]) -> Filter | None:
    """Read the filter, if there is one."""
    found: Filter | None = understood(lambda: filter_from(document.get("only")), "only")
    return found


def top_of(document: Mapping[str, Any]) -> int:
    """Read how many candidates are wanted, 100 by default."""
    top = document.get("top", 100)
    if not isinstance(top, int) or isinstance(top, bool) or not 1 <= top <= MOST_TOP:
        raise BadInput(
            f"{str(top)[:40]!r} is not a whole number from 1 to {MOST_TOP}",
            where="top",
            fix="Choose one",
        )
    return top


def number_of(document: Mapping[str, Any], name: str) -> float:
    """Read a finite number."""
    value = document.get(name)
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # an integer beyond all floating-point numbers
            number = float(value)
    if not math.isfinite(number):
        what = f"{str(value)[:40]!r} is not a number"
        raise BadInput(what, where=name, fix="Send a finite number")
    return number


def text_of(document: Mapping[str, Any], name: str, *, default: str | None = None) -> str:
    """Read a text; raise BadInput where it is missing and has no default."""
    value = document.get(name, default)
    if not isinstance(value, str):
        raise BadInput("is missing or not a text", where=name, fix="Send a text")
    return value


def understood(read: Any, where: str) -> Any:
    """Return what *read* reads; raise BadInput where a value has the wrong form."""
    try:
        return read()
    except SightlineError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError, OverflowError, RecursionError):
        raise BadInput(
            "has a value of the wrong kind", where=where, fix="docs/api.md says which"
        ) from None


def _picture(about: Mapping[str, Any], number: int, files: Sequence[HTTPFile]) -> Picture:
    where = f"photographs, {number + 1}"
    face = about.get("face")
    if face is not None and (not isinstance(face, int) or isinstance(face, bool)):
        raise BadInput("is not the number of a face", where=f"{where}, face", fix="Send 1, 2, …")
    if files:
        content, name = files[number]["body"], files[number]["filename"]
    else:
        name = ""
        try:
            content = base64.b64decode(text_of(about, "content"), validate=True)
        except (binascii.Error, ValueError):
            raise BadInput("is not Base64", where=f"{where}, content", fix="Encode it") from None
    called = str(about.get("name") or name or f"photograph {number + 1}")
    return Picture(called, content, face, about)
