"""Containers made of sandboxes that were started ahead."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from tests.container_skills import SKILLS, inline, skill_zip
from tests.envelope import refusal
from tests.expiry import SWEPT_SECONDS, has_expired, make_due
from tests.service import Service, wait_until
from tests.shell import Json, run, stdout

SIZE = 2
FILLED_SECONDS = 60

LIMITS = "cd /sys/fs/cgroup; cat memory.max memory.swap.max 2>/dev/null || cat memory/memory.memsw.limit_in_bytes"

LEAVE = """
echo left > left.txt; echo left > /tmp/left; echo left > /dev/shm/left; mkdir -p ~/left; echo left >> ~/.bashrc
export LEFT=left; ulimit -n 100; setsid sleep 1000 > /dev/null 2>&1 &
python3 -m http.server 8123 > /dev/null 2>&1 &
until curl -s localhost:8123 > /dev/null; do sleep 0.05; done
"""
"""What somebody might leave behind."""

FIND = """
find / -xdev -newer /proc/1 -type f ! -path '/proc/*' ! -path '/sys/*' 2>/dev/null; ls -A /mnt/data /tmp /dev/shm ~
grep -c left ~/.bashrc; env | grep -i left; pgrep -x sleep
pgrep -f http.server; curl -s localhost:8123; ipcs -a | grep 0x; true
"""

SURROUNDINGS = {
    "who": "id; umask; pwd; echo $HOME; ulimit -a",
    "environment": "env | sort",
    "privileges": "grep -E '^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups|Cpus)' /proc/self/status",
    "name": "hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf",
    "network": "ls /sys/class/net; cat /proc/net/route; cat /proc/net/tcp | wc -l",
    "mounts": "cut -d ' ' -f 5- /proc/self/mountinfo | sed -E 's/[0-9a-zA-Z]{26,}/ID/g; s/master:[0-9]+//' | sort",
    "limits": f"{LIMITS}; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "cgroup": "cat /proc/self/cgroup",
    "processes": 'seen=$(ps -eo user,comm,nice); sort <<< "$seen"',  # in a pipe `ps` may see `sort` before its name
    "files": "find / -xdev -printf '%p %u %g %m %s\\n' 2>/dev/null | sort | sha256sum",
    "descriptors": "ls -l /proc/self/fd | wc -l; ls -A /dev/shm /tmp /mnt/data /home",
    "the agent": "cat /proc/1/comm /proc/1/oom_score_adj; tr '\\0' ' ' < /proc/1/cmdline; ls -l /proc/1/exe",
}
"""Ways to look around, each with an answer that doesn't change from container to container."""


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service with a pool of its own, which doesn't grow."""
    settings = {"POOL_SIZE": str(SIZE), "POOL_MAX_SIZE": str(SIZE)}
    with Service(tmp_path_factory.mktemp("pooled"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def warm(pooled: Service) -> Iterator[httpx.Client]:
    """A client of it."""
    with pooled.http() as connected:
        yield connected


def made_of_a_ready_one(pooled: Service, warm: httpx.Client, **fields: Any) -> str:
    """The id of a new container, for which no sandbox was started."""
    wait_until(lambda: len(pooled.ready()) == SIZE, FILLED_SECONDS, "The pool is not filled")
    ready = pooled.ready()
    made = warm.post("/containers", json={"name": "warm", **fields}).raise_for_status().json()
    assert made["id"] in ready
    return str(made["id"])


def test_a_create_takes_a_ready_one(pooled: Service, warm: httpx.Client) -> None:
    """A create takes a sandbox that is ready, which is soon replaced; once deleted, it is gone and not ready again."""
    container_id = made_of_a_ready_one(pooled, warm)
    assert warm.get(f"/containers/{container_id}").json()["id"] == container_id
    assert container_id in [container["id"] for container in warm.get("/containers").json()["data"]]
    assert stdout(warm, container_id, "echo alive") == "alive\n"
    wait_until(lambda: len(pooled.ready()) == SIZE, FILLED_SECONDS, "It is not replaced")
    assert container_id not in pooled.ready()
    warm.delete(f"/containers/{container_id}").raise_for_status()
    refusal(warm.get(f"/containers/{container_id}"), 404)
    assert container_id not in pooled.engine_containers()
    assert container_id not in pooled.ready()


@pytest.mark.parametrize(("tier", "gib"), [("1g", 1), ("4g", 4)])
def test_it_has_all_that_was_asked_for(pooled: Service, warm: httpx.Client, tier: str, gib: int) -> None:
    """Memory, files, skills, names and secrets are as in any other container."""
    upload = {"files": {"file": ("table.csv", b"a,b\n")}, "data": {"purpose": "user_data"}}
    file_id = warm.post("/files", **upload).raise_for_status().json()["id"]  # type: ignore[arg-type]
    secret = {"domain": "api.example.com", "name": "KEY", "value": "sk-canary-value"}
    policy = {"type": "allowlist", "allowed_domains": ["api.example.com"], "domain_secrets": [secret]}
    wanted: Json = {"memory_limit": tier, "file_ids": [file_id], "network_policy": policy}
    skill = inline("totals", skill_zip("totals", {"run.sh": b"echo ran\n"}))
    container_id = made_of_a_ready_one(pooled, warm, skills=[skill], **wanted)

    def inside(command: str) -> str:
        return stdout(warm, container_id, command)

    assert inside(LIMITS).split() in ([str(gib * 1024**3)], [str(gib * 1024**3), "0"])
    (file,) = warm.get(f"/containers/{container_id}/files").json()["data"]
    assert (file["path"], file["bytes"], file["source"]) == ("/mnt/data/table.csv", 4, "user")
    assert inside("cat table.csv") == "a,b\n"
    assert inside(f"cd {SKILLS}/totals-*; sh run.sh; stat -c '%U %a' . run.sh") == "ran\nroot 755\nroot 444\n"
    assert run(warm, container_id, f"cd {SKILLS}/totals-*; echo x >> run.sh")["outcome"]["exit_code"] != 0
    assert run(warm, container_id, f"mkdir {SKILLS}/more")["outcome"]["exit_code"] != 0
    assert inside("echo $KEY; getent hosts api.example.com | cut -d . -f 1,2").split() == ["$KEY", "127.53"]
    assert run(warm, container_id, "getent hosts other.example.com")["outcome"]["exit_code"] == 2
    assert "canary" not in inside("env; cat /proc/*/environ 2>/dev/null; true")
    seen = warm.get(f"/containers/{container_id}").json()
    assert (seen["memory_limit"], seen["network_policy"]["allowed_domains"]) == (tier, ["api.example.com"])
    warm.delete(f"/containers/{container_id}").raise_for_status()


def test_it_expires(pooled: Service, warm: httpx.Client) -> None:
    """A container made of a ready sandbox expires like any other, and its sandbox with it."""
    container_id = made_of_a_ready_one(pooled, warm)
    make_due(pooled, container_id)
    pooled.restart()  # a running container's record is not read again
    wait_until(partial(has_expired, warm, container_id), SWEPT_SECONDS, "It does not expire")
    wait_until(lambda: container_id not in pooled.engine_containers(), 30, "The engine still has it")
    assert container_id not in pooled.ready()
    warm.delete(f"/containers/{container_id}").raise_for_status()


def test_nothing_is_left_of_others(pooled: Service, warm: httpx.Client) -> None:
    """What one container leaves, running or not, is in none that is made afterwards, nor in one that is ready."""
    first = made_of_a_ready_one(pooled, warm)
    before = stdout(warm, first, FIND)
    stdout(warm, first, LEAVE, timeout_ms=30_000)
    assert stdout(warm, first, FIND) != before
    beside = made_of_a_ready_one(pooled, warm)
    assert stdout(warm, beside, FIND) == before
    warm.delete(f"/containers/{first}").raise_for_status()
    for _ in range(SIZE):
        later = made_of_a_ready_one(pooled, warm)
        assert later != first
        assert stdout(warm, later, FIND) == before


def test_code_can_not_tell(pooled: Service, warm: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever code looks at, a container of a ready sandbox is as one whose sandbox was started for it."""
    with Service(tmp_path_factory.mktemp("cold")) as service, service.http() as cold:
        ids = made_of_a_ready_one(pooled, warm, memory_limit="4g"), made(cold, memory_limit="4g")
        for what, command in SURROUNDINGS.items():
            seen = [run(http, container_id, command) for http, container_id in zip((warm, cold), ids, strict=True)]
            assert seen[0] == seen[1], what
        warm.delete(f"/containers/{ids[0]}").raise_for_status()


def made(http: httpx.Client, **fields: Any) -> str:
    """The id of a new container."""
    return str(http.post("/containers", json={"name": "cold", **fields}).raise_for_status().json()["id"])
