"""Shielding: what others noted or watched is kept from people who may come to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.casework.reviewing.blindness import may_come_to_decide

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.register import CaseRegister


def is_shielded(register: CaseRegister, case: Case) -> bool:
    """Check whether what others watched and wrote under a case is kept from the user.

    It is while the case is open and they may come to decide in its review: what others looked at
    or thought of tells where the candidates are, also before any is listed.
    """
    me = register.me
    if not me.in_service or case.state != "open":
        return False
    return may_come_to_decide(me, register.not_blind(case.reference))
