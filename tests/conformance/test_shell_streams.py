from __future__ import annotations

import re

import httpx
import openai
import pytest
from openai.types import ContainerCreateResponse

from tests.shell import EXITED, Json, joined, rejoined, stdout, streamed


def collect(http: httpx.Client, container_id: str, *commands: str, **fields: object) -> list[Json]:
    """All events of a streamed call."""
    with streamed(http, container_id, *commands, **fields) as coming:
        return list(coming)


def test_events_have_the_responses_shapes(http: httpx.Client, shared: str) -> None:
    """A stream's events have the Responses API's fields and types, numbered from 0, and end with the whole call."""
    *content, last = collect(http, shared, "echo out; echo err >&2", "echo other")
    assert [event["sequence_number"] for event in (*content, last)] == list(range(len(content) + 1))
    assert last.keys() == {"type", "sequence_number", "shell_call"}
    assert last["type"] == "container.shell_call.completed"
    for event in content:
        kind = event["type"].removeprefix("response.shell_call_output_content.")
        assert event.keys() == {
            "type",
            "sequence_number",
            "item_id",
            "output_index",
            "command_index",
            {"delta": "delta", "done": "output"}[kind],
        }
        assert re.fullmatch(r"sho_[0-9a-f]{50}", event["item_id"])
        assert event["output_index"] == 0
        assert event["command_index"] in (0, 1)
        if kind == "delta":
            assert event["delta"].keys() < {"stdout", "stderr"}
    assert len({event["item_id"] for event in content}) == 1


def test_deltas_join_to_the_output(http: httpx.Client, shared: str) -> None:
    """The deltas of each command, joined, are its output in its `done` event and in the call."""
    found = collect(http, shared, "seq 1 50000; echo problem >&2", r"printf '\377'; sleep 0.2; printf 'end'")
    whole = found[-1]["shell_call"]
    for command, output in enumerate(whole["output"]):
        assert joined(found, "stdout", command) == output["stdout"]
        assert joined(found, "stderr", command) == output["stderr"]
        (done,) = (e for e in found if e["type"].endswith(".done") and e["command_index"] == command)
        assert done["output"] == [output]
    assert whole["output"][0]["stdout"] == "".join(f"{number}\n" for number in range(1, 50_001))
    assert whole["output"][1] == {"stdout": "\ufffdend", "stderr": "", "outcome": EXITED}


def test_truncation_is_the_same_in_a_stream(http: httpx.Client, shared: str) -> None:
    """A stream beyond `max_output_length` has the same head, notice and tail as the call's output."""
    found = collect(http, shared, "seq 1 100000", max_output_length=1000)
    output = found[-1]["shell_call"]["output"][0]
    assert "chars truncated ..." in output["stdout"]
    assert joined(found, "stdout") == output["stdout"]
    assert output["stdout"] == stdout(http, shared, "seq 1 100000", max_output_length=1000)


def test_events_come_as_they_happen(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """A delta arrives while its command still runs."""
    with streamed(http, container.id, "echo first; until [ -e go ]; do sleep 0.05; done; echo second") as coming:
        assert next(coming)["delta"] == {"stdout": "first\n"}
        stdout(http, container.id, "touch go")  # only now can the command end
        rest = list(coming)
    assert joined(rest, "stdout") == "second\n"


def test_a_stream_says_when_time_is_up(http: httpx.Client, shared: str) -> None:
    """A time-out ends the stream with its outcome and an incomplete call."""
    *_, done, last = collect(http, shared, "echo begun; sleep 1000", timeout_ms=1000)
    assert done["output"] == [{"stdout": "begun\n", "stderr": "", "outcome": {"type": "timeout"}}]
    assert last["shell_call"]["status"] == "incomplete"


@pytest.mark.parametrize("after", [None, 0, 3, 10_000])
def test_a_stream_can_be_read_again(http: httpx.Client, shared: str, after: int | None) -> None:
    """`events?starting_after` gives the same events again, from the one after that number on."""
    whole = collect(http, shared, "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done")
    call_id = whole[-1]["shell_call"]["id"]
    expected = [event for event in whole if after is None or event["sequence_number"] > after]
    assert rejoined(http, shared, call_id, after) == expected


def test_the_official_client_reads_the_stream(client: openai.OpenAI, shared: str) -> None:
    """The official client's own stream reader understands the events."""
    stream = client.post(
        f"/containers/{shared}/shell_calls",
        body={"commands": ["echo hello"], "stream": True},
        cast_to=dict[str, object],
        stream=True,
        stream_cls=openai.Stream[dict[str, object]],
    )
    assert [event["type"] for event in stream] == [
        "response.shell_call_output_content.delta",
        "response.shell_call_output_content.done",
        "container.shell_call.completed",
    ]


def test_a_stream_tells_where_its_call_is(http: httpx.Client, shared: str) -> None:
    """Content-Location names the call before its first event, so that it can be cancelled or rejoined."""
    body = {"commands": ["sleep 1000"], "stream": True}
    with http.stream("POST", f"/containers/{shared}/shell_calls", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        path = response.headers["content-location"].removeprefix("/v1")
        assert http.post(f"{path}/cancel").json()["status"] == "incomplete"
        assert response.read().count(b"event: ") == 2
