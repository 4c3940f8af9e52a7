"""A service whose containers may reach servers of the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import trustme

from tests.service import Service


def service_that_reaches(
    hosts: Mapping[str, str], authority: trustme.CA, data_dir: Path, settings: Mapping[str, str] | None = None
) -> Service:
    """A service that finds each host at an address below 127.0.0.0/8, and trusts an authority beside the system's."""
    bundle = data_dir / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    reaching = {
        "EGRESS_PRIVATE_RANGES": json.dumps({name: ["127.0.0.0/8"] for name in hosts}),
        "CA_BUNDLE": str(bundle),
    }
    return Service(data_dir, {**reaching, **(settings or {})}, hosts)
