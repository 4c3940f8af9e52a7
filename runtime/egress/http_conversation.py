"""What a program and a server say to each other in HTTP/1.1: every message is read, checked and written anew. Pure."""

from __future__ import annotations

import re

from runtime.egress.bytes import ChannelBroken
from runtime.egress.http_answers import Answer, answer, interim, own_answer
from runtime.egress.http_bodies import Body
from runtime.egress.http_framing import Framing
from runtime.egress.http_heads import MAX_HEAD, Malformed, read_answer
from runtime.egress.http_requests import Refused, Request, Requests
from runtime.egress.secrets import SecretSet
from runtime.turns import LARGE

# Not http.HTTPStatus, whose members take a while to be looked up.
_SWITCHING_PROTOCOLS = 101
_OK = 200
_END_OF_HEAD = re.compile(rb"\n\r?\n")


class Conversation:
    """Takes what each side says, and has what the other one is told: `to_server` and `to_program`, to be taken away.

    There is one request at a time; the next one is looked at when the last was answered. Once it is `over`, because one
    side has enough or there is a `refusal`, nothing more is to be said or taken.
    """

    def __init__(self, host: str, port: int, secrets: SecretSet) -> None:
        self.to_server = bytearray()
        self.to_program = bytearray()
        self.over = False
        self.refusal: Refused | None = None
        self.most_sought = secrets.most_sought
        """How many texts are looked for in what the server says, at most."""
        self._host = host
        self._requests = Requests(host, port, secrets)
        self._program = _Stream()
        self._server = _Stream()
        self._is_first = True
        self._request: Request | None = None  # that is to be answered
        self._rest: tuple[Framing, Body] | None = None  # what is still to come of it
        self._answer: Answer | None = None  # that has begun

    @property
    def is_early(self) -> bool:
        """Whether the program has said so much of what isn't to be looked at yet that no more should be taken."""
        return self._request is not None and self._rest is None and len(self._program.waiting) >= LARGE

    def from_program(self, data: bytes | memoryview) -> None:
        """The program says something; with no bytes, that it will say no more. Raises ChannelBroken as from_server."""
        self._program.take(data)
        self._go_on()

    def from_server(self, data: bytes | memoryview) -> None:
        """The server says something; with no bytes, that it will say no more.

        Raises ChannelBroken when an answer that has begun has no good end: then neither side must take it for whole.
        """
        self._server.take(data)
        if self._request is None:
            self.over = True  # nobody has asked
            return
        try:
            while self._answer is None:
                if not self._begin_answer(self._request):
                    return
        except Malformed:
            self._give_no_answer()
            return
        self._pass_on_answer(self._answer)

    def server_lost(self) -> None:
        """The server is cut off. Raises ChannelBroken when an answer has begun, however that was to end."""
        if self._answer is not None:
            raise ChannelBroken
        self.from_server(b"")

    def _go_on(self) -> None:
        """As far as the program's words are good for."""
        try:
            if self._request is None and not self._begin_request():
                return
            if self._rest is not None:
                self._pass_on_request(*self._rest)
        except Refused as refused:
            self.refusal, self.over = refused, True

    def _begin_request(self) -> bool:
        """Whether there is a whole head. Raises Refused."""
        try:
            head = self._program.head()
            if head is None:
                self.over = self._program.ended
                return False
            request = self._requests.read(head)
        except Malformed as malformed:
            raise Refused(malformed.status, "The request is not HTTP/1.1.") from None
        self._request = request
        if request.framing is not None:
            self._rest = request.framing, Body(None, chunked=request.chunked)
        self.to_server += request.head
        return True

    def _pass_on_request(self, framing: Framing, body: Body) -> None:
        """Raises Refused when the body isn't whole: what was sent of it never looks so to the server."""
        try:
            if self._program.pass_on(framing, body, self.to_server):
                self._rest = None
        except Malformed:
            if self._answer is not None:
                raise ChannelBroken from None
            raise Refused(400, "The request's body is not HTTP/1.1, or not whole.") from None

    def _begin_answer(self, request: Request) -> bool:
        """Whether there is a whole head; it may be one that comes before the answer's. Raises Malformed."""
        head = self._server.head()
        if head is None:
            if self._server.ended:
                raise Malformed
            return False
        response = read_answer(head)
        if response.status == _SWITCHING_PROTOCOLS:
            raise Malformed
        if response.status >= _OK:
            self._answer = answer(response, request)
            self.to_program += self._answer.head
        elif request.modern:
            self.to_program += interim(response, request)
        return True

    def _pass_on_answer(self, given: Answer) -> None:
        try:
            is_whole = self._server.pass_on(given.framing, given.body, self.to_program)
        except Malformed:
            raise ChannelBroken from None
        if is_whole:
            self._answer = self._request = None
            self._is_first = False
            # What comes unasked answers nothing, and what is left of a request is none.
            self.over = not given.keep_alive or bool(self._server.waiting) or self._rest is not None
            if not self.over and (self._program.waiting or self._program.ended):
                self._go_on()

    def _give_no_answer(self) -> None:
        if self._is_first:  # later on, programs know what to do when a connection just ends
            self.to_program += own_answer(502, f"{self._host} gave no answer in HTTP/1.1.")
        self.over = True


class _Stream:
    """What one side says: `waiting`, as far as it wasn't looked at, and whether it has `ended` with that."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self.ended = False
        self._looked_at = 0

    def take(self, data: bytes | memoryview) -> None:
        """Some bytes; none at its end."""
        self.waiting += data
        self.ended = self.ended or not data

    def head(self) -> bytes | None:
        """A head as it came; None when it isn't there. Raises Malformed when it is too long or ends too early."""
        found = _END_OF_HEAD.search(self.waiting, self._looked_at)
        end = len(self.waiting) if found is None else found.end()
        if end > MAX_HEAD:
            raise Malformed(431)
        if found is None:
            if self.ended and end:
                raise Malformed
            self._looked_at = max(0, end - 2)
            return None
        self._looked_at = 0
        head = bytes(self.waiting[:end])
        del self.waiting[:end]
        return head

    def pass_on(self, framing: Framing, body: Body, out: bytearray) -> bool:
        """What there is of a body, as `body` has it, is put `out`. Whether that is its end. Raises Malformed."""
        pieces = []
        while piece := framing.take(self.waiting):
            pieces.append(piece)
        if piece is not None and self.ended:
            framing.end()
            piece = framing.take(self.waiting)
        is_whole = piece is None
        out += body.piece(b"".join(pieces), is_last=is_whole)
        return is_whole
