"""Names as programs in the sandbox see them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from runtime.link.frames import Json
from tests.runtime.link.networked import NetworkedBox

DNS = """
import json, random
def ask(name, kind=1, tcp=False, before=b""):
    labels = b"".join(bytes([len(label)]) + label for label in name.encode("latin-1").split(b"."))
    message = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\\0" + struct.pack(">HH", kind, 1)
    if tcp:
        s = socket.create_connection(("127.0.0.1", 53))
        s.sendall(before + struct.pack(">H", len(message)) + message)
        size = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))[0]
        answer = s.recv(size, socket.MSG_WAITALL)
    else:
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.settimeout(10)
        s.sendto(message, ("127.0.0.1", 53))
        answer = s.recv(4096)
    assert answer[:2] == message[:2] and answer[12:len(message)] == message[12:]
    records = struct.unpack(">H", answer[6:8])[0]
    return [answer[3] & 15, socket.inet_ntoa(answer[-4:]) if records else None]
"""


async def _result(box: NetworkedBox, source: str) -> Any:
    """What a program with `ask` prints, as JSON."""
    output = await box.program(f"{DNS}\nprint(json.dumps({source}))")
    assert output.stderr == ""
    return json.loads(output.stdout)


@pytest.mark.parametrize("tcp", ["", ", tcp=True"])
async def test_answers(networked: NetworkedBox, tcp: str) -> None:
    """An allowed name has an IPv4 address and nothing else; others don't exist."""
    first, upper, wild, deep = await _result(
        networked, f"[ask(name{tcp}) for name in ('api.test', 'API.Test', 'a.wild.test', 'b.c.wild.test')]"
    )
    assert first == upper
    assert len({first[1], wild[1], deep[1]}) == 3
    assert first[0] == wild[0] == deep[0] == 0
    kinds = [28, 5, 16, 15, 33, 64, 65, 255, 2]  # AAAA, CNAME, TXT, MX, SRV, SVCB, HTTPS, ANY, NS
    assert await _result(networked, f"[ask('api.test', kind{tcp}) for kind in {kinds}]") == [[0, None]] * len(kinds)
    denied = [
        "wild.test",
        "test",
        "notapi.test",
        "api.test.evil",
        "a.api.test",
        "x" * 63 + ".test",
        "\0.test",
        "é.test",
    ]
    assert await _result(networked, f"[ask(name{tcp}) for name in {denied!r}]") == [[3, None]] * len(denied)


async def test_the_usual_resolver(networked: NetworkedBox) -> None:
    """The C library finds allowed names, and says that others aren't known, each way of asking it."""
    source = "[socket.getaddrinfo('api.test', 443)[0][4][0], socket.gethostbyname('api.test.')]"
    first, second = await _result(networked, source)
    assert first == second
    for way in ("socket.getaddrinfo('no.test', 443)", "socket.gethostbyname('no.test')"):
        assert "Name or service not known" in (await networked.program(way)).stderr
    assert "Could not resolve host" in (await networked.one("curl -sS http://no.test")).stderr


async def test_the_host_is_told(networked: NetworkedBox) -> None:
    """Names that were asked for in vain come to the host: each once in a while, not too many; the rest is counted."""
    await _result(networked, "[ask(name) for name in ('once.test', 'Once.test', 'twice.test', 'api.test') * 3]")
    assert networked.lookups == ["once.test", "twice.test"]
    await _result(networked, "[ask('%d.flood.test' % number) for number in range(2000)][-1]")
    async with asyncio.timeout(10):
        counted = 0
        while len(networked.lookups) + counted < 2002:
            counted += await networked.left_out.get()
    assert len(networked.lookups) < 200
    assert len(networked.lookups) + counted == 2002
    await networked.run("true")  # by then the agent has heard that the channels of all this are closed
    assert not networked.session._given_up


async def test_four_thousand_names(networked_alone: NetworkedBox) -> None:
    """A pattern's names get addresses as they are asked for, up to a number; those that have one keep it."""
    answers = await _result(networked_alone, "[ask('%d.wild.test' % number) for number in range(4097)]")
    assert [code for code, _ in answers] == [0] * 4096 + [2]
    assert len({address for _, address in answers}) == 4097
    assert await _result(networked_alone, "[ask('5.wild.test'), ask('6000.wild.test')]") == [answers[5], [2, None]]
    assert (await _result(networked_alone, "ask('api.test')"))[0] == 0  # a name that is listed always has one


async def test_broken_messages(networked: NetworkedBox) -> None:
    """Whatever is sent to the name server, it answers the next question."""
    await _result(
        networked,
        """[
        [socket.socket(type=socket.SOCK_DGRAM).sendto(random.randbytes(random.choice([0, 1, 11, 12, 30, 600])),
            ("127.0.0.1", 53)) for _ in range(2000)],
        [socket.create_connection(("127.0.0.1", 53)).sendall(random.randbytes(100)) for _ in range(100)],
        [cut_off(socket.create_connection(("127.0.0.1", 53))) for _ in range(100)],
        ][:0]""",
    )
    assert (await _result(networked, "[ask('api.test'), ask('api.test', tcp=True)]"))[1][0] == 0
    assert await _result(networked, "ask('api.test', tcp=True, before=struct.pack('>H', 0))")


async def test_questions_that_drip(networked: NetworkedBox) -> None:
    """Programs that never finish their question keep nobody else from asking: the server waits for them briefly."""
    output = await networked.program(f"""{DNS}
idle = [socket.create_connection(("127.0.0.1", 53)) for _ in range(40)]
for s in idle: s.sendall(bytes(1))
assert ask("api.test") == ask("api.test", tcp=True)
""")
    assert output.stderr == ""


async def test_many_questions_in_one_stream(networked: NetworkedBox) -> None:
    """Questions over one TCP connection are answered in turn, however they are cut."""
    output = await networked.program("""
question = bytes.fromhex("000701000001000000000000 03617069 0474657374 00 00010001")
s = socket.create_connection(("127.0.0.1", 53))
for byte in (struct.pack(">H", len(question)) + question) * 3:
    s.sendall(bytes([byte]))
for _ in range(3):
    size = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))[0]
    assert s.recv(size, socket.MSG_WAITALL)[-4:-2] == bytes([127, 53])
print("all")
""")
    assert output.stdout == "all\n", output.stderr


async def test_names_while_nobody_is_there(networked: NetworkedBox) -> None:
    """Between two sessions names go on being answered; a connection waits, and is reset by the next session."""
    program = networked.program("""
while not os.path.exists("gone"): time.sleep(0.01)
s = connect("later.wild.test")
try:
    s.recv(1)
except ConnectionResetError:
    open("reset", "w").close()
""")
    await networked.run("true")
    (await networked.sandbox.run(networked.spec("sleep 0.3; touch gone; sleep 1; rm gone"))).close()
    networked.session.close()
    await asyncio.wait([program])
    program.exception()
    await asyncio.sleep(1)
    await networked.connect()
    await networked.run("until [ -e reset ]; do sleep 0.01; done; rm reset")
    headers: list[Json] = []
    while not networked.connections.empty():
        headers.append(networked.connections.get_nowait()[0])
    assert headers == []
