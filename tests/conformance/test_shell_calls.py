from __future__ import annotations

import re
import time

import httpx
import openai
import pytest
from openai.types import ContainerCreateResponse

from tests.envelope import refusal
from tests.shell import EXITED, call, run, stdout


def test_a_call_answers_with_the_whole_object(http: httpx.Client, shared: str) -> None:
    """A call's answer has the Responses API's shape: what was asked for, and one output a command."""
    answer = call(http, shared, "echo out; echo err >&2; exit 3", timeout_ms=5000, max_output_length=1000)
    assert re.fullmatch(r"sh_[0-9a-f]{50}", answer["id"])
    assert abs(answer["created_at"] - time.time()) < 600
    assert answer == {
        "id": answer["id"],
        "object": "container.shell_call",
        "container_id": shared,
        "created_at": answer["created_at"],
        "status": "completed",
        "commands": ["echo out; echo err >&2; exit 3"],
        "timeout_ms": 5000,
        "max_output_length": 1000,
        "output": [{"stdout": "out\n", "stderr": "err\n", "outcome": {"type": "exit", "exit_code": 3}}],
    }


def test_the_official_client_makes_calls(client: openai.OpenAI, shared: str) -> None:
    """The official client makes shell calls with its own `post`."""
    path = f"/containers/{shared}/shell_calls"
    answer = client.post(path, body={"commands": ["echo $((6 * 7))"]}, cast_to=dict[str, list[dict[str, object]]])
    assert answer["output"] == [{"stdout": "42\n", "stderr": "", "outcome": EXITED}]


def test_commands_run_at_the_same_time(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """Several commands of a call run at once, and their outputs come in the commands' order."""
    # Each waits for the other: one after the other they would never end.
    answer = call(
        http,
        container.id,
        "mkfifo a b; echo 1 > a; cat b",
        "until [ -p b ]; do sleep 0.01; done; cat a; echo 2 > b",
        timeout_ms=30_000,
    )
    assert [output["stdout"] for output in answer["output"]] == ["2\n", "1\n"]
    assert [output["outcome"] for output in answer["output"]] == [EXITED, EXITED]


def test_the_time_out_kills_the_whole_group(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """When time is up everything the command started is killed, and what it wrote is kept."""
    command = "echo begun; (sleep 1000 & sleep 1000 & wait) & sleep 1000"
    answer = call(http, container.id, command, "echo other", timeout_ms=1000)
    assert answer["status"] == "incomplete"
    assert answer["output"] == [
        {"stdout": "begun\n", "stderr": "", "outcome": {"type": "timeout"}},
        {"stdout": "other\n", "stderr": "", "outcome": EXITED},
    ]
    assert run(http, container.id, "pgrep sleep")["stdout"] == ""


@pytest.mark.parametrize("ending", ["TERM", "KILL", "SEGV"])
def test_a_signal_ends_as_shells_say(http: httpx.Client, shared: str, ending: str) -> None:
    """A command that a signal ends has the exit code 128 and the signal's number."""
    outcome = run(http, shared, f"kill -{ending} $$")["outcome"]
    assert outcome == {"type": "exit", "exit_code": 128 + {"TERM": 15, "KILL": 9, "SEGV": 11}[ending]}


def test_an_unknown_command_is_a_normal_result(http: httpx.Client, shared: str) -> None:
    """A command that doesn't exist exits with 127, as in every shell; the call is completed."""
    answer = call(http, shared, "no-such-command-anywhere")
    assert answer["status"] == "completed"
    assert answer["output"][0]["outcome"] == {"type": "exit", "exit_code": 127}


def test_long_output_keeps_head_and_tail(http: httpx.Client, shared: str) -> None:
    """Output beyond `max_output_length` keeps its beginning and its end, and says how much is missing."""
    output = run(http, shared, "seq 1 100000", max_output_length=100)
    whole = "".join(f"{number}\n" for number in range(1, 100_001))
    assert output["outcome"] == EXITED
    assert output["stdout"] == f"{whole[:50]}\n... {len(whole) - 100} chars truncated ...\n{whole[-50:]}"


def test_output_of_the_limit_is_whole(http: httpx.Client, shared: str) -> None:
    """Output of exactly `max_output_length` is not cut."""
    assert stdout(http, shared, "printf 0123456789", max_output_length=10) == "0123456789"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (r"printf 'a\377b\300\200'", "a\ufffdb\ufffd\ufffd"),
        (r"printf '\303\244\342\202\254\360\237\230\200'", "ä€😀"),
        (r"printf 'x\0y\r\n\033[1m\t'", "x\0y\r\n\x1b[1m\t"),
        (r"printf '\303'; sleep 0.2; printf '\244'", "ä"),
    ],
    ids=["not UTF-8", "UTF-8", "control characters", "a character in two writes"],
)
def test_output_is_text_whatever_was_written(http: httpx.Client, shared: str, command: str, text: str) -> None:
    """Output that is not UTF-8 comes with U+FFFD in place of what can't be read; all else comes as it was written."""
    assert stdout(http, shared, command) == text


def test_stdin_reaches_every_command(http: httpx.Client, shared: str) -> None:
    """`stdin` is the standard input of each command, byte for byte and with an end."""
    text = "line\n" * 100_000 + "ümlaut without end of line"
    answer = call(http, shared, "wc -c", "tail -c 27", stdin=text)
    assert answer["output"][0]["stdout"].strip() == str(len(text.encode()))
    assert answer["output"][1]["stdout"] == "ümlaut without end of line"
    assert stdout(http, shared, "cat") == ""


def test_env_and_directory(http: httpx.Client, shared: str) -> None:
    """`env` is added to the environment of the commands, and they start in `working_directory`."""
    odd = "quotes ' \" $HOME `id`\nand a second line"
    assert stdout(http, shared, 'printf %s "$ODD"', env={"ODD": odd}) == odd
    assert stdout(http, shared, "pwd") == "/mnt/data\n"
    assert stdout(http, shared, "pwd", working_directory="/usr/share") == "/usr/share\n"


@pytest.mark.parametrize("directory", ["/no/such", "/etc/passwd", "/root"])
def test_a_missing_directory_is_refused(http: httpx.Client, shared: str, directory: str) -> None:
    """A `working_directory` that isn't there, is no directory or can't be entered is a 400 that names the field."""
    body = {"commands": ["touch /tmp/ran"], "working_directory": directory}
    for way in ({}, {"stream": True}, {"background": True}):
        error = refusal(http.post(f"/containers/{shared}/shell_calls", json={**body, **way}), 400)
        assert (error["param"], error["code"]) == ("working_directory", "invalid_value")
        assert "or can't be entered" in error["message"]
    assert run(http, shared, "ls /tmp/ran")["outcome"]["exit_code"] != 0


def test_calls_are_apart(http: httpx.Client, shared: str) -> None:
    """Each command is a shell of its own: variables and directories of one are not the next one's."""
    stdout(http, shared, "export MARK=1; cd /tmp")
    assert stdout(http, shared, "echo ${MARK:-none}; pwd") == "none\n/mnt/data\n"


def test_a_background_process_does_not_hold_the_call(http: httpx.Client, container: ContainerCreateResponse) -> None:
    """A call ends with its command; a server that the command left running goes on and can be reached."""
    assert stdout(http, container.id, "python3 -m http.server 8000 > /dev/null 2>&1 & echo started") == "started\n"
    wait = "for i in $(seq 300); do curl -sf localhost:8000 && exit; sleep 0.1; done; exit 1"
    assert "Directory listing" in stdout(http, container.id, wait)
