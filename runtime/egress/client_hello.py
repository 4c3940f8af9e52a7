"""The first message of TLS, read as it comes in, as far as needed to know which server is meant.

From RFC 8446 (4.1.2, 4.2, 5.1) and RFC 6066 (3: the server's name). Whatever could be read in two ways is refused.
"""

from __future__ import annotations

from runtime.egress.denial import Denied
from runtime.egress.names import InvalidName, canonical
from runtime.network_values import Reason

MAX_HELLO = 16 * 1024
"""The most bytes up to the message's end, the headers of its records included."""

_BEGINNING = b"\x16\x03"  # of each record: a handshake, by some version of TLS
_RECORD_HEADER = 5
_MAX_RECORD = 2**14
_CLIENT_HELLO = 1
_MESSAGE_HEADER = 4
_RANDOM = 32

_SERVER_NAME = 0
_HOST_NAME = 0
# Encrypted Client Hello, as it is and as its drafts had it; and ESNI, which it was before.
_ENCRYPTED = frozenset({*range(0xFE08, 0xFE0E), 0xFFCE})


class ClientHelloReader:
    """Takes a connection's bytes in pieces of any size until the message is whole.

    It doesn't keep them for the caller, who passes them on afterwards.
    """

    def __init__(self) -> None:
        self.size = 0
        """Bytes that were taken for it; once the message is whole, those of the message, and no more."""
        self._unread = bytearray()
        self._left = 0  # bytes of the current record that haven't come yet
        self._message = bytearray()

    def feed(self, data: bytes) -> str | None:
        """Take the next bytes. The canonical name of the server that is wanted, once the message is whole.

        What comes after it is not looked at.

        Raises Denied as soon as it is clear that there is none, or none that can be let through.
        """
        self._unread += data
        while (self._left or self._begin_record()) and self._unread:
            self._continue_record()
            if self._is_whole():
                return _named(_Fields(bytes(self._message[_MESSAGE_HEADER:])))
        return None

    def _begin_record(self) -> bool:
        """Take the header of a record, if it is there."""
        header = self._unread[:_RECORD_HEADER]
        if not _BEGINNING.startswith(header[:2]):
            raise Denied(Reason.NOT_TLS)
        if len(header) < _RECORD_HEADER:
            return False
        self._left = int.from_bytes(header[3:])
        if not 0 < self._left <= _MAX_RECORD:
            raise Denied(Reason.NOT_TLS)
        self._consume(_RECORD_HEADER)
        return True

    def _continue_record(self) -> None:
        """Take what is there of the current record."""
        part = self._unread[: self._left]
        self._message += part
        self._left -= len(part)
        self._consume(len(part))

    def _consume(self, size: int) -> None:
        del self._unread[:size]
        self.size += size
        if self.size > MAX_HELLO:
            raise Denied(Reason.CLIENT_HELLO_TOO_LARGE)

    def _is_whole(self) -> bool:
        """Whether all of the message is there. It has to be a ClientHello, and to end where a record does."""
        if self._message[0] != _CLIENT_HELLO:
            raise Denied(Reason.NOT_TLS)
        if len(self._message) < _MESSAGE_HEADER:
            return False
        size = _MESSAGE_HEADER + int.from_bytes(self._message[1:_MESSAGE_HEADER])
        if size > MAX_HELLO:
            raise Denied(Reason.CLIENT_HELLO_TOO_LARGE)
        if len(self._message) + self._left > size:
            raise Denied(Reason.NOT_TLS)
        return len(self._message) == size


class _Fields:
    """The fields of a message, one after the other. Raises Denied where there isn't enough for the next one."""

    def __init__(self, data: bytes, reason: Reason = Reason.NOT_TLS) -> None:
        self._data = data
        self._at = 0
        self._reason = reason

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise Denied(self._reason)
        return self._data[start : self._at]

    def number(self, size: int) -> int:
        """A number of `size` bytes."""
        return int.from_bytes(self.take(size))

    def vector(self, length_size: int) -> bytes:
        """Bytes after their number, which has `length_size` bytes."""
        return self.take(self.number(length_size))

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self:
            raise Denied(self._reason)


def _named(hello: _Fields) -> str:
    """The server's name in the message, without its header."""
    hello.take(2 + _RANDOM)  # the version is one of TLS's, or the server will say so
    hello.vector(1)  # session
    hello.vector(2)  # ciphers
    hello.vector(1)  # compression
    extensions = _extensions(hello)
    if not _ENCRYPTED.isdisjoint(extensions):
        raise Denied(Reason.ENCRYPTED_CLIENT_HELLO)
    if _SERVER_NAME not in extensions:
        raise Denied(Reason.SNI_MISSING)
    return _server_name(extensions[_SERVER_NAME])


def _extensions(hello: _Fields) -> dict[int, bytes]:
    """The bodies of the extensions by type; each may be there once only."""
    if not hello:
        return {}
    fields = _Fields(hello.vector(2))
    hello.end()
    extensions: dict[int, bytes] = {}
    while fields:
        kind = fields.number(2)
        if kind in extensions:
            raise Denied(Reason.SNI_INVALID if kind == _SERVER_NAME else Reason.NOT_TLS)
        extensions[kind] = fields.vector(2)
    return extensions


def _server_name(extension: bytes) -> str:
    """The one name in the extension for it, which is a host's, in ASCII and without a dot at its end."""
    fields = _Fields(extension, Reason.SNI_INVALID)
    names = _Fields(fields.vector(2), Reason.SNI_INVALID)
    fields.end()
    if names.number(1) != _HOST_NAME:
        raise Denied(Reason.SNI_INVALID)
    sent = names.vector(2)
    names.end()
    try:
        name = canonical(sent.decode("ascii"))
    except (UnicodeDecodeError, InvalidName):
        raise Denied(Reason.SNI_INVALID) from None
    if len(name) != len(sent):
        raise Denied(Reason.SNI_INVALID)
    return name
