from __future__ import annotations

import httpx
import pytest
from openai.types import ContainerCreateResponse

from tests.service import NO_TLS, Service, wait_until
from tests.shell import EXITED, call, run, stdout

TWO_GIB = "x = bytearray(2 * 1024**3); x[::4096] = b'x' * (len(x) // 4096); print(len(x))"


def test_more_than_the_limit_is_killed(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """With 1g a program that takes 2 GiB is killed and the outcome says so; the container lives on, again and again."""
    for _ in range(3):
        output = run(http, container.id, f'python3 -c "{TWO_GIB}"')
        assert output["outcome"] == {"type": "exit", "exit_code": 137, "oom_killed": True}
        assert stdout(http, container.id, "echo alive") == "alive\n"


def test_the_same_fits_into_the_next_tier(http: httpx.Client) -> None:
    """With 4g the same program runs to its end."""
    container_id = http.post("/containers", json={"name": "4g", "memory_limit": "4g"}).raise_for_status().json()["id"]
    try:
        assert stdout(http, container_id, f'python3 -c "{TWO_GIB}"') == f"{2 * 1024**3}\n"
    finally:
        http.delete(f"/containers/{container_id}").raise_for_status()


@pytest.mark.parametrize("place", ["/dev/shm", "/tmp"])
def test_memory_file_systems_are_bounded(http: httpx.Client, container: ContainerCreateResponse, place: str) -> None:
    """Filling /dev/shm or /tmp ends with a full file system, not with the sandbox; files elsewhere still go in."""
    output = run(http, container.id, f"head -c 2G /dev/zero > {place}/bomb")
    assert output["outcome"]["exit_code"] != 0
    assert int(stdout(http, container.id, f"stat -c %s {place}/bomb")) < 1024**3
    response = http.post(f"/containers/{container.id}/files", files={"file": ("a.txt", b"alive")})
    assert response.status_code == 200, response.text
    assert stdout(http, container.id, "cat a.txt") == "alive"


def test_memory_of_many_is_bounded_together(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """Many programs that together take more than the limit are killed as far as need be; the sandbox lives on."""
    hog = "x = bytearray(200 * 1024**2); x[::4096] = b'x' * (len(x) // 4096); __import__('time').sleep(3)"
    answer = call(http, container.id, *[f'python3 -c "{hog}"' for _ in range(16)])
    codes = [output["outcome"]["exit_code"] for output in answer["output"]]
    assert 137 in codes
    assert stdout(http, container.id, "echo alive") == "alive\n"


def test_the_service_is_untouched(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """While one sandbox is out of memory another works, and so does the service."""
    other = http.post("/containers", json={"name": "other"}).raise_for_status().json()["id"]
    try:
        begun = call(http, container.id, f'while :; do python3 -c "{TWO_GIB}"; echo $?; done', background=True)
        path = f"/containers/{container.id}/shell_calls/{begun['id']}"
        wait_until(lambda: "137" in http.get(path).json()["output"][0]["stdout"], 60, "Nothing is killed")
        assert run(http, other, "echo alive")["outcome"] == EXITED
        assert httpx.get(f"http://127.0.0.1:{service.port}/readyz", verify=NO_TLS).status_code == 200
    finally:
        http.delete(f"/containers/{other}").raise_for_status()
