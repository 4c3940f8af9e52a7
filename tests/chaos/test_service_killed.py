from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from runtime.runtime import SWEEP_SECONDS
from tests.chaos.containers import running, try_to_create
from tests.service import SETTLED_SECONDS, Service, wait_until
from tests.shell import EXITED, Json, call, joined, rejoined, stdout, streamed


def kill_and_start(service: Service) -> None:
    """End the service as a crash would, and start it again."""
    service.kill()
    service.start()


def test_containers_live_on(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """After kill -9 and a new start the containers are there, with their files and processes, and can be used."""
    others = [client_of.post("/containers", json={"name": f"{n}"}).json()["id"] for n in range(3)]
    file = client_of.post(f"/containers/{container_id}/files", files={"file": ("a.txt", b"kept")}).json()
    stdout(client_of, container_id, "sleep 1000 > /dev/null 2>&1 & echo made > made.txt")
    before = running(client_of)
    kill_and_start(mortal)
    assert running(client_of) == before
    assert sorted(mortal.engine_containers()) == before
    assert stdout(client_of, container_id, "cat a.txt made.txt; pgrep -c sleep") == "keptmade\n1\n"
    assert client_of.get(f"/containers/{container_id}/files/{file['id']}/content").content == b"kept"
    assert client_of.get(f"/containers/{container_id}/files/{file['id']}").json() == file
    for other in others:
        assert stdout(client_of, other, "echo alive") == "alive\n"
        client_of.delete(f"/containers/{other}").raise_for_status()


def test_a_background_call_goes_on(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """A call in the background runs on through kill -9; its output is complete and its stream can be rejoined."""
    command = (
        "for i in $(seq 1 2000); do echo $i; done; until [ -e go ]; do sleep 0.05; done; seq 2001 4000; echo end >&2"
    )
    begun = call(client_of, container_id, command, background=True)
    path = f"/containers/{container_id}/shell_calls/{begun['id']}"
    wait_until(lambda: "2000" in client_of.get(path).json()["output"][0]["stdout"], 30, "no output")
    kill_and_start(mortal)
    stdout(client_of, container_id, "touch go")
    seen = rejoined(client_of, container_id, begun["id"])
    output = client_of.get(path).json()["output"][0]
    whole = "".join(f"{number}\n" for number in range(1, 4001))
    assert output == {"stdout": whole, "stderr": "end\n", "outcome": EXITED}
    assert joined(seen, "stdout") == whole
    for after in (0, len(seen) // 2):
        assert rejoined(client_of, container_id, begun["id"], after) == seen[after + 1 :]


def test_a_stream_is_rejoined_where_it_broke(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """A stream that kill -9 broke goes on after its last event: none is missing, none comes twice."""
    command = "for i in $(seq 1 40); do echo $i; sleep 0.1; done"
    seen: list[Json] = []
    with suppress(httpx.TransportError), streamed(client_of, container_id, command) as events:
        for event in events:
            seen.append(event)
            if len(seen) == 5:
                mortal.kill()
    mortal.start()
    call_id = f"sh_{seen[0]['item_id'].removeprefix('sho_')}"
    rest = rejoined(client_of, container_id, call_id, seen[-1]["sequence_number"])
    assert [event["sequence_number"] for event in seen + rest] == list(range(len(seen + rest)))
    assert joined(seen + rest, "stdout") == "".join(f"{number}\n" for number in range(1, 41))
    assert rest[-1]["shell_call"]["status"] == "completed"


def test_when_it_was_used_last_is_known(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """A use that is some seconds old is known after kill -9."""
    time.sleep(1.1)  # times are in seconds
    stdout(client_of, container_id, "true")
    before = last_use(client_of, container_id)
    time.sleep(2 * SWEEP_SECONDS)
    kill_and_start(mortal)
    assert last_use(client_of, container_id) == before


def last_use(http: httpx.Client, container_id: str) -> int:
    """When a container was used last, as the list has it, which is no use of it."""
    found = http.get("/containers", params={"limit": 100}).raise_for_status().json()["data"]
    return next(int(container["last_active_at"]) for container in found if container["id"] == container_id)


@pytest.mark.parametrize("delay", [0.2, 0.8, 1.6])
def test_creates_cut_short_leave_nothing(mortal: Service, client_of: httpx.Client, delay: float) -> None:
    """kill -9 during creates leaves no container without a record, and no record without a container."""
    with ThreadPoolExecutor() as threads:
        creates = [threads.submit(try_to_create, client_of) for _ in range(4)]
        time.sleep(delay)
        mortal.kill()
    answered = {create.result() for create in creates} - {None}
    mortal.start()
    there = running(client_of)
    assert answered <= set(there)
    for container_id in there:
        assert stdout(client_of, container_id, "echo alive") == "alive\n"
    print(f"{len(answered)} of 4 creates were answered, {len(there)} finished")
    mortal.delete_containers()


def test_deletes_cut_short_are_finished(mortal: Service, client_of: httpx.Client) -> None:
    """kill -9 during deletes: afterwards each container is whole, or gone, and none that was gone comes back."""
    made = [client_of.post("/containers", json={"name": "to go"}).json()["id"] for _ in range(4)]
    with ThreadPoolExecutor() as threads:
        deletes = []
        for container_id in made:
            deletes.append(threads.submit(try_to_delete, client_of, container_id))
            time.sleep(0.04)
        mortal.kill()
    mortal.start()
    there = running(client_of)
    assert not {container_id for container_id, delete in zip(made, deletes, strict=True) if delete.result()} & set(
        there
    )
    for container_id in there:
        assert stdout(client_of, container_id, "echo alive") == "alive\n"
    wait_until(lambda: sorted(mortal.engine_containers()) == there, SETTLED_SECONDS, "The engine has orphans")
    mortal.delete_containers()


def try_to_delete(http: httpx.Client, container_id: str) -> bool:
    """Delete a container; whether the service lived to say so."""
    try:
        return http.delete(f"/containers/{container_id}").raise_for_status().is_success
    except httpx.TransportError:
        return False


def test_an_upload_cut_short_is_no_file(mortal: Service, client_of: httpx.Client, container_id: str) -> None:
    """kill -9 in the middle of an upload leaves no half file: none is listed, none is in the container."""

    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="half.bin"\r\n\r\n'
        for _ in range(64):
            yield b"x" * 65536
        mortal.kill()
        yield b"x" * 65536

    headers = {"content-type": "multipart/form-data; boundary=b"}
    with suppress(httpx.TransportError):
        client_of.post(f"/containers/{container_id}/files", content=body(), headers=headers)
    mortal.start()
    assert client_of.get(f"/containers/{container_id}/files").json()["data"] == []
    assert stdout(client_of, container_id, "ls -A") == ""
