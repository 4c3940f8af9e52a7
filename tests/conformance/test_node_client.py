from __future__ import annotations

from pathlib import Path

from tests.container_skills import skill_zip
from tests.nodejs import run_node
from tests.service import Service


def access(service: Service) -> dict[str, str]:
    """What tells the Node client where the service is."""
    return {"OPENAI_BASE_URL": service.base_url, "OPENAI_API_KEY": service.api_key}


def test_the_node_client_gets_the_same(service: Service, crowd: list[str]) -> None:
    """The official Node client: the main job from create to delete, and 250 records page by page."""
    run_node("conformance.mjs", access(service) | {"CROWD": " ".join(crowd)})


def test_the_node_client_can_call_every_method(service: Service, tmp_path: Path) -> None:
    """Each method that the Node client has for files, uploads, skills and containers does what it says."""
    zips = [tmp_path / name for name in ("first", "second")]
    for path in zips:
        path.write_bytes(skill_zip(path.name))
    run_node("every_method.mjs", access(service) | {"SKILL_ZIPS": " ".join(map(str, zips))})
