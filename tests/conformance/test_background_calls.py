from __future__ import annotations

import httpx
import pytest
from openai.types import ContainerCreateResponse

from tests.envelope import refusal
from tests.service import wait_until
from tests.shell import EXITED, Json, call, joined, rejoined, run, stdout


def retrieve(http: httpx.Client, begun: Json) -> Json:
    """A call as it is now."""
    answer: Json = http.get(f"/containers/{begun['container_id']}/shell_calls/{begun['id']}").raise_for_status().json()
    return answer


def cancel(http: httpx.Client, begun: Json) -> Json:
    """A call as cancelling it leaves it."""
    path = f"/containers/{begun['container_id']}/shell_calls/{begun['id']}/cancel"
    answer: Json = http.post(path).raise_for_status().json()
    return answer


def test_a_background_call_goes_on_by_itself(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """`background` answers while the commands run; GET shows their output so far, and in the end all of it."""
    command = "echo first; until [ -e go ]; do sleep 0.05; done; echo second"
    begun = call(http, container.id, command, background=True)
    assert begun["status"] == "in_progress"
    assert begun["timeout_ms"] is None
    wait_until(lambda: retrieve(http, begun)["output"][0]["stdout"] == "first\n", 30, "no output")
    assert retrieve(http, begun)["output"][0]["outcome"] is None
    stdout(http, container.id, "touch go")
    wait_until(lambda: retrieve(http, begun)["status"] == "completed", 30, "no end")
    assert retrieve(http, begun)["output"] == [{"stdout": "first\nsecond\n", "stderr": "", "outcome": EXITED}]


def test_cancel_kills_what_still_runs(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """Cancel ends the commands that run, with all they have started, and leaves those alone that have ended."""
    begun = call(http, container.id, "sleep 1000 & sleep 1000", "echo done", background=True)
    wait_until(lambda: retrieve(http, begun)["output"][1]["outcome"] == EXITED, 30, "no end")
    cancelled = cancel(http, begun)
    assert cancelled["status"] == "incomplete"
    assert cancelled["output"][0]["outcome"] == {"type": "exit", "exit_code": 137}
    assert cancelled["output"][1] == {"stdout": "done\n", "stderr": "", "outcome": EXITED}
    assert run(http, container.id, "pgrep sleep")["stdout"] == ""
    assert cancel(http, begun) == cancelled


def test_cancel_leaves_an_ended_call_as_it_is(http: httpx.Client, shared: str) -> None:
    """Cancelling a call that has ended changes nothing."""
    ended = call(http, shared, "echo out")
    assert cancel(http, ended) == ended == retrieve(http, ended)


def test_a_stream_joins_a_running_call(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """`events` of a call in the background begins with its first event and lasts until its end."""
    begun = call(http, container.id, "for i in 1 2 3; do echo $i; sleep 0.3; done", background=True)
    found = rejoined(http, container.id, begun["id"])
    assert joined(found, "stdout") == "1\n2\n3\n"
    assert found[-1]["shell_call"] == retrieve(http, begun)


def test_a_background_call_can_have_a_time_out(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """A time-out ends a call in the background too."""
    begun = call(http, container.id, "sleep 1000", background=True, timeout_ms=500)
    wait_until(lambda: retrieve(http, begun)["status"] == "incomplete", 30, "no end")
    assert retrieve(http, begun)["output"][0]["outcome"] == {"type": "timeout"}


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/cancel"), ("GET", "/events")])
@pytest.mark.parametrize("call_id", ["sh_" + "0" * 50, "sh_x", "%2e%2e", "sho_" + "0" * 50, "%00", "a%2Fb"])
def test_an_unknown_call_is_not_found(http: httpx.Client, shared: str, method: str, path: str, call_id: str) -> None:
    """The id of no call, in whatever form, is a 404 in the envelope."""
    refusal(http.request(method, f"/containers/{shared}/shell_calls/{call_id}{path}"), 404)
