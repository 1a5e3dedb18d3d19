"""Ask the public database of weaknesses about every package of requirements.lock, by pip-audit.

Run by ``make audit``, on a machine that reaches the package index. Exit status: 0 if nothing is
known, 1 if something is, 2 if that could not be found out, which is not the same as nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLEAN, FOUND, NOT_KNOWN = 0, 1, 2


def audit(lock: Path, pip_audit: Path) -> tuple[int, str]:
    """Ask about the packages of a lock.

    Parameters
    ----------
    lock : Path
        Requirements with exact versions and hashes.
    pip_audit : Path
        The program.

    Returns
    -------
    tuple[int, str]
        Exit status, and what to print.
    """
    command = [
        str(pip_audit), "--disable-pip", "--require-hashes", "--requirement", str(lock),
        "--format", "json", "--progress-spinner", "off",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        return NOT_KNOWN, f"NOT AUDITED: {pip_audit} cannot be run ({error})."
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        words = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return NOT_KNOWN, f"NOT AUDITED: pip-audit gave no answer about {lock.name} ({words})."
    if packages and all("skip_reason" in each for each in packages):
        return NOT_KNOWN, (
            f"NOT AUDITED: none of the {len(packages)} packages of {lock.name}. Of the first, "
            f"pip-audit says: {packages[0]['skip_reason']}. A mirror of the index, or a network "
            "without it, does not have what is known of weaknesses."
        )
    left_out = [
        f"{each['name']}: {each['skip_reason']}" for each in packages if "skip_reason" in each
    ]
    known = [
        f"{each['name']} {each['version']}: {weakness['id']}, mended in "
        f"{', '.join(weakness['fix_versions']) or 'no version yet'}"
        for each in packages
        for weakness in each.get("vulns", ())
    ]
    said = [*known, *(f"NOT AUDITED: {line}" for line in left_out)]
    said.append(f"{len(packages) - len(left_out)} packages audited, {len(known)} weaknesses known.")
    status = FOUND if known else NOT_KNOWN if left_out or not packages else CLEAN
    return status, "\n".join(said)


def main() -> int:
    """Audit the lock of this repository, and print the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pip_audit", type=Path, help="the program pip-audit")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock")
    options = parser.parse_args()
    status, said = audit(options.lock, options.pip_audit)
    sys.stdout.write(f"{said}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
