"""A cluster of Ray of two nodes on loopback, which lasts as long as the process that asked for it.

    python tests/support/raynodes.py FOLDER PID [--apart]

One processor each, of which Ray only keeps count; with ``--apart`` each node has what a machine
has: a core of its own, where there are two, and a home of its own. What is to be known of it comes
in ``FOLDER/ready.json``, or in ``FOLDER/failed.txt`` why there is none. A second node that is
killed is started again.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

# Ray gives itself 15 seconds for a step that takes longer on a busy machine, and more do not help:
# https://github.com/ray-project/ray/issues/65983
TRIES, SECONDS = 3, 120.0
HEAD, OTHER = "127.0.0.2", "127.0.0.3"  # Ray takes 127.0.0.1 for another address of the machine


def free_port() -> int:
    """A port that nothing listens at, whichever address of this machine is asked."""
    with socket.socket() as one:
        one.bind(("", 0))
        return int(one.getsockname()[1])


def start(
    environment: dict[str, str], log: Path, *options: str, core: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a node in a session of its own, on one core or any; what it says goes to *log*."""
    pinned = None if core is None else partial(os.sched_setaffinity, 0, {core})
    with log.open("wb") as file:
        return subprocess.Popen(
            [
                sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1",
                "--disable-usage-stats", "--object-store-memory=100000000", *options,
            ],
            env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=file, stderr=file, preexec_fn=pinned,
        )  # fmt: skip


def began(node: subprocess.Popen[bytes], log: Path) -> bool:
    """Wait until a node has begun, or cannot."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and node.poll() is None:
        if "Ray runtime started" in log.read_text():
            return True
        time.sleep(0.1)
    return False


def stop(node: subprocess.Popen[bytes]) -> None:
    """End a node with all that it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(node.pid, how)
        until = time.monotonic() + 5
        while time.monotonic() < until and node.poll() is None:
            time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(node.pid, signal.SIGKILL)
    node.wait()


def is_alive(pid: int) -> bool:
    """True while a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """Run the cluster."""
    folder, owner = Path(sys.argv[1]), int(sys.argv[2])
    cores: list[int | None] = [*sorted(os.sched_getaffinity(0))]
    apart = "--apart" in sys.argv[3:]
    if not apart or len(cores) < 2:
        cores = [None, None]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # by way of what ends the nodes
    token = folder / "token"
    token.write_text(secrets.token_hex(24))
    # Its sockets' paths may have 107 bytes, which a folder of pytest's takes already.
    place = tempfile.mkdtemp(prefix="ray-")
    environment = os.environ | {
        "HOME": str(folder),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONSAFEPATH": "1",
    }
    of_other = dict(environment)
    if apart and "SIGHTLINE_HOME" in environment:
        of_other["SIGHTLINE_HOME"] = f"{environment['SIGHTLINE_HOME']}-other"
    head_log, other_log = folder / "head.log", folder / "other.log"
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for _ in range(TRIES):
            port = free_port()
            running["head"] = start(
                environment, head_log, "--head", f"--node-ip-address={HEAD}", f"--port={port}",
                "--include-dashboard=false", f"--temp-dir={place}", core=cores[0],
            )  # fmt: skip
            join = (f"--address={HEAD}:{port}", f"--node-ip-address={OTHER}")
            if began(running["head"], head_log):
                running["other"] = start(of_other, other_log, *join, core=cores[1])
                if began(running["other"], other_log):
                    break
            for node in running.values():
                stop(node)
            running.clear()
        else:
            (folder / "failed.txt").write_text((head_log.read_text() or "no word")[-500:])
            return
        told = {"address": f"{HEAD}:{port}", "token": str(token), "other": OTHER}
        (folder / "ready.new").write_text(json.dumps(told))
        (folder / "ready.new").rename(folder / "ready.json")
        while is_alive(owner):
            if running["other"].poll() is not None:
                stop(running["other"])
                running["other"] = start(of_other, other_log, *join, core=cores[1])
            time.sleep(0.2)
    finally:
        for node in running.values():
            stop(node)
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
