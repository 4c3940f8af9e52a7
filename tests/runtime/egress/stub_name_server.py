"""A name server of a test's own, for the system's resolver to ask."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from tests.runtime.egress.stub_servers import new_address

A, CNAME, AAAA, IN = 1, 5, 28, 1
NO_SUCH_NAME = 3


class StubNameServer:
    """Answers over UDP by a mapping from names to what is said of them: addresses, or the name each is an alias of.

    What an alias stands for comes with it, as servers do it. `asked` are the names that were asked for.
    """

    def __init__(self, names: Mapping[str, str | Sequence[str]]) -> None:
        self.address = new_address()
        self.asked: set[str] = set()
        self._names = names
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            message, client = self._socket.recvfrom(512)
            if not message:
                return
            self._socket.sendto(self._answer(message), client)

    def _answer(self, message: bytes) -> bytes:
        name, rest = _name(message, 12)
        (kind,) = struct.unpack_from("!H", message, rest)
        self.asked.add(name)
        records = self._records(name, kind)
        code = 0 if name in self._names else NO_SUCH_NAME
        head = struct.pack("!6H", int.from_bytes(message[:2]), 0x8180 | code, 1, len(records), 0, 0)
        return head + message[12 : rest + 4] + b"".join(records)

    def _records(self, name: str, kind: int) -> list[bytes]:
        records: list[bytes] = []
        while isinstance(alias := self._names.get(name, ()), str) and len(records) < 16:
            records.append(_record(name, CNAME, _encoded(alias)))
            name = alias
        addresses = [] if isinstance(alias, str) else [ip_address(each) for each in alias]
        return records + [_record(name, kind, each.packed) for each in addresses if _kind(each) == kind]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.sendto(b"", (self.address, 53))
        self._thread.join()
        self._socket.close()


def _kind(address: IPv4Address | IPv6Address) -> int:
    return A if address.version == 4 else AAAA


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name at a place, and where it ends."""
    labels = []
    while size := message[at]:
        labels.append(message[at + 1 : at + 1 + size].decode("latin-1"))
        at += 1 + size
    return ".".join(labels), at + 1


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _record(name: str, kind: int, data: bytes) -> bytes:
    return _encoded(name) + struct.pack("!HHIH", kind, IN, 60, len(data)) + data
