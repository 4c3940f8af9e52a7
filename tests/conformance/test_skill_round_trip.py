from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias
from urllib.parse import quote

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.container_skills import SKILLS, reference
from tests.folders import folders
from tests.multipart_requests import END, TYPE, part
from tests.ordinary_zips import unzipped
from tests.shell import stdout
from tests.zips import Member, build

Files: TypeAlias = Mapping[str, bytes]
Upload: TypeAlias = Callable[[httpx.Client, Files], httpx.Response]

ESCAPES = ("%22", "%0A", "%0D")
"""What stands for other characters in the plain names of a form."""


def by_plain_names(http: httpx.Client, files: Files) -> httpx.Response:
    """Upload a folder as the official client and browsers do."""
    return http.post("/skills", files=[("files[]", file) for file in files.items()])


def by_extended_names(http: httpx.Client, files: Files) -> httpx.Response:
    """Upload a folder with each name as `filename*`, which has a way to say any."""
    disposition = 'form-data; name="files[]"; filename="x"; filename*=UTF-8\'\'{}'
    parts = [part(disposition.format(quote(path, safe="")), content) for path, content in files.items()]
    return http.post("/skills", content=b"".join([*parts, END]), headers={"content-type": TYPE})


def as_a_zip(http: httpx.Client, files: Files) -> httpx.Response:
    """Upload a zip."""
    content = build([Member(name=path, content=content) for path, content in files.items()])
    return http.post("/skills", files={"files": ("skill.zip", content)})


uploads = st.one_of(
    st.tuples(
        st.just(by_plain_names),
        folders.filter(lambda files: not any(escape in path for path in files for escape in ESCAPES)),
    ),
    st.tuples(st.sampled_from([by_extended_names, as_a_zip]), folders),
)
"""Ways to upload a skill, each with a folder that it can carry."""


@contextmanager
def made(http: httpx.Client, path: str, responses: Iterator[httpx.Response]) -> Iterator[list[str]]:
    """The ids of what some requests have made below a path; deleted at the end, also if a request failed."""
    ids: list[str] = []
    try:
        ids.extend(response.raise_for_status().json()["id"] for response in responses)
        yield ids
    finally:
        for made_id in ids:
            http.delete(f"{path}/{made_id}").raise_for_status()


def downloaded(http: httpx.Client, skill_id: str) -> dict[str, bytes]:
    """The files in a skill's zip."""
    return unzipped(http.get(f"/skills/{skill_id}/content").raise_for_status().content)


def inside(http: httpx.Client, container_id: str) -> dict[str, bytes]:
    """The files of all skills in a container, as a program in it finds them."""
    stdout(http, container_id, f"tar --create --file=skills.tar --directory={SKILLS} .")
    files = f"/containers/{container_id}/files"
    (made_by_tar,) = http.get(files).raise_for_status().json()["data"]
    content = http.get(f"{files}/{made_by_tar['id']}/content").raise_for_status().content
    found = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            if not member.isdir():
                file = archive.extractfile(member)
                assert file is not None, member.name
                found[member.name.removeprefix("./")] = file.read()
    return found


@settings(max_examples=20, database=None)
@given(st.lists(uploads, min_size=1, max_size=6))
def test_a_skill_keeps_every_byte(http: httpx.Client, skills: Sequence[tuple[Upload, Files]]) -> None:
    """Files of any legal names go up as a skill, come down as a zip, and are in the container, byte for byte."""
    with made(http, "/skills", (upload(http, files) for upload, files in skills)) as ids:
        assert [downloaded(http, skill_id) for skill_id in ids] == [dict(files) for _, files in skills]
        body = {"name": "x", "skills": [reference(skill_id) for skill_id in ids]}
        with made(http, "/containers", iter([http.post("/containers", json=body)])) as (container_id,):
            mounts = ["csv-tools-1", *(f"csv-tools-1-{number}" for number in range(2, len(ids) + 1))]
            assert inside(http, container_id) == {
                f"{mount}/{path.split('/', 1)[1]}": content
                for mount, (_, files) in zip(mounts, skills, strict=True)
                for path, content in files.items()
            }
