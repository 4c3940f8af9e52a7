"""The certificate authorities that programs in the sandbox trust: the system's, and the runtime's own."""

from __future__ import annotations

import binascii
import errno
import os
import re
import struct

from runtime.agent.channel import RequestFailed

FOLDER = "/tmp/.sandlot"  # noqa: S108 - programs may change what is theirs alone
BUNDLE = f"{FOLDER}/ca-certificates.pem"
TRUST_STORE = f"{FOLDER}/ca-certificates.jks"
WGET_SETTINGS = f"{FOLDER}/wgetrc"

# Debian and Alpine, Fedora, openSUSE, other Alpine and BSD ways
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

# OpenSSL and what is built on it, Python's requests, curl, pip, git, Node, the AWS clients
VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
)
WGET_OPTIONS = "SYSTEM_WGETRC"  # wget has a variable for settings alone
JAVA_OPTIONS = "JAVA_TOOL_OPTIONS"

CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")

# Java's key store format, as sun.security.provider.JavaKeyStore reads it
JKS_HEAD = struct.Struct(">III")  # magic number, version, entries
JKS_ENTRY = struct.Struct(">I")  # kind
JKS_TIME = struct.Struct(">Q")
JKS_SIZE = struct.Struct(">I")
JKS_MAGIC, JKS_VERSION, JKS_TRUSTED = 0xFEEDFEED, 2, 2
JKS_PASSWORD = "changeit"  # noqa: S105 - the one that everybody uses; there is nothing secret in it


def trust(authority: str) -> dict[str, str]:
    """Write down the system's authorities and this one, PEM; the variables by which programs find them."""
    bundle = _system_bundle() + authority.encode("ascii")
    try:
        os.makedirs(FOLDER, 0o755, exist_ok=True)
        _write(BUNDLE, bundle)
        _write(WGET_SETTINGS, f"ca_certificate = {BUNDLE}\n".encode())
        variables = {**dict.fromkeys(VARIABLES, BUNDLE), WGET_OPTIONS: WGET_SETTINGS}
        if _has_java():
            _write(TRUST_STORE, java_trust_store(bundle))
            options = f"{os.environ.get(JAVA_OPTIONS, '')} -Djavax.net.ssl.trustStore={TRUST_STORE}"
            variables[JAVA_OPTIONS] = options.strip()
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise RequestFailed("storage_full" if full else "not_writable", f"{FOLDER}: {error.strerror}") from None
    return variables


def java_trust_store(bundle: bytes) -> bytes:
    """The certificates of a PEM bundle as a Java key store."""
    certificates = [binascii.a2b_base64(body) for body in CERTIFICATE.findall(bundle)]
    store = [JKS_HEAD.pack(JKS_MAGIC, JKS_VERSION, len(certificates))]
    for number, certificate in enumerate(certificates):
        store += [JKS_ENTRY.pack(JKS_TRUSTED), _text(f"{number}"), JKS_TIME.pack(0), _text("X.509")]
        store += [JKS_SIZE.pack(len(certificate)), certificate]
    body = b"".join(store)
    return body + _sha1(JKS_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + body)


def _sha1(data: bytes) -> bytes:
    try:
        from _sha1 import sha1  # type: ignore[import-not-found]  # hashlib would load all of OpenSSL, several MiB
    except ImportError:  # in Pythons that were built without it
        from hashlib import sha1
    digest: bytes = sha1(data, usedforsecurity=False).digest()
    return digest


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")


def _system_bundle() -> bytes:
    for path in SYSTEM_BUNDLES:
        try:
            with open(path, "rb") as file:
                return file.read().rstrip() + b"\n"
        except OSError:
            continue
    return b""


def _has_java() -> bool:
    folders = os.environ.get("PATH", "").split(":")
    return any(os.access(os.path.join(folder, "java"), os.X_OK) for folder in folders)


def _write(path: str, content: bytes) -> None:
    """Replace a file at once: programs may be reading it."""
    new = f"{path}.{os.urandom(8).hex()}"
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
            file.write(content)
        os.replace(new, path)
    except OSError:
        if os.path.lexists(new):
            os.unlink(new)
        raise
