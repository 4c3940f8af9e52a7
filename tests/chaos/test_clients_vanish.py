from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from openai.types import ContainerCreateResponse

from tests.memory import MIB, growth
from tests.service import Service, wait_until
from tests.shell import EXITED, call, run, stdout, streamed

WITHOUT_BODY = b"POST /v1/containers HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"


def leave_after(service: Service, method: str, path: str, headers: dict[str, str], body: bytes, read: int) -> None:
    """Send a request, read so many bytes of its answer, and reset the connection."""
    lines = [f"{method} {path} HTTP/1.1", "host: sandlot.example.com", f"authorization: Bearer {service.api_key}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with closing(socket.create_connection(("127.0.0.1", service.port), timeout=30)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        while read > 0:
            read -= len(connection.recv(read)) or read
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize("announced", [{"content-length": "10000000"}, {"transfer-encoding": "chunked"}])
def test_in_the_middle_of_an_upload(
    http: httpx.Client, service: Service, container: ContainerCreateResponse, announced: dict[str, str]
) -> None:
    """A client that leaves during its upload leaves no half file behind."""
    path = urlsplit(f"{service.base_url}/containers/{container.id}/files").path
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="half.bin"\r\n\r\n' + b"x" * MIB
    if "transfer-encoding" in announced:
        body = b"%x\r\n%b\r\n" % (len(body), body)
    headers = {"content-type": "multipart/form-data; boundary=b", **announced}
    leave_after(service, "POST", path, headers, body, read=0)
    wait_until(lambda: f' "POST {path}" 499 ' in service.log.read_text(), 30, "It is not noticed")
    wait_until(lambda: stdout(http, container.id, "ls -A") == "", 30, "Something is left of the upload")
    assert http.get(f"/containers/{container.id}/files").json()["data"] == []


def test_in_the_middle_of_a_stream(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """A client that leaves its stream leaves the call running, and can rejoin it."""
    with streamed(http, container.id, "echo first; until [ -e go ]; do sleep 0.05; done; echo second") as events:
        call_id = f"sh_{next(events)['item_id'].removeprefix('sho_')}"
    path = f"/containers/{container.id}/shell_calls/{call_id}"
    assert http.get(path).json()["status"] == "in_progress"
    stdout(http, container.id, "touch go")
    wait_until(lambda: http.get(path).json()["status"] == "completed", 30, "It does not end")
    assert http.get(path).json()["output"] == [{"stdout": "first\nsecond\n", "stderr": "", "outcome": EXITED}]


def test_in_the_middle_of_a_call(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """A client that leaves while its command runs leaves the command running, up to its time-out."""
    command = "touch begun; until [ -e left ]; do sleep 0.05; done; touch went-on; sleep 1000"
    body = json.dumps({"commands": [command], "timeout_ms": 5000}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    path = f"/v1/containers/{container.id}/shell_calls"
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=30)
    with closing(connection):
        lines = [f"POST {path} HTTP/1.1", "host: x", f"authorization: Bearer {service.api_key}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        wait_until(lambda: "begun" in stdout(http, container.id, "ls"), 30, "It does not begin")
    stdout(http, container.id, "touch left")
    wait_until(lambda: "went-on" in stdout(http, container.id, "ls"), 30, "It does not go on")
    wait_until(lambda: run(http, container.id, "pgrep -fx 'sleep 1000'")["stdout"] == "", 30, "Its time is never up")


def test_with_another_request_behind(service: Service, container: ContainerCreateResponse) -> None:
    """A client that leaves its stream, having asked for something else already, leaves nothing that goes on for it."""
    body = b'{"commands": ["echo begun; sleep 300"], "stream": true}'
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    path = f"/v1/containers/{container.id}/shell_calls"
    leave_after(service, "POST", path, headers, body + b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", read=1)
    wait_until(lambda: f'"POST {path}" 200' in service.log.read_text(), 30, "The stream goes on for nobody")


def test_in_the_middle_of_a_download(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """Clients that leave during their downloads cost neither memory nor open files, and hold nobody up."""
    stdout(http, container.id, "head -c 100M /dev/zero > large.bin")
    file_id = http.get(f"/containers/{container.id}/files").json()["data"][0]["id"]
    path = f"/v1/containers/{container.id}/files/{file_id}/content"
    open_before = descriptors(service)
    with growth(service.pid, "20 downloads left") as grown:
        for _ in range(20):
            leave_after(service, "GET", path, {}, b"", read=MIB)
        assert stdout(http, container.id, "echo alive") == "alive\n"
    assert grown() < 64 * MIB
    wait_until(lambda: descriptors(service) <= open_before + 2, 30, "The service keeps what the clients have left")


def descriptors(service: Service) -> int:
    """How many files and connections the service has open."""
    return len(list(Path(f"/proc/{service.pid}/fd").iterdir()))


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that may have few files open."""
    with Service(tmp_path_factory.mktemp("narrow"), open_files=256) as running:
        yield running


@pytest.mark.parametrize("said", [b"", b"POST /v1/contai", b"POST /v1/containers HTTP/1.1\r\ncontent-le", WITHOUT_BODY])
def test_clients_that_say_nothing_more(narrow: Service, said: bytes) -> None:
    """Clients that don't go on hold nobody up, even if there are more of them than the service may have open files."""
    with ExitStack() as silent, narrow.http() as http:
        for _ in range(300):
            connection = silent.enter_context(socket.create_connection(("127.0.0.1", narrow.port)))
            with suppress(ConnectionError):  # those that are too many are told so, and let go
                connection.sendall(said)
        wait_until(lambda: answers(http), 30, "They are heard before others")
        made = http.post("/containers", json={"name": "made meanwhile"}).raise_for_status().json()
        assert stdout(http, made["id"], "echo alive") == "alive\n"
        http.delete(f"/containers/{made['id']}").raise_for_status()


def answers(http: httpx.Client) -> bool:
    """Whether the service has room for another client."""
    try:
        return http.get("/containers").is_success
    except httpx.TransportError:
        return False


def test_a_slow_upload_is_whole(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """An upload that comes in single bytes, while others work in the same container, is whole in the end."""
    pieces = [
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="slow"\r\n\r\n',
        *[b"x"] * 100,
        b"\r\n--b--\r\n",
    ]

    def body() -> Iterator[bytes]:
        for number, piece in enumerate(pieces):
            if number % 20 == 10:
                assert call(http, container.id, "ls -A")["output"][0]["outcome"] == EXITED
                assert http.get(f"/containers/{container.id}/files").json()["data"] == []
            yield piece

    headers = {"content-type": "multipart/form-data; boundary=b"}
    made = http.post(f"/containers/{container.id}/files", content=body(), headers=headers).json()
    assert made["bytes"] == 100
