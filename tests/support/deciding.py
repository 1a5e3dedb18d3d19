"""A team that signs in, requests, approves, decides and exports as fast as it can, and is killed.

In every other round, all that is old is deleted from a copy of the gallery amid a review.

python deciding.py HOME GALLERY KILLS

Each round is a process of its own, killed at some moment. What it had told as done until then is
printed, one JSON array an act.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from attempts import SEEN
from office import AREA, START, probe_of, stated

from workbench.casework.cases import Request, Rules
from workbench.casework.evidence.export import export
from workbench.casework.record.acting import acting_for
from workbench.casework.register import CaseRegister, open_register
from workbench.casework.retention import purge, remove_old
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.casework.subjects import describe_subject
from workbench.domain import Scope
from workbench.gallery import Gallery
from workbench.investigation import search
from workbench.server.sessions import Session
from workbench.server.signins import SignIns
from workbench.settings import Settings

SUBJECT = probe_of(0)
ACTS = 12  # of one case, with its purge
SCOPE = Scope(AREA, START, START + timedelta(hours=12))


def request_of(reference: str, rules: Rules) -> Request:
    now = datetime.now(UTC)
    return Request(
        reference=reference, purpose="missing person", legal_basis="x", authority="x",
        authorisation="x", district=AREA, start=SCOPE.start, end=SCOPE.end,
        valid_from=now - timedelta(hours=1), valid_until=now + timedelta(days=2),
        subject=describe_subject(
            SUBJECT, calibrations=rules.calibrations, provenance=stated()
        ),
        members=("rosa", "rolf"),
    )  # fmt: skip


def work(
    register: CaseRegister, gallery: Gallery, reference: str, told: int, home: Path, old: Path
) -> None:
    """Take one case from its request to its evidence; each act is told when it is done."""

    def tell(*act: object) -> None:
        os.write(told, json.dumps(act).encode() + b"\n")

    session = Session("anna", "hub")
    asyncio.run(SignIns(register.folder).record(session))
    tell("signed in", "", session.id)
    with acting_for("anna", "hub"):
        asked = register.ask(request_of(reference, register.rules), subject=SUBJECT)
        tell("asked", reference)
    with acting_for("sara", "hub"):
        register.approve(reference, digest=asked.digest)
        tell("approved", reference)
    with acting_for("anna", "hub"):
        found = search(
            gallery, SUBJECT, SCOPE, case=reference, register=register, threshold=0.6, top=2
        )
        list_for_review(register, reference, found.candidates, fillers=0)
        tell("listed", reference)
    if old.exists():
        with acting_for("ada", "hub"), Gallery.open(old, write=True) as copy:
            purge(register, old, partial(remove_old, copy), days=0)
            tell("purged", reference, str(old))
    for name in ("rosa", "rolf"):
        with acting_for(name, "hub"):
            for item in waiting(register, reference, gallery):
                said = {"conclusion": 3, "features": SEEN, "reason": "Compared."}
                decide(register, reference, item.key, **said)
                tell("decided", reference, item.key, name)
    with acting_for("anna", "hub"):
        path = home / f"{reference}.zip"
        made = export(register, reference, gallery, path)
        tell("exported", reference, str(path), made.manifest)
        register.close(reference, reason="found")
        tell("closed", reference)


def main() -> None:
    home, path, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(15)
    for turn in range(kills):
        old = home / f"old-{turn}" / path.name
        if turn % 2:
            shutil.copytree(path.parent, old.parent)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            register = open_register(Settings(home=home))
            with Gallery.open(path) as gallery:
                for number in range(1_000):
                    work(register, gallery, f"K-{turn}-{number}", writing, home, old)
            os._exit(1)
        os.close(writing)
        with os.fdopen(reading) as acts:
            # By what was done, not by the clock: a slow machine dies at as many places.
            for _ in range(chance.randint(0, ACTS)):
                sys.stdout.write(acts.readline())
            time.sleep(chance.uniform(0.0, 0.3))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if os.WIFEXITED(status):
                sys.exit("a round ended by itself")
            sys.stdout.write(acts.read())


if __name__ == "__main__":
    main()
