"""Training cases: what they are called, what they may search and what is said about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import CaseError

if TYPE_CHECKING:
    from workbench.casework.register import CaseRegister
    from workbench.domain import Scope
    from workbench.gallery import Gallery

TRAINING_CASE = "TRAINING"  # reference of the one that the demo and the page Investigate open
TRAINING_NOTICE = (
    "Training: this case carries no authority. Nothing found under it may be acted on or shown as "
    "evidence."
)

# SHA-256 of the demo's clips. No one in them exists. A test holds this list to the files.
FICTIONAL = frozenset(
    {
        "0866c472d0976f9cd4939bfbfdd0454929d054a33c29e9c9b5c23f0e8ef2bcaa",
        "179e4fe2500e7388102556821387e43990b738dd7a2dd22ac4e2627f5c9ccfc2",
        "1e9b158b47fdd74921c817363101d0e2a129cd20b173ce7e4563fa7d2fedc64a",
        "1f13776b236a1d0e423f20f3570c0316f2be113bc58ff476e107088e3ee8840b",
        "42b797612987c788bc8d2b24dfb95559e739c2b62e598240319ecd08ce13d24b",
        "67ea9d77c63d270c4fdde41c68ee3a8a0daf53ead93c427085793abae1b5c293",
        "7044ee1658bbc911df4d765622162557732a5a20bb89031fb6e02d40a3b9a6d6",
        "9f5bfd169cb88c9a66e49153848e703d18edebf8c3023c0299a7b0c264c170cb",
        "d09bd99c1d80deb1a13cde586e50be94d053fbb98a8df463e75a12970b10d8b2",
        "d8b13a9b2efa680892be4699bf232a2f602af6bcbb693eb2c8109e8904c5115d",
        "def0e5140bb45c15ffec03b2aec611b6451656bbc1621fef25636e796d5652a4",
        "e1969afd36f2f42b768c26b6885474361dfa53d4c0414bceb6e42448f9a8d026",
        "e4c3383e742affdfc73f665409c87115b48bce6f9f719ee2ecf1c3703f8617f9",
        "fb5d23d06e8a3b71a801ad86086eaa6af02c67e8cc4ef263f67ff7597889a25b",
    }
)


def covering_case(
    register: CaseRegister, scope: Scope, *, reference: str = TRAINING_CASE, title: str = ""
) -> str:
    """Return the reference of a training case that covers a scope; open or widen it if it must be.

    Raises
    ------
    NotPermitted
        If the user may not open training cases.
    CaseError
        If the reference is that of another case.
    """
    try:
        case = register.case(reference)
    except CaseError:
        return register.train(reference, scope, title=title).reference
    covered = scope.district.area.covered_by(case.request.district.area)
    covered &= case.request.start <= scope.start and scope.end <= case.request.end
    if case.is_training and case.status() == "open" and covered:
        return case.reference
    return register.train(reference, scope, title=title).reference


def is_fictional(gallery: Gallery) -> bool:
    """Check that a gallery holds recordings of the demo alone, as indexing read them.

    They are known by their content, which what was imported or merged can only claim.
    """
    return gallery.holds_only(FICTIONAL)
