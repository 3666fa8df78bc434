"""Certificates for servers on 127.0.0.1, made with openssl."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificates(NamedTuple):
    """`ca` signed `server`; `other_ca` signed nothing. `both`: the server's key and certificate in one file."""

    ca: Path
    server: Path
    key: Path
    both: Path
    other_ca: Path


def make_certificates(folder: Path) -> Certificates:
    ca, key = folder / "ca.pem", folder / "server.key"
    _authority(folder, "ca")
    _authority(folder, "other")
    _openssl(
        folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key.name, "-out", "server.csr", "-subj", "/CN=server"
    )
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2000", "-extfile", "names")
    _openssl(folder, "x509", "-req", "-in", "server.csr", "-out", "server.pem", *signed)
    server, both = folder / "server.pem", folder / "both.pem"
    both.write_text(key.read_text() + server.read_text())
    for path in (key, both):
        path.chmod(0o600)
    return Certificates(ca, server, key, both, folder / "other.pem")


def _authority(folder: Path, name: str) -> None:
    out = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
    extensions = ("-addext", "keyUsage=critical,keyCertSign", "-addext", "basicConstraints=critical,CA:TRUE")
    _openssl(
        folder,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        *out,
        "-subj",
        f"/CN={name}",
        "-days",
        "2000",
        *extensions,
    )


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
