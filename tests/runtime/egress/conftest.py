"""What tests of the way out share: the stub servers' authority, programs' trust in it, and a system to ask."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.runtime.egress.stub_resolvers import SlowSystem


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Signs the certificates of stub servers."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file, for an operator to trust."""
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture(scope="session")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that trusts this authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.fixture
def system() -> Iterator[SlowSystem]:
    """A system to ask; nothing waits for it at the end."""
    system = SlowSystem()
    yield system
    system.go_on.set()
