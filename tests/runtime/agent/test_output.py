"""The log of a call's output: bounded, complete in its head and tail, the same whenever it is read."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent import output as output_module
from runtime.agent.output import MAX_CHARACTERS, MAX_LIVE_EVENTS, MAX_TAIL_PIECES, PIECE, STREAMS, OutputLog

EXIT = {"type": "exit", "exit_code": 0}


@dataclass(frozen=True)
class Chunk:
    """What a command wrote at once, and how many events have been read by then."""

    stream: int
    data: bytes
    read: bool


texts = st.one_of(
    st.binary(max_size=30),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.builds(lambda text, times: text.encode() * times, st.text(min_size=1, max_size=3), st.integers(0, 20_000)),
)
chunks = st.lists(st.builds(Chunk, st.sampled_from([0, 1]), texts, st.booleans()), max_size=20)
limits = st.one_of(st.integers(0, 60), st.integers(0, 100_000))


def written(log: OutputLog, command: int, stream: int) -> str:
    """A stream's texts, joined."""
    return "".join(event[3] for event in log.events if event[:3] == ["out", command, STREAMS[stream]])


def expected(parts: list[Chunk], limit: int) -> tuple[str, str]:
    """What comes of it, naively: of all characters in the order they came, head and tail, and notices between."""
    decoders = [codecs.getincrementaldecoder("utf-8")("replace") for _ in STREAMS]
    characters = [(part.stream, char) for part in parts for char in decoders[part.stream].decode(part.data)]
    for stream, decoder in enumerate(decoders):
        characters += [(stream, char) for char in decoder.decode(b"", final=True)]
    head, rest = characters[: limit - limit // 2], characters[limit - limit // 2 :]
    dropped = rest[: max(0, len(rest) - limit // 2)]
    tail = rest[len(dropped) :]
    texts = []
    for stream in (0, 1):
        missing = sum(1 for of, _ in dropped if of == stream)
        notice = f"\n... {missing} chars truncated ...\n" if missing else ""
        texts.append(
            "".join(char for of, char in head if of == stream)
            + notice
            + "".join(char for of, char in tail if of == stream)
        )
    return texts[0], texts[1]


@given(chunks, limits)
def test_head_notice_and_tail(parts: list[Chunk], limit: int) -> None:
    """Of any bytes in any pieces: the head, a notice of what is missing, the tail; events that were read stay."""
    log = OutputLog(1, limit)
    seen: list[list[object]] = []
    for part in parts:
        log.write(0, part.stream, part.data)
        if part.read:
            log.read = len(log.events)
            seen = [list(event) for event in log.events]
    log.exit(0, EXIT)
    log.done("completed")
    assert (written(log, 0, 0), written(log, 0, 1)) == expected(parts, limit)
    assert log.events[: len(seen)] == seen
    assert log.events[-2:] == [["exit", 0, EXIT], ["done", "completed"]]
    assert all(0 < len(event[3]) <= PIECE for event in log.events[:-2])
    assert log.size == sum(len(event[3]) for event in log.events[:-2])


@given(st.lists(st.tuples(st.integers(0, 2), chunks), max_size=6), limits)
def test_commands_do_not_mix(written_by: list[tuple[int, list[Chunk]]], limit: int) -> None:
    """Each command of a call has a limit and an output of its own."""
    log = OutputLog(3, limit)
    for command, parts in written_by:
        for part in parts:
            log.write(command, part.stream, part.data)
    for command in range(3):
        log.exit(command, EXIT)
        parts = [part for number, some in written_by if number == command for part in some]
        assert (written(log, command, 0), written(log, command, 1)) == expected(parts, limit)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=10))
def test_characters_are_never_cut(data: bytes, cuts: list[int]) -> None:
    """However bytes are split, the text is that of the whole."""
    log = OutputLog(1, 10_000)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in zip(places, [*places[1:], len(data)], strict=True):
        log.write(0, 0, data[start:end])
    log.exit(0, EXIT)
    assert written(log, 0, 0) == data.decode("utf-8", "replace")


def test_outputs_that_alternate() -> None:
    """However often a command changes between its outputs, its tail is a bounded number of events, and complete."""
    log = OutputLog(2, 10**6)
    for number in range(200_000):
        log.write(0, number % 2, b"%d" % (number % 10))
        log.read = len(log.events)
    log.exit(0, EXIT)
    assert written(log, 0, 0) == "02468" * 20_000
    assert written(log, 0, 1) == "13579" * 20_000
    assert len(log.events) < MAX_LIVE_EVENTS // 2 + MAX_TAIL_PIECES // 2 + 100


@pytest.mark.parametrize(("commands", "kept"), [(1, MAX_CHARACTERS), (4, MAX_CHARACTERS // 4)])
def test_a_call_is_bounded_as_a_whole(commands: int, kept: int) -> None:
    """What is kept of a call is shared out among its commands, and so are its events."""
    log = OutputLog(commands, 2 * MAX_CHARACTERS)
    for command in range(commands):
        log.write(command, 0, b"x" * (kept + 1))
        log.exit(command, EXIT)
    assert written(log, 0, 0) == "x" * (kept // 2) + "\n... 1 chars truncated ...\n" + "x" * (kept // 2)
    assert log.size < MAX_CHARACTERS + 100 * commands


@pytest.mark.parametrize("limit", [400, 10**6])
def test_many_small_events(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that is read as it comes makes so many events and no more; what follows waits for the end."""
    monkeypatch.setattr(output_module, "MAX_LIVE_EVENTS", 100)
    assert MAX_LIVE_EVENTS > 100
    log = OutputLog(1, limit)
    for number in range(400):
        log.write(0, number % 2, b"x")
        log.read = len(log.events)
    assert len(log.events) == 100
    log.exit(0, EXIT)
    assert len(written(log, 0, 0)) + len(written(log, 0, 1)) == 400
    assert "truncated" not in written(log, 0, 0)


@pytest.mark.parametrize(("size", "joined"), [(PIECE // 2, [2, 2, 1]), (PIECE // 2 + 1, [1, 1, 1, 1, 1])])
def test_all_output_in_few_pieces(size: int, joined: list[int]) -> None:
    """What was written in turns is told of each stream by itself, in pieces as large as they may be and no larger."""
    log = OutputLog(1, 10**6)
    for number in range(10):
        log.write(0, number % 2, b"x" * size)
    assert list(log.texts()) == [(0, stream, "x" * size * pieces) for stream in STREAMS for pieces in joined]


def test_a_flood_takes_no_room() -> None:
    """Of a hundred megabytes only the limit is kept."""
    log = OutputLog(1, 1000)
    for _ in range(1600):
        log.write(0, 0, b"x" * 65536)
    log.exit(0, EXIT)
    text = written(log, 0, 0)
    assert text == "x" * 500 + f"\n... {1600 * 65536 - 1000} chars truncated ...\n" + "x" * 500
    assert log.size == len(text)
