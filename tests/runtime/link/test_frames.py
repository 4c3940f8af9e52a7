"""The frame codec, and what a stream that was cut anywhere comes to."""

from __future__ import annotations

import contextlib
import itertools
import json
import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.link.frames import (
    AMOUNT,
    COUNT,
    CREDIT,
    DATA,
    END,
    GREETING,
    HEADER,
    HELLO,
    KINDS,
    MAX_PAYLOAD,
    NONCE_SIZE,
    OPEN,
    PREAMBLE,
    REPLY,
    RESET,
    VERSION,
    WINDOW,
    Decoder,
    Frame,
    ProtocolError,
    decode_json,
    decode_number,
    encode,
    encode_json,
)

channels = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 0xFF, 0xFFFF, 0xFF00FF00, 0x01FFFFFF]))
json_objects = st.dictionaries(
    st.text(max_size=5), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5), max_size=4
)
bodies = st.one_of(
    st.binary(max_size=100),
    st.builds(lambda pattern, times: (pattern * times)[:MAX_PAYLOAD], st.binary(max_size=4), st.integers(0, 30_000)),
)


def sensible(kind: int) -> st.SearchStrategy[Frame]:
    """Frames of a kind as an honest end sends them."""
    payloads: st.SearchStrategy[bytes] = bodies
    if kind in (OPEN, REPLY, RESET):
        payloads = json_objects.map(lambda value: json.dumps(value, separators=(",", ":")).encode())
    elif kind == END:
        payloads = st.integers(0, 2**55).map(COUNT.pack)
    elif kind == CREDIT:
        payloads = st.integers(1, WINDOW).map(AMOUNT.pack)
    elif kind == HELLO:
        payloads = st.binary(min_size=NONCE_SIZE, max_size=NONCE_SIZE).map(lambda nonce: GREETING.pack(nonce, VERSION))
    return st.builds(Frame, st.just(kind), channels, payloads)


frames = st.sampled_from(sorted(KINDS)).flatmap(sensible)

NEW = GREETING.pack(b"the new one's ID", VERSION)


def accepted(data: bytes) -> list[Frame]:
    """What a reader takes from a stream that it resynchronises on: frames whose payload is one of their kind."""
    decoder = Decoder()
    found = []
    while True:
        try:
            for frame in decoder.feed(data):
                _check(frame)
                found.append(frame)
        except ProtocolError:
            decoder.resynchronise()
            data = b""
        else:
            return found


def _bytes(frame: Frame) -> bytes:
    return encode(frame.kind, frame.channel, frame.payload)


def _check(frame: Frame) -> None:
    if frame.kind in (OPEN, REPLY, RESET):
        decode_json(frame.payload)
    elif frame.kind == END and decode_number(COUNT, frame.payload) > 2**56:
        raise ProtocolError("a count that is never reached")
    elif frame.kind == CREDIT and decode_number(AMOUNT, frame.payload) > WINDOW:
        raise ProtocolError("more than may be on its way")


padding = st.sampled_from([b"", b"", b"\xff", b"\xff" * 100])


@given(st.lists(st.tuples(padding, frames), max_size=5), st.lists(st.floats(0, 1), max_size=8), st.integers(1, 20))
def test_any_frames_in_any_pieces(sent: list[tuple[bytes, Frame]], cuts: list[float], start: int) -> None:
    """However a stream is split, the same frames come out, with or without padding between them."""
    stream = b"".join(pad + _bytes(frame) for pad, frame in sent)
    places = sorted([*range(start), *(int(cut * len(stream)) for cut in cuts), len(stream)])
    decoder = Decoder()
    found: list[Frame] = []
    for begin, end in itertools.pairwise(places):
        found += decoder.feed(stream[begin:end])
    assert found == [frame for _, frame in sent]


def test_padding_is_not_copied() -> None:
    """Nor what comes after it: a byte of padding between frames takes no longer when there are many of them."""
    stream = (b"\xff" + encode(CREDIT, 1, AMOUNT.pack(1))) * 10_000
    decoder = Decoder()
    tracemalloc.start()
    try:
        found = sum(1 for _ in decoder.feed(stream))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == 10_000
    assert most < 1.5 * len(stream)


@given(st.lists(frames, max_size=3), frames, st.data())
def test_a_stream_that_is_cut_anywhere(before: list[Frame], cut: Frame, data: st.DataObject) -> None:
    """After the cut, PREAMBLE and HELLO: that HELLO comes out, and of the half frame nothing that counts."""
    half = _bytes(cut)
    place = data.draw(st.one_of(st.integers(0, min(len(half), 40) - 1), st.integers(0, len(half) - 1)))
    _assert_starts_over(before, half[:place])


@pytest.mark.parametrize(
    "frame",
    [
        encode_json(OPEN, 1, {"op": "read", "path": "a"}),
        encode_json(OPEN, 0x00FF00FF, {"op": "x" * 255}),
        encode_json(OPEN, 0xFFFF01FF, {}),
        encode_json(RESET, 0xFFFFFFFF, {}),
        encode(END, 0x0101FF01, COUNT.pack(0)),
        encode(END, 1, COUNT.pack(0x0001000001FF01)),
        encode(CREDIT, 255, AMOUNT.pack(255)),
        encode(CREDIT, 0xFF07FF07, AMOUNT.pack(WINDOW)),
        encode(DATA, 0x00FF04FF, b"\xff\x01\x00\x00\x00\x00\x00\x00\x00\x00" * 5),
        encode(HELLO, 0, GREETING.pack(b"\xff\x01" + bytes(14), VERSION)),
    ],
)
def test_every_place_to_cut(frame: bytes) -> None:
    """The same at each single byte of frames that hold bytes of the padding and of headers."""
    for place in range(len(frame)):
        _assert_starts_over([], frame[:place])


def _assert_starts_over(before: list[Frame], half: bytes) -> None:
    stream = b"".join(map(_bytes, before)) + half
    found = accepted(stream + PREAMBLE + encode(HELLO, 0, NEW))
    assert found[: len(before)] == before
    assert found[-1] == Frame(HELLO, 0, NEW)
    *passed, _ = found[len(before) :]
    assert len(passed) <= 1
    for frame in passed:
        assert frame.kind in (DATA, HELLO)
        assert frame.payload.endswith(b"\xff")


@given(st.binary(max_size=200))
def test_garbage_before_hello(garbage: bytes) -> None:
    """Whatever came before, PREAMBLE and HELLO are understood."""
    assert accepted(garbage + PREAMBLE + encode(HELLO, 0, NEW))[-1] == Frame(HELLO, 0, NEW)


@given(st.binary(max_size=300), st.integers(1, 300))
def test_garbage(garbage: bytes, size: int) -> None:
    """Bytes that can be no frame are a ProtocolError, and nothing else is."""
    decoder = Decoder()
    try:
        for start in range(0, len(garbage), size):
            for frame in decoder.feed(garbage[start : start + size]):
                assert frame.kind in KINDS
    except ProtocolError:
        pass


@given(json_objects, channels)
def test_json(value: dict[str, object], channel: int) -> None:
    """A JSON object comes back as it was, whatever its text is."""
    (frame,) = Decoder().feed(encode_json(OPEN, channel, value))
    assert (frame.kind, frame.channel) == (OPEN, channel)
    assert decode_json(frame.payload) == value


@given(st.binary(max_size=50) | json_objects.map(lambda value: json.dumps(value).encode("utf-16")))
def test_json_of_any_bytes(payload: bytes) -> None:
    """What isn't a JSON object is a ProtocolError."""
    with contextlib.suppress(ProtocolError):
        assert isinstance(decode_json(payload), dict)


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b"{", b'{"a":' * 9999, b"9" * MAX_PAYLOAD])
def test_json_that_is_no_object(payload: bytes) -> None:
    """Neither is a deep one, nor a number of many digits."""
    with pytest.raises(ProtocolError):
        decode_json(payload)


def test_headers_that_are_too_long() -> None:
    """A header has to fit into one frame."""
    encode_json(OPEN, 1, {"a": "x" * (MAX_PAYLOAD - len('{"a":""}'))})
    with pytest.raises(ValueError, match="fit"):
        encode_json(OPEN, 1, {"a": "x" * MAX_PAYLOAD})


@given(st.binary(max_size=12), st.sampled_from([AMOUNT, COUNT]))
def test_numbers(payload: bytes, layout: struct.Struct) -> None:
    """A number has the length of its layout."""
    if len(payload) == layout.size:
        assert layout.pack(decode_number(layout, payload)) == payload
    else:
        with pytest.raises(ProtocolError):
            decode_number(layout, payload)


def test_the_longest_half_frame() -> None:
    """PREAMBLE fills up a frame of which only the header came, and leaves nothing of HELLO in it."""
    header = HEADER.pack(DATA, 1, MAX_PAYLOAD)
    found = accepted(header + PREAMBLE + encode(HELLO, 0, NEW))
    assert found == [Frame(DATA, 1, b"\xff" * MAX_PAYLOAD), Frame(HELLO, 0, NEW)]
