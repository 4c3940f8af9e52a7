"""The certificate authority of one sandbox, in memory only: what programs meet where their TLS ends in the runtime."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# From a day ago, since sandboxes' clocks may be wrong, for longer than any sandbox lives.
_BEFORE = timedelta(days=1)
_LIFETIME = timedelta(days=3650)

_NO_ADDRESSES = [x509.IPAddress(ip_network(every)) for every in ("0.0.0.0/0", "::/0")]


class Authority:
    """Vouches for `domains`, canonical names, and by its constraints for nothing else, should its key get lost.

    For each it makes a certificate when it is first needed. `certificate` is its own, as PEM.
    """

    def __init__(self, domains: Collection[str]) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandlot sandbox CA")])
        self._contexts: dict[str, ssl.SSLContext] = {}
        constraints = x509.NameConstraints([x509.DNSName(domain) for domain in domains], _NO_ADDRESSES)
        certificate = (
            self._certificate(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(constraints, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(Encoding.PEM).decode()

    def context(self, host: str) -> ssl.SSLContext:
        """What makes a TLS server `host`, one of the domains. It speaks HTTP/1.1, to who asks for that name alone."""
        context = self._contexts.get(host)
        if context is None:
            context = self._contexts[host] = self._new_context(host)
        return context

    def _new_context(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._certificate(x509.Name([]), key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)  # there is no subject
            .sign(self._key, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.sni_callback = _only(host)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with _readable(certificate.public_bytes(Encoding.PEM)) as chain, _readable(secret) as key_file:
            context.load_cert_chain(chain, key_file)
        return context

    def _certificate(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        """What the authority's own certificate and all others have in common."""
        start = datetime.now(UTC) - _BEFORE
        return (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number(), start, start + _LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """An authority's key signs certificates and nothing else, any other key handshakes."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _only(host: str) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], int | None]:
    """Ends handshakes that are meant for somebody else, or nobody."""

    def check(_tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        return None if name is not None and name.lower() == host else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    return check


@contextmanager
def _readable(data: bytes) -> Iterator[str]:
    """A path under which OpenSSL, which takes keys from files only, can read `data` once. It never is on a disk.

    A pipe holds 64 KiB, far more than a key or a certificate.
    """
    reading, writing = os.pipe()
    try:
        with open(writing, "wb") as pipe:
            pipe.write(data)
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)
