"""Containers of Sandlot, made with files and skills in them or with none."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any, Self

from bench.contestants.base import GetReady
from bench.contestants.connection import Connection
from bench.contestants.forms import form
from bench.contestants.sandlot import output

FILE_BYTES = 100_000
SKILL_MD = "---\nname: bench-{}\ndescription: A skill to measure with.\n---\nRun `scripts/run.py`.\n"


class SandlotContainers:
    """A Contestant. `files` and `skills` are how many of them each container is made with. `get_ready` is as elsewhere.

    They are uploaded before, and go with the service's folder.
    """

    def __init__(self, name: str, port: int, api_key: str, get_ready: GetReady, *, files: int, skills: int) -> None:
        self.name = name
        self.get_ready = get_ready
        self._connection = Connection(port, api_key)
        self._files = files
        self._skills = skills
        self._body: dict[str, Any] = {}

    def __enter__(self) -> Self:
        skills = [{"type": "skill_reference", "skill_id": self._skill(number)} for number in range(self._skills)]
        files = [self._file(number) for number in range(self._files)]
        self._body = {"name": "bench", "file_ids": files, "skills": skills}
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def create(self) -> str:
        """Make a container: its path."""
        return f"/v1/containers/{self._connection.json('POST', '/v1/containers', self._body)['id']}"

    def remove(self, container: str) -> None:
        """See that a container has what it was made with, and remove it."""
        command = "cat /mnt/data/* | wc -c; cat /home/oai/skills/*/scripts/run.py | wc -l"
        call = self._connection.json("POST", f"{container}/shell_calls", {"commands": [command]})
        found = [int(count) for count in output(call).split()]
        self._connection.json("DELETE", container)
        if found != [self._files * FILE_BYTES, self._skills]:
            raise ValueError(f"{self.name}: bytes of files and number of skills are {found}.")

    def _file(self, number: int) -> str:
        body = form("file", f"{number}.bin", os.urandom(FILE_BYTES), purpose="user_data")
        return str(self._connection.submit("/v1/files", body)["id"])

    def _skill(self, number: int) -> str:
        body = form("files", "skill.zip", _bundle(number))
        return str(self._connection.submit("/v1/skills", body)["id"])


def _bundle(number: int) -> bytes:
    """The zip of a small skill."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as bundle:
        bundle.writestr(f"bench-{number}/SKILL.md", SKILL_MD.format(number))
        bundle.writestr(f"bench-{number}/scripts/run.py", "print('ran')\n")
    return into.getvalue()
