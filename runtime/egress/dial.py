"""From a name to a connection with one of its servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runtime.egress.addresses import Address, vetted
from runtime.egress.config import EgressConfig
from runtime.egress.denial import Denied
from runtime.egress.resolver import NameNotFound, Resolver, ResolverFailed
from runtime.egress.tcp import TcpChannel
from runtime.network_values import Reason


@dataclass(frozen=True, slots=True)
class Dialled:
    """A connection, and the address it leads to."""

    channel: TcpChannel
    address: str

    def close(self) -> None:
        """Let go of the connection; idempotent."""
        self.channel.close()


class Dialler:
    """Connects to servers, by addresses that were looked at. The name is asked for once, and never dialled itself."""

    def __init__(self, config: EgressConfig, resolver: Resolver, is_public: Callable[[Address], bool]) -> None:
        self._config = config
        self._resolver = resolver
        self._is_public = is_public

    async def dial(self, name: str, port: int, questions: asyncio.Semaphore) -> Dialled:
        """Connect to the host with canonical name `name`, which may be reached. Raises Denied.

        `questions` are the places for those that the sandbox asks.
        """
        addresses = await self._resolve(name, questions)
        allowed = vetted(addresses, name, self._config, self._is_public)
        if not allowed:
            raise Denied(Reason.ADDRESS_NOT_PUBLIC, str(addresses[0]))
        return await self._connect(allowed, port)

    async def _resolve(self, name: str, questions: asyncio.Semaphore) -> Sequence[Address]:
        try:
            async with asyncio.timeout(self._config.dns_seconds):
                return await self._resolver.resolve(name, questions)
        except NameNotFound:
            raise Denied(Reason.NAME_NOT_FOUND) from None
        except ResolverFailed:
            raise Denied(Reason.RESOLVER_FAILED) from None
        except TimeoutError:
            raise Denied(Reason.RESOLVER_TIMEOUT) from None

    async def _connect(self, addresses: Sequence[Address], port: int) -> Dialled:
        """Try one after the other. One that doesn't answer leaves the next ones their share of the time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._config.connect_seconds
        for number, address in enumerate(addresses):
            share = (deadline - loop.time()) / (len(addresses) - number)
            try:
                async with asyncio.timeout(share):
                    return Dialled(await TcpChannel.connect(address, port), str(address))
            except TimeoutError:
                reason = Reason.CONNECT_TIMEOUT
            except OSError:
                reason = Reason.CONNECT_FAILED
        raise Denied(reason, str(address))
