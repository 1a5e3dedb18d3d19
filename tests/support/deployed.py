"""A team's server with what stands in front of it: JupyterHub and its proxy, or nginx with TLS.

The files of ``deploy/`` are used as they are, but for names, ports and paths.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from ssl import CERT_NONE, SSLContext, create_default_context
from urllib.parse import urlsplit

import pytest

from workbench.cli.main import main
from workbench.demo import demo_town

DEPLOY = Path(__file__).parents[2] / "deploy"
PATIENCE = 120.0  # seconds
TEAM = {
    "cleo": "analyst",
    "anna": "analyst",
    "sara": "supervisor",
    "rosa": "reviewer",
    "otto": "auditor",
    "ada": "administrator",
}
PASSWORD = "of-the-tests"


def program(name: str) -> str:
    """Path of a program of Debian; the test is skipped where it is not installed."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip(f"NO TEST OF A TEAM WAS RUN: {name} is not installed (tools/ensure-programs)")
    return found


def _ports() -> Iterator[int]:
    """Ports below those that the system gives to whoever connects, each once.

    A server that takes seconds to start finds one free still. Workers of one run have their own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20_000 + 1_000 * (worker % 12)
    begin = random.randrange(1_000)
    for number in range(1_000):
        yield first + (begin + number) % 1_000


_PORTS = _ports()


def free_ports(number: int) -> list[int]:
    """So many ports that nothing listens on, and that nobody was given before."""
    while True:
        ports = list(itertools.islice(_PORTS, number))
        with ExitStack() as stack:
            try:
                for port in ports:
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
        return ports


@dataclass(frozen=True)
class Team:
    """A running server: where people open it, and its home; its hub's API and token, if any."""

    address: str
    home: Path
    log: Path
    hub_api: str = ""
    hub_token: str = ""
    health: str = ""  # asked from the machine itself

    def page(self, name: str) -> str:
        return f"{self.address}voila/render/{name}.ipynb"


@contextmanager
def started(
    command: Sequence[object], *, log: Path, environment: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[str]]:
    """A process and its children, ended afterwards; its words go to *log*."""
    with log.open("a") as words:
        process = subprocess.Popen(
            [str(word) for word in command], stdout=words, stderr=words, text=True, cwd=folder,
            env={**os.environ, **environment}, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(
    what: Callable[[], bool], *processes: tuple[subprocess.Popen[str], Path], where: str
) -> None:
    """Wait until *what* is so; fail at once if one of the processes has ended."""
    until = time.monotonic() + PATIENCE
    while not what():
        for process, log in processes:
            assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, (where, *(log.read_text()[-3000:] for _, log in processes))
        time.sleep(0.1)


def status_of(address: str, **headers: str) -> int:
    """Status of one request; 0 if nothing answers."""
    parts = urlsplit(address)
    assert parts.hostname
    if parts.scheme == "https":
        connection: HTTPConnection = HTTPSConnection(
            parts.hostname, parts.port, timeout=20, context=unchecked()
        )
    else:
        connection = HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", parts.path or "/", headers=sent)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def unchecked() -> SSLContext:
    """TLS with whatever certificate: it is the tests' own."""
    context = create_default_context()
    context.check_hostname, context.verify_mode = False, CERT_NONE
    return context


def in_service(home: Path, gallery: Path) -> dict[str, str]:
    """Put a home in service by the commands of an administrator; the environment of its server."""
    town = demo_town()
    environment = {
        "SIGHTLINE_HOME": str(home),
        "SIGHTLINE_GALLERY": str(gallery),
        "SIGHTLINE_TIME_ZONE": town.time_zone.key,
        "SIGHTLINE_BASE_MAP": str(town.streets.resolve()),
        "SIGHTLINE_DISTRICTS": str((town.root / "districts").resolve()),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        # Rendered faces are more alike than real ones.
        calibrations = str((town.root / "calibrations").resolve())
        assert main(["installation", "set", "calibrations", calibrations]) == 0
        for name, role in TEAM.items():
            assert main(["people", "grant", name, role]) == 0
    return {"OMP_NUM_THREADS": "1", **environment}


SIGHTLINE = [sys.executable, "-m", "workbench", "serve"]


@contextmanager
def behind_hub(home: Path, gallery: Path, folder: Path) -> Iterator[Team]:
    """A JupyterHub as ``deploy/`` has it, with Sightline as its service, behind nginx with TLS."""
    program("configurable-http-proxy")
    nginx = program("nginx")
    environment = in_service(home, gallery)
    port, hub, api, own, front, plain = free_ports(6)
    origin = f"https://127.0.0.1:{front}"
    site = nginx_site(
        "nginx-hub.conf",
        folder,
        {
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl": f"listen 127.0.0.1:{front} ssl",
            "server_name hub.example.org": "server_name 127.0.0.1",
            "proxy_pass http://127.0.0.1:8000;": f"proxy_pass http://127.0.0.1:{port};",
        },
    )
    token = folder / "hub-token"
    token.touch(mode=0o600)
    token.write_text("0123456789abcdef" * 4)
    # People are known here by any password.
    configuration = folder / "jupyterhub_config.py"
    configuration.write_text(
        f"load_subconfig({str(DEPLOY / 'jupyterhub_config.py')!r})\n"
        "c.JupyterHub.authenticator_class = 'dummy'\n"
        f"c.DummyAuthenticator.password = {PASSWORD!r}\n"
    )
    hub_environment = {
        "HUB_ADDRESS": origin,
        "HUB_STATE": str(folder),
        "HUB_PORT": str(port),
        "SIGHTLINE_URL": f"http://127.0.0.1:{own}",
        "SIGHTLINE_HUB_TOKEN": str(token),
        "CONFIGPROXY_AUTH_TOKEN": "of-the-tests",
        # Where another Node.js than Debian's is installed, it does not look there by itself.
        "NODE_PATH": "/usr/share/nodejs",
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
    }
    assert (hub, api) == (port + 1, port + 2)
    address = f"{origin}/services/sightline/"
    sightline = [
        *SIGHTLINE, "--sign-in", "hub", "--address", address, "--port", own,
        "--hub", f"{origin}/hub/", "--hub-api", f"http://127.0.0.1:{hub}/hub/api",
        "--hub-service", "sightline", "--hub-token", token, "--hub-without-servers",
        "--hub-seconds", 1, "--warm-kernels", 1,
    ]  # fmt: skip
    logs = folder / "hub.log", folder / "sightline.log", folder / "nginx.log"
    with (
        started(
            [sys.executable, "-m", "jupyterhub", "--config", configuration],
            log=logs[0], environment=hub_environment, folder=folder,
        ) as first,
        started(sightline, log=logs[1], environment=environment, folder=folder) as second,
        started([nginx, "-c", site], log=logs[2], environment={}, folder=folder) as third,
    ):  # fmt: skip
        all_three = tuple(zip((first, second, third), logs, strict=True))
        wait_for(lambda: status_of(f"{origin}/hub/login") == 200, *all_three, where="hub")
        wait_for(lambda: status_of(address) in (302, 401), *all_three, where="service")
        hub_api = f"http://127.0.0.1:{hub}/hub/api"
        own_address = f"http://127.0.0.1:{own}/services/sightline/"
        yield Team(address, home, logs[1], hub_api, token.read_text(), own_address)


@contextmanager
def behind_nginx(home: Path, gallery: Path, folder: Path) -> Iterator[Team]:
    """Sightline as ``deploy/nginx.conf`` has it: TLS, and people by a password file."""
    nginx, as_root = program("nginx"), os.getuid() == 0
    environment = in_service(home, gallery)
    port, plain = free_ports(2)
    address = f"https://127.0.0.1:{port}/"
    people = folder / "people"
    people.write_text("".join(f"{name}:{{PLAIN}}{PASSWORD}\n" for name in TEAM))
    site = nginx_site(
        "nginx.conf",
        folder,
        {
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "server_name sightline.example.org": "server_name 127.0.0.1",
            "/etc/sightline/people": str(people),
            "/run/sightline/sightline.sock": str(folder / "sightline.sock"),
        },
    )
    account = "www-data" if as_root else str(os.getuid())
    sightline = [
        *SIGHTLINE, "--sign-in", "proxy", "--address", address,
        "--socket", folder / "sightline.sock", "--proxy-account", account, "--warm-kernels", 1,
        *(["--socket-group", "www-data"] if as_root else []),
    ]  # fmt: skip
    logs = folder / "nginx.log", folder / "sightline.log"
    with started(sightline, log=logs[1], environment=environment, folder=folder) as second:
        wait_for(
            lambda: "Sightline is ready" in logs[1].read_text(), (second, logs[1]), where="own"
        )
        with started([nginx, "-c", site], log=logs[0], environment={}, folder=folder) as first:
            both = (first, logs[0]), (second, logs[1])
            wait_for(lambda: status_of(address) == 401, *both, where="nginx")
            yield Team(address, home, logs[1])


def nginx_site(name: str, folder: Path, here: Mapping[str, str]) -> Path:
    """The whole configuration of an nginx that serves a file of ``deploy/``, with other names.

    The frame around it is that of the container.
    """
    make_certificate(folder)
    site = (DEPLOY / name).read_text()
    certificate = {
        "/etc/sightline/tls/certificate.pem": str(folder / "certificate.pem"),
        "/etc/sightline/tls/key.pem": str(folder / "key.pem"),
    }
    for written, ours in {**here, **certificate}.items():
        assert written in site, f"deploy/{name} has no {written!r}"
        site = site.replace(written, ours)
    (folder / "site.conf").write_text(site)
    frame = (DEPLOY / "container/nginx.conf").read_text()
    for written, ours in {
        "/tmp/": f"{folder}/",
        "/etc/nginx/conf.d/*.conf": f"{folder}/site.conf",
        "worker_processes auto": "worker_processes 1",
    }.items():
        assert written in frame, f"deploy/container/nginx.conf has no {written!r}"
        frame = frame.replace(written, ours)
    whole = folder / "nginx.conf"
    whole.write_text(
        f"{'user www-data;' if os.getuid() == 0 else ''}\ndaemon off;\n{frame}", encoding="utf-8"
    )
    return whole


def make_certificate(folder: Path, *, days: int = 1) -> None:
    """A key and a certificate of 127.0.0.1 that nobody signed but itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now, day = datetime.now(UTC), timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - day).not_valid_after(now + days * day)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def recorded(home: Path) -> list[dict[str, object]]:
    """The entries of a record, as they stand in the file."""
    lines = (home / "casework/audit.log").read_text().splitlines()
    return [json.loads(line.split(" ", 2)[2]) for line in lines]
