"""The cluster of Ray that all tests of a run share."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

LONG = 90.0  # seconds: Ray takes a node that stands still for lost after some 65
NODES = Path(__file__).with_name("raynodes.py")


@dataclass(frozen=True)
class RayCluster:
    """Two nodes with a processor each; a test has them for itself."""

    address: str
    other: str  # address of the node that is not its head
    home: Path  # of its nodes: that of the process which started it
    began_seconds: float


def raylet(address: str) -> psutil.Process | None:
    """The process that a node stands and falls with; None while there is none."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "raylet" and f"--node_ip_address={address}" in process.cmdline():
                return process
    return None


@contextlib.contextmanager
def frozen(process: psutil.Process | None) -> Iterator[None]:
    """Have a process, and all that it started, stand still during the block."""
    stopped: list[psutil.Process] = []
    if process is not None:
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                one.suspend()
                stopped.append(one)
    try:
        yield
    finally:
        for one in stopped:
            with contextlib.suppress(psutil.Error):
                one.resume()


@pytest.fixture(scope="session")
def ray_nodes(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    """The cluster, started by the first process of tests that needs it."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: sightline-workbench[cluster]")
    own = tmp_path_factory.getbasetemp()
    of_many = "PYTEST_XDIST_WORKER" in os.environ
    folder = (own.parent if of_many else own) / "ray"
    owner = os.getppid() if of_many else os.getpid()
    began = time.monotonic()
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            (folder / "home").write_text(str(home))
            paths = os.pathsep.join(path for path in sys.path if path)
            subprocess.Popen(
                [sys.executable, NODES, folder, str(owner)],
                env=os.environ | {"PYTHONPATH": paths}, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        ready, failed = folder / "ready.json", folder / "failed.txt"
        while not (ready.exists() or failed.exists()):
            time.sleep(0.1)
    if failed.exists():
        pytest.skip(f"Ray cannot be started here: {failed.read_text()}")
    told = json.loads(ready.read_text())
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_AUTH_MODE", "token")
        patched.setenv("RAY_AUTH_TOKEN_PATH", told["token"])
        of_nodes = Path((folder / "home").read_text())
        yield RayCluster(told["address"], told["other"], of_nodes, time.monotonic() - began)


@pytest.fixture
def ray_cluster(
    ray_nodes: RayCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RayCluster]:
    """The cluster, for this test alone."""
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with FileLock(folder / "ray.turn"):
        yield ray_nodes
