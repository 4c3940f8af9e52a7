from __future__ import annotations

import socket
from contextlib import ExitStack

import httpx
import pytest
from openai.types import ContainerCreateResponse

from tests.memory import MIB, growth
from tests.service import Service
from tests.shell import EXITED, call, joined, run, stdout, streamed

ALLOWED = 64 * MIB

FLOODS = {
    "lines": "yes 'a line of thirty-two characters' | head -c 1G",
    "no newline": "head -c 1G /dev/zero | tr '\\0' x",
    # A tenth, since it takes ten times as long: each byte of it becomes U+FFFD.
    "not UTF-8": "head -c 100M /dev/zero | tr '\\0' '\\377' >&2",
}


@pytest.mark.parametrize(
    ("flood", "stream"),
    [("lines", False), ("no newline", False), ("no newline", True), ("not UTF-8", True)],
)
def test_a_flood_is_cut(
    http: httpx.Client, service: Service, container: ContainerCreateResponse, flood: str, *, stream: bool
) -> None:
    """1 GiB of output ends well, cut to its head and tail; the service's memory stays flat, and both still answer."""
    with growth(service.pid, f"a flood of {flood}{', streamed' if stream else ''}") as grown:
        if stream:
            with streamed(http, container.id, FLOODS[flood]) as events:
                found = list(events)
            output = found[-1]["shell_call"]["output"][0]
            assert (joined(found, "stdout"), joined(found, "stderr")) == (output["stdout"], output["stderr"])
        else:
            output = run(http, container.id, FLOODS[flood])
    assert output["outcome"] == EXITED
    assert 1_048_576 <= len(output["stdout"] + output["stderr"]) < 1_048_576 + 100
    assert "chars truncated ..." in output["stdout"] + output["stderr"]
    assert grown() < ALLOWED
    assert stdout(http, container.id, "echo alive") == "alive\n"


def test_endless_output_ends_with_its_time(
    http: httpx.Client, service: Service, container: ContainerCreateResponse
) -> None:
    """Output without end is ended by the time-out, from daemons of the command too."""
    with growth(service.pid, "output without end") as grown:
        output = run(http, container.id, "yes & yes >&2 & yes", timeout_ms=3000)
    assert output["outcome"] == {"type": "timeout"}
    assert "chars truncated ..." in output["stdout"]
    assert grown() < ALLOWED
    assert run(http, container.id, "pgrep yes")["stdout"] == ""


def test_a_slow_reader(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """A client that doesn't read its stream holds up neither the command nor anybody else, and costs little memory."""
    command = "head -c 100M /dev/zero | tr '\\0' x; touch done"
    with (
        growth(service.pid, "a stream that nobody reads") as grown,
        streamed(http, container.id, command, max_output_length=4 * MIB) as events,
    ):
        wait = "until [ -e done ]; do sleep 0.05; done; echo alive"
        assert stdout(http, container.id, wait) == "alive\n"
        found = list(events)
    assert found[-1]["shell_call"]["output"][0]["outcome"] == EXITED
    assert grown() < ALLOWED


def test_many_commands_that_write(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """A call's output has 16 Mi characters at most, whatever was asked for; each command has an equal share."""
    with growth(service.pid, "many commands that write") as grown:
        answer = call(http, container.id, *["yes | head -c 1M"] * 32, max_output_length=10 * MIB)
    for output in answer["output"]:
        assert MIB // 2 <= len(output["stdout"]) < MIB // 2 + 100
        assert "\n... 524288 chars truncated ...\n" in output["stdout"]
    assert grown() < ALLOWED


def test_answers_that_nobody_reads(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """A call's output is never in the service as a whole, however often it is asked for and however slowly read."""
    begun = call(http, container.id, *["yes | head -c 2M"] * 8, max_output_length=10 * MIB)
    path = f"/v1/containers/{container.id}/shell_calls/{begun['id']}"
    with growth(service.pid, "answers that nobody reads") as grown, ExitStack() as clients:
        for number in range(12):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            asked = path if number % 2 else f"{path}/events"
            head = f"GET {asked} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {service.api_key}\r\n\r\n"
            client.sendall(head.encode())
            assert client.recv(12) == b"HTTP/1.1 200"
        assert http.get(path.removeprefix("/v1")).json()["output"] == begun["output"]
        assert stdout(http, container.id, "echo alive") == "alive\n"
    assert grown() < ALLOWED


def test_many_small_writes(http: httpx.Client, service: Service, container: ContainerCreateResponse) -> None:
    """Hundreds of thousands of single characters come whole, and as a bounded number of events."""
    program = "import os\nfor _ in range(300_000): os.write(1, b'x')"
    with (
        growth(service.pid, "many small writes") as grown,
        streamed(http, container.id, "python3 -", stdin=program, max_output_length=300_000) as events,
    ):
        found = list(events)
    assert joined(found, "stdout") == "x" * 300_000
    assert len(found) < 25_000
    assert grown() < ALLOWED
