from __future__ import annotations

import hashlib
from collections.abc import Iterator

import httpx
import pytest

from tests.container_skills import SKILLS, folders, inline, reference, skill_md, skill_zip, uploaded
from tests.shell import run, stdout
from tests.zips import Member, build

SEE_ALL = f"find {SKILLS} -printf '%p %u %g %m %y %T@ %n\\n' | sort; find {SKILLS} -type f | sort | xargs cat"

# Ways to change a skill, from within its folder.
CHANGES = [
    "echo x > SKILL.md",
    "echo x >> SKILL.md",
    "truncate -s 0 scripts/run.sh",
    "sed -i s/Do/Undo/ SKILL.md",
    "dd if=/dev/zero of=SKILL.md count=1 conv=notrunc",
    'python3 -c \'open("SKILL.md", "r+")\'',
    "python3 -c 'import os; os.open(\"SKILL.md\", os.O_RDONLY | os.O_TRUNC)'",
    "python3 -c 'import os; os.utime(\"SKILL.md\", (1, 1))'",
    'python3 -c \'import os; os.setxattr("SKILL.md", "user.x", b"y")\'',
    "python3 -c 'import os; os.open(\".\", os.O_TMPFILE | os.O_RDWR)'",
    "touch SKILL.md",
    "touch new",
    "mkdir new",
    "mkfifo scripts/new",
    "ln -s /tmp new",
    "ln SKILL.md /tmp/linked",
    "rm -f SKILL.md",
    "rm -rf scripts",
    "mv SKILL.md scripts",
    "mv scripts /tmp",
    "mv /etc/hostname .",
    "chmod u+w SKILL.md",
    "chmod a+w . ..",
    "chmod 4755 scripts/run.sh",
    "chown 1000 SKILL.md",
    "touch ../new",
    "mkdir ../new",
    "rm -rf ../*",
    "mv ../* /tmp",
    "mv /home/oai/skills /home/oai/mine",
    "mv /home/oai /home/mine",
    "rm -rf /home/oai",
    "mount -t tmpfs none .",
    "unshare -r mount -t tmpfs none .",
]

# A skill's name as it comes inline, and the beginning of its folder's name.
NAMES = {
    "../../etc": "___.._etc",
    "..": "__",
    ".": "_",
    ".hidden": "_hidden",
    "-rf": "_rf",
    "/etc/cron.d": "_etc_cron.d",
    "a/../../b": "a_.._.._b",
    "line\nbreak\r\x1b[2J\x7f": "line_break__[2J_",
    "$(touch /tmp/ran) `id` ; '\"": "$(touch _tmp_ran) `id` ; '\"",
    "Tabellen für 数据 😀": "Tabellen für 数据 😀",
    "😀" * 64: "😀" * 55,
    " ": " ",
    "*": "*",
}


@pytest.fixture(scope="module")
def equipped(http: httpx.Client) -> Iterator[str]:
    """The id of a container with two skills."""
    files = {"scripts/run.sh": b"#!/bin/sh\necho ran\n", "data": b"data"}
    skills = [reference(uploaded(http, skill_zip("stored", files))), inline("along", skill_zip("along", files))]
    made = http.post("/containers", json={"name": "equipped", "skills": skills}).raise_for_status().json()
    yield made["id"]
    http.delete(f"/containers/{made['id']}").raise_for_status()


def make(http: httpx.Client, **fields: object) -> str:
    """A container; its id."""
    return str(http.post("/containers", json={"name": "x", **fields}).raise_for_status().json()["id"])


def test_code_can_only_read_skills(http: httpx.Client, equipped: str) -> None:
    """Code reads and runs its skills, and whatever it tries, it changes nothing in them and adds nothing."""
    before = stdout(http, equipped, SEE_ALL)
    assert before.count("ran") == 2
    for line in before.splitlines():
        if line.startswith(SKILLS):
            assert " root root " in line
    for folder in folders(http, equipped):
        assert stdout(http, equipped, "sh scripts/run.sh", working_directory=f"{SKILLS}/{folder}") == "ran\n"
        for change in CHANGES:
            outcome = run(http, equipped, change, working_directory=f"{SKILLS}/{folder}")["outcome"]
            assert outcome["exit_code"] != 0, change
    assert stdout(http, equipped, f"find {SKILLS} -writable") == ""
    assert stdout(http, equipped, SEE_ALL) == before


def test_skills_are_no_files_of_the_container(http: httpx.Client, equipped: str) -> None:
    """Skills are not among the container's files, and links to them aren't either."""
    stdout(http, equipped, f"ln -s {SKILLS} skills; ln -s {SKILLS}/stored-1/SKILL.md .")
    assert http.get(f"/containers/{equipped}/files").json()["data"] == []


def test_skills_are_of_one_container(http: httpx.Client, equipped: str) -> None:
    """A container has the skills it was made with, whatever those made beside it have."""
    bare = make(http)
    other = make(http, skills=[inline("other", skill_zip("other"))])
    try:
        assert stdout(http, bare, f"ls -A /home/oai; ls {SKILLS} 2>/dev/null || true") == ""
        (folder,) = folders(http, other)
        assert folder.startswith("other-")
        assert len(folders(http, equipped)) == 2
    finally:
        http.delete(f"/containers/{bare}").raise_for_status()
        http.delete(f"/containers/{other}").raise_for_status()


def test_no_name_leads_elsewhere(http: httpx.Client) -> None:
    """Whatever a skill that comes along is called, it is in one folder of its own, right below the others."""
    skills = [inline(name, skill_zip("x", {"number": b"%d" % number})) for number, name in enumerate(NAMES)]
    container_id = make(http, skills=skills)
    try:
        for number, safe in enumerate(NAMES.values()):
            found = stdout(http, container_id, f"cd {SKILLS}; grep -lx {number} */number").removesuffix("/number\n")
            assert found[:-33] == safe
        assert len(folders(http, container_id)) == len(NAMES)
        assert stdout(http, container_id, "ls -A /home/oai /tmp") == "/home/oai:\nskills\n\n/tmp:\n"
    finally:
        http.delete(f"/containers/{container_id}").raise_for_status()


def test_files_of_skills_have_any_name(http: httpx.Client) -> None:
    """Files in a skill keep names that shells and terminals stumble over, and their bytes."""
    names = ["-rf", "a b", "*", "'\"", "$(touch /tmp/ran)", "~", "#", "ü 数据 😀", "x" * 255, ".hidden", "%00", "a;b|c"]
    members = [Member(name="x/SKILL.md", content=skill_md("x"))]
    members += [Member(name=f"x/{name}", content=name.encode()) for name in names]
    container_id = make(http, skills=[inline("x", build(members))])
    try:
        beside = f"cd {SKILLS}/*; find . -type f ! -name SKILL.md"
        assert sorted(stdout(http, container_id, f"{beside} -printf '%P\\n'").splitlines()) == sorted(names)
        whole = hashlib.sha256("".join(sorted(names, key=str.encode)).encode()).hexdigest()
        gathered = stdout(http, container_id, f"{beside} -print0 | sort -z | xargs -0 cat | sha256sum")
        assert gathered == f"{whole}  -\n"
    finally:
        http.delete(f"/containers/{container_id}").raise_for_status()
