from __future__ import annotations

import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import openai
import pytest

from tests.service import ROOT, Service

EXAMPLES = ROOT / "docs" / "examples"
PNG = b"\x89PNG\r\n\x1a\n"


def test_the_first_program_does_what_it_says(service: Service, client: openai.OpenAI, tmp_path: Path) -> None:
    """The official Python client: a table of some MB goes in, code plots it, and what comes out is what was made."""
    first, *files = run_example("first_program.py", service, tmp_path).splitlines()
    assert re.fullmatch(r"cntr_[0-9a-f]{48} running", first)
    assert sorted(files) == [
        f"{name} {(tmp_path / name).stat().st_size} bytes: as made" for name in ("scripts.csv", "scripts.png")
    ]
    assert (tmp_path / "unicode.csv").stat().st_size > 3_000_000
    assert (tmp_path / "scripts.png").read_bytes().startswith(PNG)
    assert len((tmp_path / "scripts.csv").read_text().splitlines()) == 21

    container_id = first.split()[0]
    with pytest.raises(openai.NotFoundError) as gone:
        client.containers.retrieve(container_id)
    assert gone.value.body == {
        "message": f"Container with id '{container_id}' not found.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def test_the_program_with_a_skill_does_what_it_says(service: Service, client: openai.OpenAI, tmp_path: Path) -> None:
    """A file and a skill that the server keeps are in the container, and nothing is left of them afterwards."""
    assert run_example("skills.py", service, tmp_path) == "amount 150.0\ntax 28.5\n"
    assert "csv-totals" not in [skill.name for skill in client.skills.list()]
    assert "sales.csv" not in [file.filename for file in client.files.list()]


def test_the_program_with_a_stream_does_what_it_says(service: Service, tmp_path: Path) -> None:
    """It leaves its stream and joins it again, and nothing of the output is missing or comes twice."""
    assert run_example("stream.py", service, tmp_path) == "1\n2\n3\n{'type': 'exit', 'exit_code': 0}\n"


def run_example(name: str, service: Service, folder: Path) -> str:
    """What a program of the documentation prints; it is run in `folder`."""
    environment = {**os.environ, "OPENAI_BASE_URL": service.base_url, "OPENAI_API_KEY": service.api_key}
    command = [sys.executable, str(EXAMPLES / name)]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_code_sees_the_uploaded_bytes(client: openai.OpenAI) -> None:
    """A file uploaded by the client is, to code in the container, the same bytes under the same name."""
    content = os.urandom(3_000_000)
    container = client.containers.create(name="bytes", memory_limit="4g")
    try:
        file = client.containers.files.create(container.id, file=("Messwerte März.bin", content))
        call = client.post(
            f"/containers/{container.id}/shell_calls",
            body={"commands": ["sha256sum 'Messwerte März.bin'"]},
            cast_to=dict[str, list[dict[str, str]]],
        )
        assert call["output"][0]["stdout"].split()[0] == sha256(content).hexdigest()
        assert (file.path, file.bytes, file.source) == ("/mnt/data/Messwerte März.bin", len(content), "user")
    finally:
        client.containers.delete(container.id)
