"""Commands: what they get, and what comes back."""

from __future__ import annotations

import pytest

from runtime.errors import InvalidInput, NotFound
from runtime.link.session import LinkSession
from runtime.values import CallStatus, ExitOutcome
from tests.runtime.link.box import Box, CommandOutput, agent_memory, finished

STEALS_ITS_OUTPUT = """python3 -c "
import os, time
own = os.open('/proc/self/fd/1', os.O_RDONLY | os.O_NONBLOCK)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    os.write(1, b'x')
    try: os.read(own, 65536)
    except BlockingIOError: pass
"
"""


async def test_output_and_exit_code(box: Box) -> None:
    """Both outputs and the exit code come back, each in its place."""
    assert await box.one("echo out; echo err >&2; exit 3") == CommandOutput("out\n", "err\n", ExitOutcome(3))


async def test_death_by_a_signal(box: Box) -> None:
    """A command that a signal ended has 128 and the signal's number as its exit code, as shells say it."""
    assert (await box.one("kill -SEGV $$")).outcome == ExitOutcome(139)


async def test_standard_input(box: Box) -> None:
    """Every command of a call reads the whole of the input for itself."""
    text = "line\n" * 500_000 + "é"
    call = await box.call(box.spec("sha256sum", "sha256sum", "head -c 9", stdin=text))
    first, second, third = (output.stdout for output in call.output)
    assert first == second
    assert third == "line\nline"
    assert (await box.one("tail -c 7; wc -l < /dev/null", stdin=text)).stdout.startswith("line\né")


async def test_no_standard_input(box: Box) -> None:
    """Without input, a command that reads finds the end of it at once."""
    assert await box.one("cat; wc -c") == CommandOutput("0\n", "", ExitOutcome(0))


async def test_environment(box: Box) -> None:
    """Variables are added to the sandbox's own, or take their place."""
    output = await box.one('echo "$A|$LANG|${PATH:+path}"', env={"A": "x y\nz", "LANG": "C"})
    assert output.stdout == "x y\nz|C|path\n"


async def test_working_directory(box: Box) -> None:
    """A command starts where it was asked to, at best the folder of files."""
    assert await box.run("pwd") == f"{box.root}\n"
    assert (await box.one("pwd", directory="/tmp")).stdout == "/tmp\n"


@pytest.mark.parametrize("directory", ["/nowhere", "/etc/passwd", "/proc/self/mem", "/x\0y"])
async def test_no_such_working_directory(box: Box, directory: str) -> None:
    """A directory that isn't there is refused before anything runs."""
    with pytest.raises(InvalidInput) as refusal:
        await box.one("touch ran", directory=directory)
    assert refusal.value.param == "working_directory"
    assert await box.run("ls") == ""


async def test_output_that_is_not_utf8(box: Box) -> None:
    """Bytes that aren't UTF-8 become replacement characters; characters cut by a write become whole again."""
    assert (await box.one(r"printf 'a\377b'; printf '\342\202'; sleep 0.1; printf '\254'")).stdout == "a\ufffdb€"
    assert (await box.one(r"printf 'cut \342\202' >&2")).stderr == "cut \ufffd"


async def test_several_commands(box: Box) -> None:
    """Commands of a call run at the same time, and their outputs keep their order."""
    call = await box.call(
        box.spec(
            "while [ ! -e made ]; do sleep 0.02; done; echo first",
            "echo second; touch made; exit 2",
            *(f"echo {number}" for number in range(20)),
        )
    )
    assert call.status is CallStatus.COMPLETED
    assert [output.stdout for output in call.output] == ["first\n", "second\n", *(f"{n}\n" for n in range(20))]
    assert call.output[1].outcome == ExitOutcome(2)


async def test_the_longest_commands(box: Box) -> None:
    """A call has as many commands as there may be, and they are as long as they may be."""
    command = "#" + "ä" * (64 * 1024 - 100)
    followed = await box.sandbox.run(box.spec(*[command] * 32))
    assert followed.description["commands"] == [command] * 32
    assert [output.outcome for output in (await finished(followed)).output] == [ExitOutcome(0)] * 32


async def test_calls_at_the_same_time(box: Box) -> None:
    """A call that runs doesn't hold up the others."""
    waiting = await box.sandbox.run(box.spec("while [ ! -e go ]; do sleep 0.02; done; echo went"))
    for number in range(10):
        assert await box.run(f"echo {number}") == f"{number}\n"
    await box.run("touch go")
    assert (await finished(waiting)).output[0].stdout == "went\n"


@pytest.mark.parametrize("length", [130_000, 140_000])
async def test_long_commands(box: Box, length: int) -> None:
    """A command may be longer than the 128 KiB that an argument of a program may have."""
    output = await box.one(f"true {'x' * length}; echo ran")
    assert output == CommandOutput("ran\n", "", ExitOutcome(0))


@pytest.mark.parametrize("spec", [{"commands": ["echo \0"]}, {"env": {"A=B": "\0"}}, {"commands": ["\ud800"]}])
async def test_what_no_program_can_be_given(box: Box, spec: dict[str, object]) -> None:
    """Text that no shell can hold, and no variable, fails the command, not the agent."""
    call = await box.call(box.spec("true") | spec)
    assert call.output[0].outcome == ExitOutcome(126)
    assert await box.run("echo alive") == "alive\n"


@pytest.mark.parametrize(
    ("text", "stdout", "stderr"),
    [
        ("echo $- $0 $# $LINENO $SECONDS ${REPLY-unset}", "hBc /bin/bash 0 1 0 unset\n", ""),
        ("pwd\nls -A /proc/self/fd | tr '\\n' ' '", "{root}\n0 1 2 3 ", ""),
        ("echo a\nnothing\necho $LINENO", "a\n3\n", "/bin/bash: line 2: nothing: command not found\n"),
        ("cat <<END\n \ttabs\nEND", " \ttabs\n", ""),
        ("trap 'echo bye' EXIT; set -e; false; echo no", "bye\n", ""),
        ("cat; read line || echo nothing", "nothing\n", ""),
        (" # nothing but a comment", "", ""),
    ],
)
async def test_the_shell_is_as_if_just_started(box: Box, text: str, stdout: str, stderr: str) -> None:
    """A command finds nothing that tells whether its shell was started for it or ahead."""
    for spec in (box.spec(text), box.spec(text), box.spec(text, env={"MADE": "for it"})):
        output = (await box.call(spec)).output[0]
        assert (output.stdout, output.stderr) == (stdout.format(root=box.root), stderr)


async def test_a_spare_shell_that_was_killed(container_box: Box) -> None:
    """Code that kills the shell that waits for the next command doesn't harm that command."""
    for _ in range(5):
        await container_box.one("kill -9 -1")
        assert await container_box.run("echo alive") == "alive\n"


async def test_a_call_that_is_not_known(box: Box) -> None:
    """Following, reading or cancelling a call that isn't there is NotFound."""
    for ask in (box.sandbox.follow, box.sandbox.snapshot, box.sandbox.cancel):
        with pytest.raises(NotFound):
            await ask("sh_0")


async def test_what_ends_soon_is_told_at_once(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that ends soon is answered in one piece, which wakes the host once."""
    pieces: list[bytes] = []
    receive = LinkSession._receive

    def counting(session: LinkSession, data: bytes) -> None:
        pieces.append(data)
        receive(session, data)

    monkeypatch.setattr(LinkSession, "_receive", counting)
    await box.connect()
    counts = []
    for _ in range(5):  # on a busy machine even this may take its time
        pieces.clear()
        assert await box.run("echo out; echo err >&2") == "out\n"
        counts.append(len(pieces))
    assert 1 in counts


async def test_what_takes_long_is_told_of_before(box: Box) -> None:
    """A call that doesn't end soon is answered all the same: who asked knows that it has begun."""
    call = await box.sandbox.call(box.spec("sleep 1000"))
    assert call.description["commands"] == ["sleep 1000"]
    call.close()


async def test_output_that_code_reads_itself(box: Box) -> None:
    """Code that takes its output away before the agent reads it loses that output, and ends nothing else."""
    for call in [await box.call(box.spec(*[STEALS_ITS_OUTPUT] * 4, timeout_ms=20_000)) for _ in range(2)]:
        assert [output.outcome for output in call.output] == [ExitOutcome(0)] * 4
        assert all(set(output.stdout) <= {"x"} for output in call.output)
    assert await box.run("echo alive") == "alive\n"


@pytest.mark.parametrize(("written", "limit"), [(1000, 1000), (1001, 1000), (1_000_000, 999), (10, 1)])
async def test_output_beyond_the_limit(box: Box, written: int, limit: int) -> None:
    """Of long output its head and tail are kept, around a notice of how much is missing."""
    text = "".join(f"{number % 10}" for number in range(written))
    output = await box.one(f"python3 -c \"print(('0123456789' * {written})[:{written}], end='')\"", limit=limit)
    head, tail = limit - limit // 2, limit // 2
    expected = text
    if written > limit:
        notice = f"\n... {written - limit} chars truncated ...\n"
        expected = text[:head] + notice + (text[-tail:] if tail else "")
    assert output.stdout == expected


async def test_endless_output(box: Box) -> None:
    """A flood is read to its end, and the agent keeps no more of it than it was asked to."""
    before = await agent_memory(box)
    output = await box.one("yes sandlot | head -c 300000000; yes | head -c 30000000 >&2", limit=10_000)
    assert output.outcome == ExitOutcome(0)
    assert len(output.stdout) + len(output.stderr) < 10_200
    assert await agent_memory(box) - before < 16 * 1024**2
