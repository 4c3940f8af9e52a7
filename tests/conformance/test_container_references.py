from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types import ContainerCreateResponse

from tests.container_skills import SKILLS, folders, inline, reference, skill_md, skill_zip, uploaded
from tests.envelope import refusal
from tests.memory import MIB
from tests.service import Service
from tests.shell import Json, stdout

NO_FILE = "file-" + "0" * 22
NO_SKILL = "skill_" + "0" * 48


@pytest.fixture
def make(http: httpx.Client) -> Iterator[Callable[..., str]]:
    """Makes containers with what is asked for, each by its id; they are deleted afterwards."""
    made: list[str] = []

    def create(**fields: Any) -> str:
        response = http.post("/containers", json={"name": "with", **fields})
        assert response.status_code == 200, response.text
        made.append(response.json()["id"])
        return made[-1]

    yield create
    for container_id in made:
        http.delete(f"/containers/{container_id}").raise_for_status()


@pytest.fixture
def nothing_left(service: Service, http: httpx.Client) -> Iterator[None]:
    """Hold that a test makes no container: no record, nothing on the engine, nothing on its way on the disk."""

    def there() -> tuple[list[str], list[str], list[Path]]:
        records = [container["id"] for container in http.get("/containers", params={"limit": 100}).json()["data"]]
        return sorted(service.engine_containers()), records, list((service.data_dir / "spool").glob("*/skills.tar"))

    before = there()
    yield
    assert there() == before


def put(http: httpx.Client, name: str, content: bytes) -> str:
    """Upload a file to the service; its id."""
    response = http.post("/files", data={"purpose": "user_data"}, files={"file": (name, content)})
    return str(response.raise_for_status().json()["id"])


def listed(http: httpx.Client, container_id: str) -> list[Json]:
    """The files of a container, by their paths."""
    found: list[Json] = http.get(f"/containers/{container_id}/files", params={"limit": 100}).json()["data"]
    return sorted(found, key=lambda file: str(file["path"]))


def test_files_go_in_with_the_container(http: httpx.Client, client: openai.OpenAI) -> None:
    """A container made with `file_ids` has these files when create answers, as the user's, byte for byte."""
    contents = {"table.csv": b"a,b\n1,2\n", "Übersicht 数据.bin": os.urandom(3 * MIB), "empty": b""}
    container = client.containers.create(name="x", file_ids=[put(http, *file) for file in contents.items()])
    try:
        assert "file_ids" not in container.model_dump()
        found = listed(http, container.id)
        assert {(file["path"], file["bytes"], file["source"]) for file in found} == {
            (f"/mnt/data/{name}", len(content), "user") for name, content in contents.items()
        }
        for name, content in contents.items():
            checksum = hashlib.sha256(content).hexdigest()
            assert stdout(http, container.id, f"sha256sum < '{name}'") == f"{checksum}  -\n"
        for file in found:
            got = http.get(f"/containers/{container.id}/files/{file['id']}/content").content
            assert got == contents[file["path"].removeprefix("/mnt/data/")]
        stdout(http, container.id, "echo 3,4 >> table.csv; rm empty")  # they are the code's own
    finally:
        client.containers.delete(container.id)


def test_names_are_given_in_order(http: httpx.Client, make: Callable[..., str]) -> None:
    """Of files with one name the first keeps it and the others get numbers, however they come; an id counts once."""
    sizes = [3 * MIB, 5, 4, 3, 2, 1]
    ids = [put(http, "a.csv", b"x" * size) for size in sizes]
    odd = put(http, "../../etc/pass\nwd", b"x" * 7)
    found = listed(http, make(file_ids=[*ids, odd, ids[0], ids[3]]))
    numbered = ["a.csv", *(f"a-{number}.csv" for number in range(1, 6))]
    assert {file["path"]: file["bytes"] for file in found} == {
        **{f"/mnt/data/{name}": size for name, size in zip(numbered, sizes, strict=True)},
        "/mnt/data/pass_wd": 7,
    }


def test_a_copy_is_the_containers_own(http: httpx.Client, make: Callable[..., str]) -> None:
    """Deleting the file leaves its copies as they are, and deleting a copy leaves the file."""
    kept, deleted = put(http, "kept", b"kept"), put(http, "deleted", b"deleted")
    container_id = make(file_ids=[kept, deleted])
    http.delete(f"/files/{deleted}").raise_for_status()
    assert stdout(http, container_id, "cat deleted") == "deleted"
    files = {file["path"]: file["id"] for file in listed(http, container_id)}
    assert http.get(f"/containers/{container_id}/files/{files['/mnt/data/deleted']}/content").content == b"deleted"
    http.delete(f"/containers/{container_id}/files/{files['/mnt/data/kept']}").raise_for_status()
    assert http.get(f"/files/{kept}/content").content == b"kept"


def test_a_file_is_added_by_its_id(
    http: httpx.Client, client: openai.OpenAI, container: ContainerCreateResponse
) -> None:
    """`file_id` copies a file into a running container: as JSON, as the client sends it, and as a form's field."""
    content = os.urandom(2 * MIB)
    file_id = put(http, "data.bin", content)
    path = f"/containers/{container.id}/files"
    made = [
        client.containers.files.create(container.id, file_id=file_id).model_dump(),
        http.post(path, files={"file_id": (None, file_id)}).raise_for_status().json(),
    ]
    assert [file["path"] for file in made] == ["/mnt/data/data.bin", "/mnt/data/data-1.bin"]
    assert made[::-1] == listed(http, container.id)
    for file in made:
        assert re.fullmatch(r"cfile_[0-9a-f]{32}", file["id"])
        assert (file["object"], file["source"], file["bytes"]) == ("container.file", "user", len(content))
        assert http.get(f"{path}/{file['id']}/content").content == content


def test_an_unknown_file_is_not_added(http: httpx.Client, shared: str) -> None:
    """The id of no file is a 404 that names the field, in both forms, and adds nothing."""
    path = f"/containers/{shared}/files"
    for file_id in (NO_FILE, "x", "cfile_" + "0" * 32, "../a", "file-\0", ""):
        for answer in (http.post(path, json={"file_id": file_id}), http.post(path, files={"file_id": (None, file_id)})):
            assert refusal(answer, 404)["param"] == "file_id"
    assert listed(http, shared) == []


def test_fifty_files(http: httpx.Client, make: Callable[..., str]) -> None:
    """50 files go into a container in one create; one more is a 400 that names the limit."""
    ids = [put(http, f"{number}.txt", b"%d" % number) for number in range(50)]
    container_id = make(file_ids=ids)
    assert {file["path"]: file["bytes"] for file in listed(http, container_id)} == {
        f"/mnt/data/{number}.txt": len(str(number)) for number in range(50)
    }
    error = refusal(http.post("/containers", json={"name": "x", "file_ids": [*ids, ids[0]]}), 400)
    assert (error["param"], error["code"]) == ("file_ids", "array_above_max_length")
    assert "50" in error["message"]


def test_skills_by_reference(http: httpx.Client, client: openai.OpenAI) -> None:
    """A reference means the default version, the newest or the one of a number, which may be an integer too."""
    skill_id = uploaded(http, skill_zip("tables", {"v": b"1"}))
    for newer in (b"2", b"3"):
        uploaded(http, skill_zip("tables", {"v": newer}), skill_id)
    meant: list[tuple[str | int | None, int]] = [(None, 1), ("latest", 3), ("2", 2), (2, 2)]
    for version, number in meant:
        skill: Any = reference(skill_id, version)
        container = client.containers.create(name="x", skills=[skill])
        assert folders(http, container.id) == [f"tables-{number}"]
        assert stdout(http, container.id, f"cat {SKILLS}/*/v {SKILLS}/*/SKILL.md") == (
            f"{number}{skill_md('tables').decode()}"
        )
        client.containers.delete(container.id)


def test_the_default_is_what_was_chosen(http: httpx.Client, make: Callable[..., str]) -> None:
    """After another version was made the default, references without a version mean that one."""
    skill_id = uploaded(http, skill_zip("tables"))
    uploaded(http, skill_zip("tables", {"new": b""}), skill_id)
    http.post(f"/skills/{skill_id}", json={"default_version": "2"}).raise_for_status()
    assert folders(http, make(skills=[reference(skill_id)])) == ["tables-2"]


def test_skills_that_come_along(http: httpx.Client, make: Callable[..., str]) -> None:
    """An inline skill is in a folder of its name and a digest of its content: once, however often it is given."""
    files = {"scripts/run.py": b"print('ran')", "data.bin": os.urandom(MIB), "ü/数 据.txt": b"text"}
    first, second = inline("Own name", skill_zip("x", files)), inline("Own name", skill_zip("x"))
    container_id = make(skills=[first, second, first])
    found = folders(http, container_id)
    assert len(found) == 2
    assert all(re.fullmatch(r"Own name-[0-9a-f]{32}", folder) for folder in found)
    assert folders(http, make(skills=[second])) in ([found[0]], [found[1]])
    (whole,) = stdout(http, container_id, f"dirname {SKILLS}/*/data.bin").splitlines()
    for path, content in files.items():
        checksum = hashlib.sha256(content).hexdigest()
        assert stdout(http, container_id, f"sha256sum < '{whole}/{path}'") == f"{checksum}  -\n"
    assert stdout(http, container_id, f"python3 '{whole}/scripts/run.py'") == "ran\n"


def test_a_large_skill_comes_along(http: httpx.Client, make: Callable[..., str]) -> None:
    """An inline zip of almost 50 MB goes in whole; one byte more than 50 MB is a 400 that names the limit."""
    files = {name: os.urandom(24 * MIB) for name in ("a", "b")}
    container_id = make(skills=[inline("large", skill_zip("large", files))])
    for name, content in files.items():
        assert hashlib.sha256(content).hexdigest() in stdout(http, container_id, f"sha256sum {SKILLS}/*/{name}")
    more = inline("more", b"x" * (50 * MIB + 1))
    error = refusal(http.post("/containers", json={"name": "x", "skills": [more]}), 400)
    assert error["param"] == "skills[0].source.data"
    assert "50 MB" in error["message"]


def test_skills_of_one_name(http: httpx.Client, make: Callable[..., str]) -> None:
    """Different skills of one name are all there, and what is wanted twice is there once."""
    ids = [uploaded(http, skill_zip("same", {"which": b"%d" % number})) for number in range(3)]
    wanted = [*map(reference, ids), reference(ids[1], 1), inline("same", skill_zip("same", {"which": b"3"}))]
    container_id = make(skills=wanted)
    found = folders(http, container_id)
    assert found[:3] == ["same-1", "same-1-2", "same-1-3"]
    assert re.fullmatch(r"same-[0-9a-f]{32}", found[3])
    assert stdout(http, container_id, f"cd {SKILLS}; cat same-1/which same-1-2/which same-1-3/which") == "012"


def test_two_hundred_skills(http: httpx.Client, make: Callable[..., str]) -> None:
    """200 skills go into a container in one create; one more is a 400 that names the limit."""
    skill_id = uploaded(http, skill_zip("stored"))
    skills = [inline("many", skill_zip("many", {"number": b"%d" % number})) for number in range(199)]
    container_id = make(skills=[reference(skill_id), *skills])
    assert len(folders(http, container_id)) == 200
    numbers = stdout(http, container_id, f"for skill in {SKILLS}/many-*; do cat $skill/number; echo; done | sort -n")
    assert numbers.split() == [str(number) for number in range(199)]
    error = refusal(http.post("/containers", json={"name": "x", "skills": [reference(skill_id)] * 201}), 400)
    assert (error["param"], error["code"]) == ("skills", "array_above_max_length")
    assert "200" in error["message"]


def test_the_operators_skills(tmp_path: Path) -> None:
    """What is in the operator's folder can be had in every container by the folder's name."""
    for slug in ("openai-spreadsheets", "notes"):
        folder = tmp_path / "skills" / slug / "scripts"
        folder.mkdir(parents=True)
        (folder / "run.sh").write_text(f"echo {slug}")
        (folder.parent / "SKILL.md").write_bytes(skill_md(f"{slug} by the operator"))
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with Service(data_dir, {"SKILLS_DIR": str(tmp_path / "skills")}) as service, service.http() as http:
        wanted = [reference("openai-spreadsheets"), reference("notes", "latest"), reference("notes", 1)]
        made = http.post("/containers", json={"name": "x", "skills": wanted}).raise_for_status().json()
        assert folders(http, made["id"]) == ["notes by the operator-1", "openai-spreadsheets by the operator-1"]
        assert stdout(http, made["id"], f'cd {SKILLS}; for s in */scripts/run.sh; do sh "$s"; done') == (
            "notes\nopenai-spreadsheets\n"
        )
        for skill, param in ((reference("notes", 2), "version"), (reference("slides"), "skill_id")):
            answer = http.post("/containers", json={"name": "x", "skills": [skill]})
            assert refusal(answer, 404)["param"] == f"skills[0].{param}"


@pytest.mark.parametrize("file_id", [NO_FILE, "file-1", "x", "", "cfile_" + "0" * 32, "../x", "file-💥"])
@pytest.mark.usefixtures("nothing_left")
def test_an_unknown_file_makes_nothing(http: httpx.Client, file_id: str) -> None:
    """A create with the id of no file is a 404 that names its place in the list, and nothing is made."""
    known = put(http, "a", b"a")
    response = http.post("/containers", json={"name": "x", "file_ids": [known, file_id, known]})
    error = refusal(response, 404)
    assert error["param"] == "file_ids[1]"
    assert "File" in error["message"]


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        (reference(NO_SKILL), "skill_id"),
        (reference("openai-spreadsheets"), "skill_id"),
        (reference("../x"), "skill_id"),
        (reference("known", 2), "version"),
        (reference("known", "999999999999999999"), "version"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("nothing_left")
def test_an_unknown_skill_makes_nothing(http: httpx.Client, wanted: Json, param: str) -> None:
    """A create with a skill or version that isn't there is a 404 that names its place, and nothing is made."""
    known = uploaded(http, skill_zip("known"))
    if wanted["skill_id"] == "known":
        wanted = wanted | {"skill_id": known}
    skills = [reference(known), inline("a", skill_zip("a")), wanted]
    error = refusal(http.post("/containers", json={"name": "x", "skills": skills}), 404)
    assert error["param"] == f"skills[2].{param}"


@pytest.mark.parametrize(
    "content",
    [b"no zip", b"PK\5\6" + b"\0" * 18, skill_zip("x")[:-1], skill_zip("x", {"../../evil": b""}), skill_zip("\n")],
    ids=["no zip", "an empty zip", "a zip cut short", "a path that leads out", "no name"],
)
@pytest.mark.usefixtures("nothing_left")
def test_a_broken_skill_makes_nothing(http: httpx.Client, content: bytes) -> None:
    """A create with an inline skill that is none is a 400 that names its place, and nothing is made."""
    skills = [inline("good", skill_zip("good")), inline("bad", content)]
    error = refusal(http.post("/containers", json={"name": "x", "skills": skills}), 400)
    assert error["param"] == "skills[1].source.data"


@pytest.mark.usefixtures("nothing_left")
def test_a_failure_in_the_middle_leaves_nothing(service: Service, http: httpx.Client) -> None:
    """When one of the files can't be read once the sandbox runs, nothing is left of container and sandbox."""
    blobs = service.data_dir / "blobs"
    ids = [put(http, f"{number}", os.urandom(MIB)) for number in range(9)]
    before = set(blobs.glob("??/*"))
    ids[6] = put(http, "lost", b"lost")
    (lost,) = set(blobs.glob("??/*")) - before
    lost.unlink()
    body = {"name": "x", "file_ids": ids, "skills": [inline("a", skill_zip("a"))]}
    assert refusal(http.post("/containers", json=body), 404)["param"] == "file_ids"
