from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
from openai.types import ContainerCreateResponse

from tests.service import Service
from tests.shell import call, run


def at_once(times: int, act: Callable[[int], httpx.Response]) -> list[httpx.Response]:
    """Do the same several times at once."""
    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(act, range(times)))


def test_the_same_delete(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """Of deletes of one container at once, all are answered with 200 or 404, and it is gone."""
    answers = at_once(4, lambda _: http.delete(f"/containers/{container.id}"))
    codes = [answer.status_code for answer in answers]
    assert 200 in codes
    assert set(codes) <= {200, 404}, [answer.text for answer in answers]
    assert container.id not in service.engine_containers()


def test_a_delete_during_calls(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """A container deleted while commands run and files go in and out is gone, and everybody gets an answer."""
    base = f"/containers/{container.id}"
    call(http, container.id, "head -c 50M /dev/zero > large.bin")
    file_id = http.get(f"{base}/files").json()["data"][0]["id"]
    requests: list[Callable[[], httpx.Response]] = [
        lambda: http.post(f"{base}/shell_calls", json={"commands": ["sleep 1000"]}),
        lambda: http.post(f"{base}/shell_calls", json={"commands": ["yes"], "stream": True}),
        lambda: http.post(f"{base}/files", files={"file": ("more.bin", b"x" * 50_000_000)}),
        lambda: http.get(f"{base}/files/{file_id}/content"),
        lambda: http.delete(base),
    ]

    def send(number: int) -> int:
        try:
            return requests[number]().status_code
        except httpx.RemoteProtocolError:  # a download or stream that broke off
            return 0

    with ThreadPoolExecutor(len(requests)) as threads:
        codes = list(threads.map(send, range(len(requests))))
    assert codes[-1] == 200
    assert set(codes) <= {0, 200, 400, 404, 503}, codes
    assert http.get(base).status_code == 404
    assert container.id not in service.engine_containers()


def test_the_same_upload(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """Uploads of one name at once all get a name of their own, and all of their bytes."""
    base = f"/containers/{container.id}/files"
    contents = [bytes([65 + number]) * 300_000 for number in range(8)]
    answers = at_once(8, lambda number: http.post(base, files={"file": ("same.bin", contents[number])}))
    made = [answer.raise_for_status().json() for answer in answers]
    assert {file["path"] for file in made} == {
        "/mnt/data/same.bin",
        *(f"/mnt/data/same-{number}.bin" for number in range(1, 8)),
    }
    assert [http.get(f"{base}/{file['id']}/content").content for file in made] == contents
    assert {file["id"] for file in http.get(base).json()["data"]} == {file["id"] for file in made}


def test_creates_at_once(http: httpx.Client) -> None:
    """Creates at once all succeed, each with a container of its own."""
    answers = at_once(5, lambda number: http.post("/containers", json={"name": f"{number}"}))
    made = [answer.raise_for_status().json()["id"] for answer in answers]
    try:
        assert len(set(made)) == 5
        for number, container_id in enumerate(made):
            assert run(http, container_id, f"echo {number} > own; cat own; ls | wc -l")["stdout"] == f"{number}\n1\n"
    finally:
        deleted = at_once(5, lambda number: http.delete(f"/containers/{made[number]}"))
    assert [answer.status_code for answer in deleted] == [200] * 5


def test_many_calls_in_one_container(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """Calls at once in one container each get their own output."""
    path = f"/containers/{container.id}/shell_calls"
    answers = at_once(20, lambda number: http.post(path, json={"commands": [f"seq {number} 20000"]}))
    for number, answer in enumerate(answers):
        output = answer.raise_for_status().json()["output"][0]
        assert output["stdout"] == "".join(f"{n}\n" for n in range(number, 20_001))
