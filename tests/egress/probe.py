"""Looks for a way out of the sandbox that it runs in, and prints what became of each attempt, as JSON.

It is not imported: tests send it in, with what to look for as a JSON object on the command line. Each outcome is
`done`, or the name of an error.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import platform
import socket
import struct
import sys
from collections.abc import Callable

WANTED = json.loads(sys.argv[1])
PATIENCE = 3.0  # seconds, for what would hang
LIBC = ctypes.CDLL(None, use_errno=True)
UNSHARE = {"x86_64": 272, "aarch64": 97}[platform.machine()]
NEW_USER, NEW_NET = 0x10000000, 0x40000000
SIOCADDRT, SIOCSIFADDR, SIOCSIFFLAGS = 0x890B, 0x8916, 0x8914


def outcome(attempt: Callable[[], object]) -> str:
    """What became of it."""
    try:
        attempt()
    except TimeoutError:
        return "timeout"
    except socket.gaierror as error:
        return {socket.EAI_NONAME: "EAI_NONAME", socket.EAI_AGAIN: "EAI_AGAIN"}.get(error.errno or 0, str(error))
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


def reach(address: str, port: int, kind: int) -> str:
    """Connect, and say something."""

    def attempt() -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, kind) as sock:
            sock.settimeout(PATIENCE)
            if kind == socket.SOCK_DGRAM and family == socket.AF_INET:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.connect((address, port))
            sock.send(b"x" * 32)

    return outcome(attempt)


def reach_unix(address: str) -> str:
    """Connect to a Unix socket; a leading `@` stands for the null of abstract names."""

    def attempt() -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(address.replace("@", "\0", 1))

    return outcome(attempt)


def unshare(flags: int) -> str:
    """Leave namespaces."""

    def attempt() -> None:
        if LIBC.syscall(UNSHARE, flags) == -1:
            raise OSError(ctypes.get_errno(), "")

    return outcome(attempt)


def change(request: int, argument: bytes) -> str:
    """Configure the network."""
    import fcntl

    def attempt() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, request, argument)

    return outcome(attempt)


def in_child(look: Callable[[], object]) -> object:
    """What a child process finds, which may do to itself what it likes."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            json.dump(look(), pipe)
            pipe.flush()
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = json.load(pipe)
    os.wait()
    return found


def interfaces() -> list[str]:
    """Names of all of them."""
    return [name for _, name in socket.if_nameindex()]


def routes() -> list[str]:
    """The routes that aren't the loopback interface's."""
    found = []
    for table in ("/proc/net/route", "/proc/net/ipv6_route"):
        with contextlib.suppress(FileNotFoundError), open(table) as lines:
            found += [line.strip() for line in lines if "Iface" not in line and line.split()[-1:] != ["lo"]]
    return [line for line in found if line]


def elsewhere() -> dict[str, object]:
    """What there is in namespaces of one's own."""
    left = unshare(NEW_USER | NEW_NET)
    return {
        "left": left,
        "interfaces": [name for name in interfaces() if name != "lo"],
        "out": [reach(address, 443, socket.SOCK_STREAM) for address in WANTED["addresses"]],
    }


def resolved(name: str) -> list[str]:
    """Its addresses, or the name of an error."""
    found: list[str] = []
    failed = outcome(lambda: found.extend(str(info[4][0]) for info in socket.getaddrinfo(name, 443, proto=6)))
    return found if failed == "done" else [failed]


def ask(server: str, name: str) -> str:
    """Ask a name server by hand."""
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"

    def attempt() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect((server, 53))
            sock.send(struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + question + struct.pack("!2H", 1, 1))
            code = sock.recv(512)[3] & 15
            if code:
                raise OSError(f"answered {code}")

    return outcome(attempt)


def imitate(address: str, port: int, kind: int, option: int | None) -> str:
    """Listen where the agent does."""

    def attempt() -> None:
        with socket.socket(socket.AF_INET, kind) as sock:
            if option is not None:
                sock.setsockopt(socket.SOL_SOCKET, option, 1)
            sock.bind((address, port))
            if kind == socket.SOCK_STREAM:
                sock.listen()

    return outcome(attempt)


def imitations() -> dict[str, str]:
    """Attempts to take the agent's places, with and without the options by which several can share one."""
    place = resolved(WANTED["allowed"])[0]
    if not place[0].isdigit():
        return {}
    options = {"plain": None, "reuse address": socket.SO_REUSEADDR, "reuse port": socket.SO_REUSEPORT}
    found = {}
    for name, option in options.items():
        found[f"{name} tcp 443"] = imitate(place, 443, socket.SOCK_STREAM, option)
        found[f"{name} tcp 53"] = imitate("127.0.0.1", 53, socket.SOCK_STREAM, option)
        found[f"{name} udp 53"] = imitate("127.0.0.1", 53, socket.SOCK_DGRAM, option)
    return found


AF_BLUETOOTH, AF_XDP = 31, 44
RAW = {
    "raw": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "raw TCP": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
    "raw IPv6": (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
    "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    "cooked packet": (socket.AF_PACKET, socket.SOCK_DGRAM, 0),
    "vsock": (40, socket.SOCK_STREAM, 0),
    "crypto": (38, socket.SOCK_SEQPACKET, 0),
    "CAN": (29, socket.SOCK_RAW, 1),
    "bluetooth": (AF_BLUETOOTH, socket.SOCK_RAW, 1),
    "XDP": (AF_XDP, socket.SOCK_RAW, 0),
}
LO = b"lo".ljust(16, b"\0")
ROUTE = bytes(8) + struct.pack("!HH4s8x", 2, 0, bytes(4)).ljust(16, b"\0") * 3

print(
    json.dumps(
        {
            "interfaces": interfaces(),
            "routes": routes(),
            "tcp": {f"{a} {p}": reach(a, p, socket.SOCK_STREAM) for a in WANTED["addresses"] for p in (80, 443)},
            "udp": {f"{a} {p}": reach(a, p, socket.SOCK_DGRAM) for a in WANTED["addresses"] for p in (443, 123)},
            "dns": {
                f"{a} {p} {k}": reach(a, p, k)
                for a in WANTED["addresses"]
                for p, k in ((53, socket.SOCK_DGRAM), (53, socket.SOCK_STREAM), (853, socket.SOCK_STREAM))
            },
            "host": {f"{a} {p}": reach(a, p, socket.SOCK_STREAM) for a, p in WANTED["servers"]},
            "unix": {path: reach_unix(path) for path in WANTED["unix"]},
            "sockets": {name: outcome(lambda a=a: socket.socket(*a).close()) for name, a in RAW.items()},  # type: ignore[misc]
            "configure": {
                "an address": change(SIOCSIFADDR, LO + struct.pack("!2sH4s8x", b"\2\0", 0, bytes([10, 0, 0, 5]))),
                "flags": change(SIOCSIFFLAGS, LO + struct.pack("=H14x", 0)),
                "a route": change(SIOCADDRT, ROUTE.ljust(120, b"\0")),
            },
            "elsewhere": in_child(elsewhere),
            "names": {name: resolved(name) for name in (WANTED["allowed"], *WANTED["denied"])},
            "asked": {name: ask("127.0.0.1", name) for name in (WANTED["allowed"], *WANTED["denied"])},
            "imitations": imitations(),
        }
    )
)
