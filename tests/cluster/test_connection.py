"""Which clusters are connected to, and which are refused before anything is sent to them."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from raynodes import HEAD, free_port

from workbench.cli.main import main
from workbench.cli.output import REFUSED
from workbench.cluster import connection
from workbench.cluster.connection import connect, connected
from workbench.errors import SettingsError

ray = pytest.importorskip("ray", reason="Ray is not installed: sightline-workbench[cluster]")


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of this process, which it is to give to a cluster."""
    (tmp_path / "token").write_text("a" * 40)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))


@pytest.fixture
def open_to_all(tmp_path: Path) -> Iterator[str]:
    """Address of the part of a cluster that a process asks first, which asks for no token."""
    port = free_port()
    program = Path(ray.__file__).parent / "core/src/ray/gcs/gcs_server"
    command = [
        program, f"--log_dir={tmp_path}", f"--gcs_server_port={port}",
        f"--node-ip-address={HEAD}", "--session-name=test", "--config_list=e30=",
    ]  # fmt: skip
    with subprocess.Popen(
        command, env=os.environ | {"RAY_AUTH_MODE": "disabled"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection((HEAD, port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
        yield f"{HEAD}:{port}"
        running.kill()


@pytest.mark.slow
def test_a_cluster_that_asks_for_no_token_is_refused(token: None, open_to_all: str) -> None:
    with pytest.raises(SettingsError, match="asks for no token") as refused:
        connect(open_to_all)
    assert refused.value.where == f"Ray at {open_to_all}"
    assert not ray.is_initialized()


def test_a_process_without_a_token_connects_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: None
) -> None:
    def refused() -> None:
        with pytest.raises(SettingsError, match="is not used without a token"), connected("auto"):
            raise AssertionError

    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    refused()
    monkeypatch.delenv("RAY_AUTH_MODE")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    refused()
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH")
    monkeypatch.setenv("HOME", str(tmp_path))
    refused()


def test_a_machine_on_which_no_node_runs_is_told_so() -> None:
    """Ray would wait for one for a minute, and then say that it could not connect."""
    elsewhere = ray.NodeID.from_random()

    class Client:
        """What a process asks about a cluster whose one node is on another machine."""

        def get_all_node_info(self, *, timeout: float) -> dict[object, object]:
            return {elsewhere: None}

    with pytest.raises(SettingsError, match="has no node on this machine"):
        connection._refuse_without_a_node(Client(), "10.0.0.4:6379")


def test_beyond_loopback_tls_is_needed(token: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # An address for documents, which is nobody's: it is made this machine's for the test.
    answered = []

    def answers(address: tuple[str, int], timeout: float) -> socket.socket:
        answered.append(address)
        return socket.socket()

    monkeypatch.delenv("RAY_USE_TLS", raising=False)
    monkeypatch.setattr("workbench.cluster.connection.socket.create_connection", answers)
    with pytest.raises(SettingsError, match=r"not used without TLS: 192\.0\.2\.7 is not"):
        connect("192.0.2.7:6379")
    assert answered == [("192.0.2.7", 6379)]


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of two clusters' authorities, each with a certificate for the same address."""
    made = {name: tmp_path_factory.mktemp(name) for name in ("ours", "others")}
    for folder in made.values():
        program = Path(__file__).parents[2] / "deploy" / "ray" / "certificates"
        subprocess.run([program, folder, HEAD], check=True)
    return made


@pytest.fixture
def serving() -> Iterator[Callable[[Path | None], str]]:
    """``serving(folder)``: address of what talks as a cluster does, by the certificates there.

    Without a folder, or TLS, it begins as gRPC does.
    """
    listening = []

    def serve(folder: Path | None) -> str:
        context = None
        if folder is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / HEAD / "tls.crt", folder / HEAD / "tls.key")
            context.load_verify_locations(folder / "ca.crt")
            context.verify_mode = ssl.CERT_REQUIRED
        listener = socket.create_server((HEAD, 0))
        listening.append(listener)

        def answer() -> None:
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:
                    return  # closed: the test is over
                try:
                    with one if context is None else context.wrap_socket(one, True) as talking:
                        talking.sendall(b"\0\0\0\x04\0\0\0\0\0")
                        talking.recv(1)
                except OSError:
                    one.close()

        threading.Thread(target=answer, daemon=True).start()
        return f"{HEAD}:{listener.getsockname()[1]}"

    yield serve
    for one in listening:
        one.shutdown(socket.SHUT_RDWR)
        one.close()


def with_tls(monkeypatch: pytest.MonkeyPatch, own: Path, authority: Path) -> None:
    """Have TLS on in this process, with the certificate of a folder, and trust an authority."""
    monkeypatch.setenv("RAY_USE_TLS", "1")
    monkeypatch.setenv("RAY_TLS_SERVER_CERT", str(own / HEAD / "tls.crt"))
    monkeypatch.setenv("RAY_TLS_SERVER_KEY", str(own / HEAD / "tls.key"))
    monkeypatch.setenv("RAY_TLS_CA_CERT", str(authority / "ca.crt"))


def test_tls_on_one_side_alone_is_told_before_anything_is_sent(
    token: None, authorities: dict[str, Path], serving: Callable[[Path | None], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ours, others = authorities["ours"], authorities["others"]
    with_it, without = serving(ours), serving(None)
    monkeypatch.delenv("RAY_USE_TLS", raising=False)
    with pytest.raises(SettingsError, match="has TLS, which is off in this process"):
        connect(with_it)
    connection._refuse_one_sided_tls(without, without)
    with_tls(monkeypatch, ours, ours)
    with pytest.raises(SettingsError, match="has no TLS, which is on in this process"):
        connect(without)
    connection._refuse_one_sided_tls(with_it, with_it)
    with_tls(monkeypatch, ours, others)
    with pytest.raises(SettingsError, match="shows a certificate that cannot be trusted"):
        connect(with_it)
    with_tls(monkeypatch, others, ours)
    with pytest.raises(SettingsError, match="refuses the certificate of this machine"):
        connect(with_it)
    monkeypatch.setenv("RAY_TLS_CA_CERT", "/nowhere/ca.crt")
    with pytest.raises(SettingsError, match="certificates of this machine, which cannot be read"):
        connect(with_it)
    monkeypatch.delenv("RAY_TLS_CA_CERT")
    with pytest.raises(SettingsError, match="RAY_TLS_CA_CERT are to name files"):
        connect(with_it)


@pytest.mark.parametrize("address", ["ray://127.0.0.2:10001", "127.0.0.2:1", "nonsense"])
def test_where_no_cluster_answers_is_told(token: None, address: str) -> None:
    with pytest.raises(SettingsError, match="no cluster answers there"):
        connect(address)


def test_the_command_refuses_before_it_makes_a_gallery(
    token: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cameras.csv").write_text("camera_id,name,latitude,longitude\nC1,Quay,51.4,0.1\n")
    (tmp_path / "footage.csv").write_text("file,camera_id,started_at\n")
    command = ["index", str(tmp_path), "--gallery", str(tmp_path / "g.duckdb")]
    assert main([*command, "--ray", "127.0.0.2:1"]) == REFUSED
    assert "Ray at 127.0.0.2:1: no cluster answers there" in capsys.readouterr().err
    assert main([*command, "--ray-gpus", "0.5"]) == REFUSED
    assert not (tmp_path / "g.duckdb").exists()


def test_nothing_imports_ray_unless_it_is_asked_for() -> None:
    program = "import sys, workbench.cli.indexing, workbench.indexing; print('ray' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout == "False\n"
