"""The trust store for Java, by Java's own tool."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from hashlib import sha1
from pathlib import Path

import trustme

from runtime.agent.trust import JKS_PASSWORD, java_trust_store


def _bundle(count: int) -> bytes:
    return b"".join(trustme.CA().cert_pem.bytes() for _ in range(count))


def test_layout() -> None:
    """A head, an entry for each certificate with a name of its own, and a checksum with the usual password."""
    bundle = b"# a comment\n" + _bundle(3)
    store = java_trust_store(bundle)
    assert store[:12] == bytes.fromhex("feedfeed 00000002 00000003")
    place = 12
    for number, certificate in enumerate(ssl.PEM_cert_to_DER_cert(pem) for pem in _certificates(bundle)):
        entry = bytes.fromhex("00000002 0001") + b"%d" % number + bytes(8) + b"\0\x05X.509"
        entry += len(certificate).to_bytes(4, "big") + certificate
        assert store[place : place + len(entry)] == entry
        place += len(entry)
    checked = "changeit".encode("utf-16-be") + b"Mighty Aphrodite" + store[:place]
    assert store[place:] == sha1(checked, usedforsecurity=False).digest()


def test_no_certificates() -> None:
    """An empty bundle makes an empty store."""
    assert len(java_trust_store(b"")) == 12 + 20


def test_as_java_reads_it(tmp_path: Path) -> None:
    """Java's own tool, where there is one, finds the certificates and that nothing was changed."""
    keytool = shutil.which("keytool")
    store = tmp_path / "store.jks"
    store.write_bytes(java_trust_store(_bundle(3)))
    if keytool is not None:
        command = [keytool, "-list", "-keystore", str(store), "-storepass", JKS_PASSWORD]
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert listed.count("trustedCertEntry") == 3


def _certificates(bundle: bytes) -> list[str]:
    begin = "-----BEGIN CERTIFICATE-----"
    return [begin + rest for rest in bundle.decode().split(begin)[1:]]
