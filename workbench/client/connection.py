"""A connection to a server: cases, searches and figures, under one's own name and roles there."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from workbench.casework.cases import Case
from workbench.casework.history import Event
from workbench.casework.reviewing.fillers import ErrorRate
from workbench.client.credentials import find_credential
from workbench.client.documents import (
    candidate_from,
    case_from,
    changes_document,
    coverage_from,
    scope_document,
    stated,
)
from workbench.client.photographs import Photograph, photographs_document
from workbench.client.results import ConfirmedOnServer, ForecastOnServer, FoundOnServer
from workbench.client.transport import ARROW, Server
from workbench.domain import Coverage, Filter, Scope, parse_time

if TYPE_CHECKING:
    import pandas as pd

    from workbench.casework.provenance import Provenance
    from workbench.client.bridge import Page


def connect(
    address: str,
    *,
    token: str | None = None,
    token_file: Path | str | None = None,
    user: str | None = None,
    password: str | None = None,
    password_file: Path | str | None = None,
    ca_file: Path | str | None = None,
    proxy: str | None = None,
) -> Connection:
    """Connect to a server of a team, where one has the roles and cases of one's own account.

    >>> there = sl.connect("https://faces.example/", token_file="~/token")    # doctest: +SKIP
    >>> found = there.search(["target.jpg"], scope, case="A-2026-117")        # doctest: +SKIP
    >>> found.frame()                                                         # doctest: +SKIP

    Parameters
    ----------
    address : str
        Address of the server's pages. Plain HTTP is for servers on this machine alone.
    token : str, optional
        Token for oneself: of the hub, or the one that the server printed. By default that of
        *token_file* or, on a JupyterHub, the one that the hub gave this notebook.
    token_file : Path or str, optional
        File that holds the token, which only its owner may read (``chmod 600``).
    user : str, optional
        Name with which one signs in at a proxy that asks for a password (HTTP Basic), in place of
        a token.
    password : str, optional
        Password of that name; or *password_file*.
    password_file : Path or str, optional
        File that holds the password, which only its owner may read (``chmod 600``).
    ca_file : Path or str, optional
        Certificates to trust, in PEM; by default those of this machine. TLS is always checked.
    proxy : str, optional
        ``host:port`` of a proxy to go through. Variables that name one are not read.

    Raises
    ------
    SettingsError
        If there is no credential, or the address is not one that it can be sent to.
    ServerError
        If the server cannot be reached.
    NotPermitted
        If it does not know the token, or the name and its password.
    """
    credential = find_credential(
        token=token,
        token_file=_file(token_file),
        user=user,
        password=password,
        password_file=_file(password_file),
    )
    return Connection(Server(address, credential, ca_file=_file(ca_file), proxy=proxy))


class Connection:
    """A connection to a server; :func:`connect` makes one.

    Everything is done there, in one's own name: the server checks the case, records what is asked
    and seen, and gives no templates away. Errors are those of the same call on this machine, and
    ServerError where the server cannot be reached.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        me = server.get("me")
        self.account: str = me["account"]
        self.roles: frozenset[str] = frozenset(me["roles"])
        self.in_service: bool = me["in_service"]

    def __repr__(self) -> str:
        roles = ", ".join(sorted(self.roles)) or "no role"
        return f"<Connection to {self._server.address} as {self.account} ({roles})>"

    # --- Cases ----------------------------------------------------------------------------

    def cases(self) -> tuple[Case, ...]:
        """Return the cases that one may read, in the order in which they were requested."""
        return tuple(map(case_from, self._server.get("cases")["cases"]))

    def case(self, reference: str) -> Case:
        """Return a case; its ``digest`` is what an approval names."""
        return case_from(self._server.get(_case(reference)))

    def request_case(
        self,
        reference: str,
        photographs: Sequence[Photograph],
        scope: Scope,
        *,
        template: str,
        authority: str,
        authorisation: str = "",
        urgent: str = "",
        title: str = "",
        description: str = "",
        legal_basis: str | None = None,
        valid_days: float | None = None,
        cameras: int | None = None,
        members: Iterable[str] = (),
        provenance: Sequence[Provenance],
        born: str = "",
    ) -> Case:
        """Request a case; another person approves it.

        Parameters
        ----------
        reference : str
        photographs : sequence
            Photographs of the one person the case is about: see :meth:`search`.
        scope : Scope
            District and time that may be searched, and cameras without a place.
        template : str
            Kind of case, which sets purpose and legal basis: ``missing-person`` …, one of
            :data:`workbench.casework.cases.TEMPLATES`.
        authority, authorisation : str
            The body outside that authorised it, and the reference of its decision, which an urgent
            request may lack.
        urgent : str
            Why it cannot wait for that decision: it begins when one person lets it, and ends unless
            another confirms it in time. Empty for all other cases.
        title, description, legal_basis, valid_days, cameras, born
            As in :class:`workbench.casework.cases.Request`; days count from now.
        members : iterable of str
            Accounts that need to know of it besides oneself.
        provenance : sequence of Provenance
            Where each photograph comes from, in their order: see
            :class:`workbench.casework.provenance.Provenance`.

        Raises
        ------
        NotPermitted
            If one's role does not cover it.
        CaseError
            If the reference is taken.
        """
        document = {
            "reference": reference, "template": template, "authority": authority,
            "authorisation": authorisation, "urgent": urgent, "title": title,
            "description": description,
            "valid_days": valid_days, "cameras": cameras, "members": list(members),
            **({} if legal_basis is None else {"legal_basis": legal_basis}),
            "born": born, **scope_document(scope),
            "photographs": stated(photographs_document(photographs), provenance),
        }  # fmt: skip
        return case_from(self._server.send("POST", "cases", document))

    def approve(self, reference: str, *, digest: str) -> Case:
        """Approve a case as it was read: *digest* is that of the case that :meth:`case` returned.

        Raises CaseError if it is another one by now, and NotPermitted as on the server.
        """
        return self._do(reference, "approve", {"digest": digest})

    def confirm(self, reference: str, *, digest: str, authorisation: str = "") -> Case:
        """Confirm an urgent case that another person let begin, as it was read.

        *authorisation* is the reference of the outside decision, where the request lacks it. Raises
        CaseError if it is too late, and what :meth:`approve` raises.
        """
        document = {"digest": digest, "authorisation": authorisation}
        return self._do(reference, "confirm", document)

    def decline(self, reference: str, *, reason: str) -> Case:
        """Decline a case that was requested, or to confirm an urgent one, which ends it."""
        return self._do(reference, "decline", {"reason": reason})

    def close(self, reference: str, *, reason: str) -> Case:
        """Close a case for good."""
        return self._do(reference, "close", {"reason": reason})

    def add_member(self, reference: str, account: str) -> Case:
        """Let an account know of a case."""
        return case_from(self._server.send("PUT", _case(reference, "members", account), {}))

    def remove_member(self, reference: str, account: str) -> Case:
        """Let an account know of a case no longer."""
        return case_from(self._server.send("DELETE", _case(reference, "members", account), {}))

    def change_case(
        self,
        reference: str,
        photographs: Sequence[Photograph] = (),
        *,
        provenance: Sequence[Provenance] = (),
        born: str = "",
        **changes: Any,
    ) -> Case:
        """Request a change of a case; another person approves it.

        *changes* are ``district``, ``start``, ``end``, ``unplaced``, ``cameras``, ``title``,
        ``authority``, ``authorisation`` or ``valid_days``, counted from now; what is not named
        stays. *photographs* of the same person take the place of those before; *provenance* says
        where each comes from, and *born* gives another date of birth with them.
        """
        document = changes_document(changes)
        if photographs or provenance:
            document["photographs"] = stated(photographs_document(photographs), provenance)
            document["born"] = born
        return self._do(reference, "change", document)

    def hand_over(self, reference: str, account: str, *, reason: str) -> Case:
        """Make another account responsible for a case, at once."""
        document = {"account": account, "reason": reason}
        return self._do(reference, "responsible", document)

    def history(self, reference: str) -> tuple[Event, ...]:
        """Return what happened to a case, in order and in words."""
        return tuple(
            Event(parse_time(one["at"]), one["account"], one["what"], one["entry"])
            for one in self._server.get(_case(reference, "history"))["events"]
        )

    def sightings(self, reference: str, *, shots: bool = False) -> tuple[ConfirmedOnServer, ...]:
        """Return the confirmed sightings of a case, in order of time; *shots*: with pictures."""
        found = self._server.get(_case(reference, "sightings"), shots=str(int(shots)))
        return tuple(
            ConfirmedOnServer(
                candidate_from(one), tuple(one["confirmed_by"]), parse_time(one["confirmed_at"])
            )
            for one in found["sightings"]
        )

    def review_state(self, reference: str) -> Mapping[str, Any]:
        """Return how many faces on the review list of a case are decided, wait and are lost."""
        found: dict[str, Any] = self._server.get(_case(reference, "review"))
        return found

    def error_rates(self) -> tuple[ErrorRate, ...]:
        """Return how often each reviewer took a filler for a subject; for supervisors, auditors."""
        return tuple(
            ErrorRate(rate["reviewer"], rate["fillers"], rate["wrong"])
            for rate in self._server.get("review/rates")["reviewers"]
        )

    # --- Searching ------------------------------------------------------------------------

    def search(
        self,
        photographs: Sequence[Photograph],
        scope: Scope,
        *,
        case: str,
        top: int = 100,
        threshold: float | Literal["all"] | None = None,
        only: Filter | None = None,
        shots: bool = False,
        case_photographs: Sequence[int] | Literal["all"] = (),
    ) -> FoundOnServer:
        """Look for the person of the photographs inside the scope, under a case.

        If the call is interrupted, the search ends.

        Parameters
        ----------
        photographs : sequence
            One to ten: files, or their contents. Of one with several faces, a pair of it and the
            number of the face, 1 for the largest.
        scope : Scope
            District and time range.
        case : str
            Reference of an open case that covers the search.
        top : int
            Return at most this many candidates, the best; at most 1,000.
        threshold : float or "all", optional
            Minimum score of a candidate, on the scale of the calibration; by default the threshold
            that the server uses.
        only : Filter, optional
            Cameras, time windows and quality to which the search is restricted.
        shots : bool
            Fetch the best shots of all candidates too. That they are seen is on record.
        case_photographs : sequence of int or "all"
            Photographs of the case by their numbers, from 1, before those that are sent.

        Raises
        ------
        NotPermitted
            If the case does not cover this search by this account now, with every reason.
        CaseError
            If its subject cannot be compared.
        ImageError
            If a photograph shows no face, or several of which none was chosen.
        DistrictError
            If the district holds no camera, or the filter leaves none.
        ServerError
            If the server still had too much to do for one's account after some minutes.
        """
        document = {
            "case": case, "top": top, "threshold": threshold, "shots": shots,
            "case_photographs": "all" if case_photographs == "all" else list(case_photographs),
            "only": None if only is None else only.document(),
            **scope_document(scope), "photographs": photographs_document(photographs),
        }  # fmt: skip
        return FoundOnServer.of(self._server.send("POST", "searches", document), self._fetch)

    def coverage(self, scope: Scope, *, only: Filter | None = None) -> Coverage:
        """Return the coverage of a scope; nothing is compared."""
        return coverage_from(self._server.send("POST", "coverage", _of_scope(scope, only)))

    def forecast(
        self,
        scope: Scope,
        *,
        photographs: int = 1,
        thresholds: Sequence[float] | None = None,
        only: Filter | None = None,
    ) -> ForecastOnServer:
        """Foretell the errors of a search of a scope with so many photographs, by threshold.

        Raises NotCalibrated if nothing says what the scores of the server's profile mean.
        """
        asked = {**_of_scope(scope, only), "photographs": photographs}
        if thresholds is not None:
            asked["thresholds"] = list(thresholds)
        found = self._server.send("POST", "forecasts", asked)
        return ForecastOnServer(
            **{
                **found,
                "words": tuple(found["words"]),
                "thresholds": tuple(found["thresholds"]),
            }
        )

    # --- Figures --------------------------------------------------------------------------

    def statistics(self) -> Mapping[str, Any]:
        """Return what the gallery holds: counts, profile and span of time (UTC)."""
        found = self._server.get("statistics")
        for name in ("first", "last"):
            found[name] = None if found[name] is None else datetime.fromisoformat(found[name])
        return dict(found)

    def cameras(self) -> pd.DataFrame:
        """Return the cameras: camera_id, camera, latitude, longitude."""
        return self._table("cameras")

    def recordings(self) -> pd.DataFrame:
        """Return the recordings, one per row, by start, with counts of tracklets."""
        return self._table("recordings")

    def scores(self) -> pd.DataFrame:
        """Return scores with what was decided, of the cases one may read whose review is over.

        Columns: case, tracklet_id, score, scale, outcome, decisions (number), decided_at (UTC).
        """
        return self._table("scores")

    def different_people(self) -> pd.DataFrame:
        """Return the scores of people who are certainly different, counted in steps.

        Columns: camera_id, scale, quality (at which a band begins), score (at which a step begins),
        width (of the step), comparisons.
        """
        return self._table("histograms/different-people")

    def calibration(self) -> pd.DataFrame:
        """Return the error rates that thresholds rest on, with 95 % intervals.

        Columns: photographs, quality, scale, threshold, fmr, fmr_low, fmr_high, fnmr, fnmr_low,
        fnmr_high.
        """
        return self._table("calibration")

    # --- Pages ----------------------------------------------------------------------------

    def open_page(self, name: str) -> Page:
        """Show a page of the server in this notebook: its widgets run there, as in a browser.

        Raises ServerError if there is no such page, or it does not open.
        """
        from workbench.client.bridge import open_page

        return open_page(self._server, name)

    def investigate(self) -> Page:
        """Show the page Investigate in this notebook; see :meth:`open_page`."""
        return self.open_page("investigate")

    def review(self) -> Page:
        """Show the page Review in this notebook; see :meth:`open_page`."""
        return self.open_page("review")

    # --- Within ---------------------------------------------------------------------------

    def _do(self, reference: str, action: str, document: Mapping[str, Any]) -> Case:
        return case_from(self._server.send("POST", _case(reference, action), document))

    def _fetch(self, path: str) -> bytes:
        return self._server.ask("GET", path, accept="*/*")[0]

    def _table(self, path: str) -> pd.DataFrame:
        import pyarrow as pa

        content, _ = self._server.ask("GET", path, accept=ARROW)
        with pa.ipc.open_stream(io.BytesIO(content)) as reader:
            frame: pd.DataFrame = reader.read_all().to_pandas()
        return frame


def _file(name: Path | str | None) -> Path | None:
    return None if name is None else Path(name).expanduser()


def _case(reference: str, *more: str) -> str:
    return "/".join(("cases", *(quote(part, safe="") for part in (reference, *more))))


def _of_scope(scope: Scope, only: Filter | None) -> dict[str, Any]:
    return {**scope_document(scope), "only": None if only is None else only.document()}
