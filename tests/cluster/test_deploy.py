"""What deploy/ray has for a cluster: certificates that Ray can use, and what is asked for."""

from __future__ import annotations

import configparser
import ipaddress
import stat
import subprocess
from pathlib import Path

import yaml
from cryptography import x509

RAY = Path(__file__).parents[2] / "deploy" / "ray"
# Without these a cluster is refused, or more of it is open than Sightline needs.
NEEDED = {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "RAY_USE_TLS", "RAY_TLS_SERVER_CERT",
          "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT", "RAY_USAGE_STATS_ENABLED"}  # fmt: skip


def certified(folder: Path, *hosts: str) -> None:
    subprocess.run([RAY / "certificates", folder, *hosts], check=True)


def test_each_machine_gets_a_certificate_of_the_cluster_and_the_authority_stays(
    tmp_path: Path,
) -> None:
    certified(tmp_path, "10.0.0.4")
    authority = (tmp_path / "ca.crt").read_bytes()
    first = (tmp_path / "10.0.0.4" / "tls.crt").read_bytes()
    certified(tmp_path, "10.0.0.4", "node-2.example.org")
    assert (tmp_path / "ca.crt").read_bytes() == authority
    assert (tmp_path / "10.0.0.4" / "tls.crt").read_bytes() == first
    known = x509.load_pem_x509_certificate(authority)
    for host in ("10.0.0.4", "node-2.example.org"):
        folder = tmp_path / host
        assert {path.name for path in folder.iterdir()} == {"ca.crt", "tls.crt", "tls.key"}
        made = x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes())
        made.verify_directly_issued_by(known)
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = names.get_values_for_type(x509.IPAddress)
        assert ipaddress.ip_address("127.0.0.1") in addresses
        named = [*map(str, addresses), *names.get_values_for_type(x509.DNSName)]
        assert host in named
    keys = list(tmp_path.rglob("*.key"))
    assert len(keys) == 3
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in keys)


def test_units_and_pods_ask_for_token_and_tls_and_show_no_dashboard() -> None:
    lines = (RAY / "environment").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert told.keys() >= NEEDED
    assert (told["RAY_AUTH_MODE"], told["RAY_USE_TLS"]) == ("token", "1")
    for name in ("head", "node"):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.read(RAY / f"ray-{name}.service")
        assert unit["Service"]["EnvironmentFile"] == "/etc/sightline/ray.env"
        assert ("--include-dashboard=false" in unit["Service"]["ExecStart"]) == (name == "head")

    cluster, network = yaml.safe_load_all((RAY / "kuberay.yaml").read_text())
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]
    assert groups[0]["rayStartParams"]["include-dashboard"] == "false"
    for group in groups:
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        given = {one["name"] for one in container["env"]}
        assert given >= NEEDED - {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH"}  # the operator's
        mounts = {one["name"]: one for one in container["volumeMounts"]}
        assert mounts.keys() <= {one["name"] for one in pod["volumes"]}
        assert "authority" not in mounts  # whose key signs other machines
        assert mounts["footage"]["readOnly"]
    assert network["spec"]["policyTypes"] == ["Ingress", "Egress"]
