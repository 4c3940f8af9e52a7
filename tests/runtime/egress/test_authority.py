from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from runtime.egress.authority import Authority

HOST = "api.example.com"
DOMAINS = [HOST, "other.example.org"]
ELSEWHERE: Sequence[x509.GeneralName] = [
    *map(x509.DNSName, ["evil.test", "example.com", f"not{HOST}", f"{HOST}.evil.test"]),
    *(x509.IPAddress(ip_address(address)) for address in ["127.0.0.1", "192.0.2.1", "2001:db8::1"]),
]


@pytest.fixture(scope="module")
def authority() -> Authority:
    """For DOMAINS."""
    return Authority(DOMAINS)


def client_of(authority: Authority) -> ssl.SSLContext:
    """What a program in the sandbox trusts."""
    context = ssl.create_default_context(cadata=authority.certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """The client's end, when it asks for `name`; ssl.SSLError when the two don't agree."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    program = client.wrap_bio(back, there, server_hostname=name)
    runtime = server.wrap_bio(there, back, server_side=True)
    with suppress(ssl.SSLWantReadError):
        program.do_handshake()
    with suppress(ssl.SSLError):  # the alert tells the client, which raises then
        runtime.do_handshake()
    program.do_handshake()
    runtime.do_handshake()
    return program


def stolen(authority: Authority, folder: Path, name: x509.GeneralName) -> tuple[Path, ssl.SSLContext]:
    """A certificate for another name, made with the authority's own key, which is the worst case; and its server."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stolen")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .sign(authority._key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "stolen.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


def verified_by_openssl(authority: Authority, folder: Path, certificate: Path) -> str:
    """What the `openssl` program says of a certificate."""
    trusted = folder / "authority.pem"
    trusted.write_text(authority.certificate)
    command = ["openssl", "verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile"]
    result = subprocess.run([*command, str(trusted), str(certificate)], check=False, capture_output=True, text=True)
    return result.stdout + result.stderr


@pytest.mark.parametrize("host", DOMAINS)
def test_programs_that_trust_it_accept_its_hosts(authority: Authority, tmp_path: Path, host: str) -> None:
    """By the strictest rules that OpenSSL has; TLS 1.3, HTTP/1.1 and P-256."""
    client = client_of(authority)
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    program = handshake(client, authority.context(host), host)
    assert program.version() == "TLSv1.3"
    assert program.selected_alpn_protocol() == "http/1.1"
    encoded = program.getpeercert(binary_form=True)
    assert encoded is not None
    certificate = x509.load_der_x509_certificate(encoded)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    path = tmp_path / "leaf.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    assert verified_by_openssl(authority, tmp_path, path).endswith("OK\n")


def test_a_hosts_certificate_is_made_once(authority: Authority) -> None:
    """And each host has its own."""
    assert authority.context(HOST) is authority.context(HOST)
    assert authority.context(HOST) is not authority.context(DOMAINS[1])


def test_letters_of_a_name_are_the_same_in_both_cases(authority: Authority) -> None:
    """As programs send it."""
    handshake(client_of(authority), authority.context(HOST), HOST.upper())


def test_nothing_stays_open() -> None:
    """Of what a key and a certificate are handed over by."""
    before = os.listdir("/proc/self/fd")
    Authority([HOST]).context(HOST)
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("name", ["evil.test", "example.com", DOMAINS[1], "127.0.0.1"])
def test_a_host_answers_to_its_name_alone(authority: Authority, name: str) -> None:
    """A program that asks for another one, or none, gets no certificate."""
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        handshake(client_of(authority), authority.context(HOST), name)


def test_what_one_authority_vouches_for_another_does_not() -> None:
    """Two sandboxes with the same domain."""
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client_of(Authority([HOST])), Authority([HOST]).context(HOST), HOST)


@pytest.mark.parametrize("name", ELSEWHERE, ids=lambda name: str(name.value))
def test_even_with_its_key_other_names_are_worthless(
    authority: Authority, tmp_path: Path, name: x509.GeneralName
) -> None:
    """Names by the constraints, and addresses, of which constraints on names say nothing."""
    path, server = stolen(authority, tmp_path, name)
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree violation"):
        handshake(client_of(authority), server, str(name.value))
    assert "subtree violation" in verified_by_openssl(authority, tmp_path, path)


def test_with_its_key_its_hosts_can_be_had(authority: Authority, tmp_path: Path) -> None:
    """So the refusals are the constraints' doing."""
    handshake(client_of(authority), stolen(authority, tmp_path, x509.DNSName(HOST))[1], HOST)


def test_it_makes_no_other_authorities(authority: Authority) -> None:
    """The constraints are critical, so nobody may pass over them, and no authority can be below it."""
    extensions = x509.load_pem_x509_certificate(authority.certificate.encode()).extensions
    constraints = extensions.get_extension_for_class(x509.NameConstraints)
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.DNSName(domain) for domain in DOMAINS]
    assert basic.critical
    assert basic.value.ca
    assert basic.value.path_length == 0


def test_its_key_is_in_no_description_and_no_file(authority: Authority) -> None:
    """What others may see is the certificate."""
    assert "PRIVATE" not in authority.certificate
    assert "PRIVATE" not in repr(authority) + repr(vars(authority))
