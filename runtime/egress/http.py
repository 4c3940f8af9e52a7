"""HTTP/1.1 on its way out of a sandbox: every request is read, checked and written anew, and so is every answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from runtime.egress.bytes import ByteChannel, ChannelBroken
from runtime.egress.denial import Denied
from runtime.egress.http_answers import Answer, answer, interim, own_answer
from runtime.egress.http_bodies import Body
from runtime.egress.http_heads import CHUNKED, Malformed, read_answer, read_request
from runtime.egress.http_messages import Messages, pass_on
from runtime.egress.http_requests import Refused, RequestHead, check_lines, checked
from runtime.egress.linger import linger
from runtime.egress.secrets import Injected, NotSendable, SecretSet
from runtime.egress.watched import WatchedChannel
from runtime.network_values import Reason

_IDENTITY = (b"Accept-Encoding", b"identity")


async def serve_http(
    client: ByteChannel,
    host: str,
    port: int,
    dial: Callable[[], Awaitable[ByteChannel]],
    secrets: SecretSet | None,
    deny: Callable[[Reason], None],
) -> None:
    """Pass on what the program at `client` asks of `host`, a canonical name, and the answers, until one has enough.

    `dial` is called once, for the first request that is in order. `deny` is called for a request that is refused: it
    is answered, and the last. With `secrets` their values are put into headers, and hidden in answers.

    Closes what it dialled, not `client`. Raises Denied, of which the program was told when it came from `dial`,
    ChannelBroken, and SandboxLost when `client` is gone.
    """
    conversation = _Conversation(client, host, port, dial, secrets or SecretSet(host, {}))
    try:
        while await conversation.exchange():
            pass
    except Refused as refused:
        deny(refused.reason)
        await client.send(own_answer(refused.status, refused.text))
    finally:
        conversation.close()
    await linger(client)


class _Conversation:
    """Of one program with one server, on one connection each, which end together."""

    def __init__(
        self, client: ByteChannel, host: str, port: int, dial: Callable[[], Awaitable[ByteChannel]], secrets: SecretSet
    ) -> None:
        self._client = client
        self._host = host
        self._port = port
        self._dial = dial
        self._secrets = secrets
        self._requests = Messages(client)
        self._server: WatchedChannel | None = None
        self._answers: Messages

    def close(self) -> None:
        """Let go of the server."""
        if self._server is not None:
            self._server.close()

    async def exchange(self) -> bool:
        """One request and its answer. Whether there may be another one. Raises Refused, and what `serve_http` does."""
        request = await self._next_request()
        if request is None or (self._server is not None and self._server.is_over):
            return False
        sent = self._with_secrets(request)
        is_first = self._server is None
        server = await self._connected() if self._server is None else self._server
        server.expect()
        sending = asyncio.get_running_loop().create_task(self._send(server, request, sent))
        try:
            reply = await self._answer(request, sent)
            if reply is None:
                if sending.done():
                    await sending  # what went wrong may be the request
                if is_first:  # later on, programs know what to do when a connection just ends
                    await self._client.send(own_answer(502, f"{self._host} gave no answer in HTTP/1.1."))
                return False
            keep_alive = await self._pass_on_answer(reply)
            if not sending.done():
                return False
            await sending
        finally:
            if not sending.cancel() and not sending.cancelled():
                sending.exception()  # what matters of it was raised
        if keep_alive:
            server.watch(self._client.end)
        return keep_alive

    async def _next_request(self) -> RequestHead | None:
        try:
            head = await self._requests.head()
            if head is None:
                return None
            check_lines(head)
            request = read_request(head)
        except Malformed as malformed:
            raise Refused(malformed.status, "The request is not HTTP/1.1.") from None
        return checked(request, self._host, self._port)

    def _with_secrets(self, request: RequestHead) -> Injected:
        """The request's headers as they are sent."""
        headers = request.headers
        if self._secrets:  # nothing can be hidden in what is compressed
            headers = [*(header for header in headers if header[0].lower() != b"accept-encoding"), _IDENTITY]
        try:
            return self._secrets.inject(headers)
        except NotSendable:
            raise Refused(431, "With its secrets in, the request's head is too large or not HTTP/1.1.") from None

    async def _connected(self) -> WatchedChannel:
        try:
            server = self._server = WatchedChannel(await self._dial())
        except Denied as denied:
            await self._client.send(own_answer(502, f"{self._host} is not to be reached: {denied.reason}."))
            await linger(self._client)
            raise
        self._answers = Messages(server)
        return server

    async def _send(self, server: WatchedChannel, request: RequestHead, sent: Injected) -> None:
        """Send a request. One that is cut short never looks whole to the server."""
        body = Body(None, chunked=CHUNKED in request.length)
        try:
            await pass_on(self._requests, request.framing, server, request.encoded(sent.headers), body)
        except Malformed:
            server.close()
            raise Refused(400, "The request's body is not HTTP/1.1, or not whole.") from None
        except BaseException:
            server.close()
            raise

    async def _answer(self, request: RequestHead, sent: Injected) -> Answer | None:
        """The answer, after what comes before it was passed on; None if there is no answer in HTTP/1.1."""
        try:
            while head := await self._answers.head():
                response = read_answer(head)
                if response.status >= 200:
                    return answer(response, request, sent)
                if response.status == HTTPStatus.SWITCHING_PROTOCOLS:
                    return None
                if request.modern:
                    await self._client.send(interim(response, sent))
        except (Malformed, ChannelBroken):
            pass
        return None

    async def _pass_on_answer(self, reply: Answer) -> bool:
        """Whether both sides may go on afterwards."""
        try:
            await pass_on(self._answers, reply.framing, self._client, reply.head, reply.body)
        except Malformed:
            raise ChannelBroken from None  # so that the program, too, sees that it isn't whole
        return reply.keep_alive and not self._answers.more_is_there
