"""The beginning of a TLS connection out of a sandbox."""

from __future__ import annotations

import asyncio

from runtime.egress.client_hello import ClientHelloReader
from runtime.egress.denial import Denied
from runtime.egress.metered import MeteredConnection
from runtime.network_values import Reason


async def read_hello(client: MeteredConnection, host: str, seconds: float) -> tuple[bytes, bytes]:
    """Read a whole ClientHello that names `host`. It is returned as it came, and then what was read beyond it.

    Raises Denied when it names another or none, isn't TLS, or doesn't come within `seconds`.
    """
    reader = ClientHelloReader()
    read = bytearray()
    try:
        async with asyncio.timeout(seconds):
            name = None
            while name is None:
                data = await client.receive()
                if not data:
                    raise Denied(Reason.NOT_TLS)
                read += data
                name = reader.feed(data)
    except TimeoutError:
        raise Denied(Reason.CLIENT_HELLO_TIMEOUT) from None
    if name != host:
        raise Denied(Reason.SNI_MISMATCH)
    return bytes(read[: reader.size]), bytes(read[reader.size :])
