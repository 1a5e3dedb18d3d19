"""An installation in service in which no page is empty for whoever owns this process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attempts import SEEN
from shapely import box

from workbench.casework.cases import Request
from workbench.casework.provenance import Provenance
from workbench.casework.record.acting import acting_for
from workbench.casework.record.identity import account_of_process
from workbench.casework.record.installation_file import InstallationFile, write_installation
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.casework.subjects import describe_subject
from workbench.demo import demo_town
from workbench.domain import District, Scope
from workbench.faces.probes import make_probe
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.investigation import search
from workbench.settings import Settings

ROLES = {
    "anna": ["analyst"],
    "sara": ["supervisor"],
    "sven": ["supervisor"],
    "rosa": ["reviewer"],
    "rolf": ["reviewer"],
}
DECIDED, TO_REVIEW, REQUESTED = "A-1", "A-2", "A-3"


def fill(home: Path, gallery: Path, photographs: Sequence[Path]) -> None:
    """Fill the casework of *home*: put it in service, and make three cases.

    One has two confirmed sightings, one has two faces to decide on, and one waits for approval.
    The owner of this process is analyst, reviewer, supervisor and administrator, and a member.
    """
    me, folder = account_of_process(), home / "casework"
    calibrations = demo_town().root / "calibrations"
    folder.mkdir(mode=0o700)
    own = ["analyst", "reviewer", "supervisor", "administrator"]
    people = folder / "people.json"
    people.write_text(json.dumps({"people": {**ROLES, me: own}}))
    people.chmod(0o644)
    rules = {"calibrations": str(calibrations)}
    write_installation(folder, InstallationFile("0f" * 16, "in service", rules))
    installation = Installation(Settings(home=home))
    register = installation.register
    where = District("Old Town", box(-0.05, 51.45, 0.05, 51.5))
    with Gallery.open(gallery) as opened:
        probe = make_probe(photographs, models=installation.load_models(opened.profile))
        footage = opened.footage()
        scope = Scope(where, footage["started_at"].min(), footage["ended_at"].max())
        now = datetime.now(UTC)
        stated = Provenance(source="album", given_by="the mother", taken="2026-01", changes="none")
        subject = describe_subject(
            probe, calibrations=calibrations, provenance=(stated,) * len(photographs)
        )
        for reference in (DECIDED, TO_REVIEW, REQUESTED):
            request = Request(
                reference=reference,
                purpose="missing person",
                title="Last seen at the market",
                legal_basis="Search for a missing person",
                authority="Public prosecutor",
                authorisation=f"P {reference}",
                district=scope.district,
                start=scope.start,
                end=scope.end,
                valid_from=now - timedelta(hours=1),
                valid_until=now + timedelta(days=2),
                subject=subject,
                members=(me, "rosa", "rolf"),
            )
            with acting_for("anna", "hub"):
                register.ask(request, subject=probe)
            if reference == REQUESTED:
                break
            for supervisor in ("sara", "sven"):  # the area is large: it takes two
                with acting_for(supervisor, "hub"):
                    register.approve(reference, digest=register.case(reference).waiting.digest)
            with acting_for("anna", "hub"):
                found = search(opened, probe, scope, case=reference, register=register, top=2)
                assert list_for_review(register, reference, found.candidates).faces == 2
        for reviewer in ("rosa", "rolf"):
            with acting_for(reviewer, "hub"):
                for item in waiting(register, DECIDED, opened):
                    decide(
                        register, DECIDED, item.key,
                        conclusion=3, features=SEEN, reason="Nose and ears.",
                    )  # fmt: skip
