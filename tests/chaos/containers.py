"""Containers of a service that may be killed at any moment."""

from __future__ import annotations

import httpx


def running(http: httpx.Client) -> list[str]:
    """The ids of the containers that count as running."""
    found = http.get("/containers", params={"limit": 100}).raise_for_status().json()["data"]
    return sorted(container["id"] for container in found if container["status"] == "running")


def try_to_create(http: httpx.Client) -> str | None:
    """Create a container with a network, and give its id if the service lived to answer."""
    policy = {"type": "allowlist", "allowed_domains": ["example.com"]}
    try:
        made = http.post("/containers", json={"name": "cut short", "network_policy": policy}).raise_for_status()
        return str(made.json()["id"])
    except httpx.TransportError:
        return None
