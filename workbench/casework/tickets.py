"""Signing of tickets, by which searchers on other machines take part in a permitted search.

A ticket is signed by the key that signs the record, for a permit that is valid still, and ends with
it at the latest: so within a minute of the entry in the record that allowed the search.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.casework.record.keys import record_key
from workbench.domain import Filter
from workbench.permit import seconds_left
from workbench.permit.tickets import LIFETIME, Signed, Ticket, digest_of_probe

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from workbench.casework.register import CaseRegister
    from workbench.domain import Scope, Vector
    from workbench.permit import Permit


@dataclass(frozen=True)
class TicketOffice:
    """Signer of the tickets of one search.

    Parameters
    ----------
    register : CaseRegister
        Of the installation, with its key.
    permit : Permit
        Of the search; its question is the one below.
    gallery : Path
        File of the gallery that is searched.
    template : (dimension,) float32
        Template of the probe.
    scope : Scope
        District and time range of the search.
    """

    register: CaseRegister
    permit: Permit
    gallery: Path
    template: Vector = field(repr=False)
    scope: Scope

    def sign(
        self,
        searcher: str,
        *,
        storage: str,
        profile: str,
        commit: int,
        scale: str,
        cameras: str,
        parts: str,
        only: Filter | None = None,
        threshold: float | None = None,
        top: int | None = None,
    ) -> Signed:
        """Sign a ticket for one searcher; the parameters are as in :class:`Ticket`.

        Raises
        ------
        NotPermitted
            If the permit has expired, or is not for this question.
        SettingsError
            If the installation's key cannot be used.
        """
        left = seconds_left(
            self.permit, gallery=self.gallery, template=self.template, scope=self.scope
        )
        now = datetime.now(UTC)
        ticket = Ticket(
            case=self.permit.case, entry=self.permit.entry, gallery=self._place,
            storage=storage, profile=profile, commit=commit, scope=self.scope,
            only=only or Filter(), probe=self._probe, scale=scale,
            threshold=threshold, top=top, cameras=cameras, parts=parts, searcher=searcher,
            issued=now, expires=now + min(LIFETIME, timedelta(seconds=left)),
        )  # fmt: skip
        text = ticket.text()
        return Signed(text, self._key.sign(text))

    @cached_property
    def _place(self) -> str:
        return str(self.gallery.resolve())

    @cached_property
    def _probe(self) -> str:
        return digest_of_probe(self.template)

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return record_key(self.register.folder)


__all__ = ["TicketOffice"]
