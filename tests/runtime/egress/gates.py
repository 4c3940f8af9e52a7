"""A gate of a container, open to stub servers alone, and what becomes of a program's attempt there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from runtime.egress.addresses import Address
from runtime.egress.config import EgressConfig
from runtime.egress.egress import Egress
from runtime.egress.gate import Gate
from runtime.egress.resolver import Resolver
from runtime.network_values import EgressRecord, NetworkPolicy, Reason, SecretName, Verdict
from tests.runtime.egress.memory_connections import Program
from tests.runtime.egress.stub_resolvers import SECONDS, is_public

HOST = "allowed.test"
RAW_PORT = 5000
"""Open beside 80 and 443; bytes pass there without being looked at."""

CONTAINER_ID = "cntr_" + 48 * "0"


@asynccontextmanager
async def open_gate(
    resolver: Resolver,
    *,
    domains: Sequence[str] = (HOST,),
    secrets: Sequence[SecretName] = (),
    values: Mapping[SecretName, str] | None = None,
    public: Callable[[Address], bool] = is_public,
    **config: Any,
) -> AsyncIterator[Gate]:
    """The gate of a container that may reach `domains`. `config` is what else the operator decides.

    TimeoutError in it when something is waited for that never comes.
    """
    decided = EgressConfig(extra_ports=[RAW_PORT], **config)
    async with asyncio.timeout(SECONDS), Egress.open(decided, resolver, public) as egress:
        yield egress.gate(CONTAINER_ID, NetworkPolicy(domains, secrets), values)


async def denied(gate: Gate, host: object, port: object, says: bytes = b"", after: float = 0) -> EgressRecord:
    """Attempt to connect and to say something: the program has to see a reset. The record of it, a denial.

    What it says comes `after` so many seconds, in which a server is dialled.
    """
    program = Program()
    gate.accept(host, port, program.connection)
    await asyncio.sleep(after)
    await program.send(says)
    assert await program.is_reset()
    record = gate.records()[-1]
    assert record.verdict is Verdict.DENIED
    return record


async def denied_for(gate: Gate, host: object, port: object, says: bytes = b"", after: float = 0) -> Reason:
    """As `denied`, but only why."""
    return (await denied(gate, host, port, says, after)).reason


async def fetched(gate: Gate, host: object = HOST, port: object = RAW_PORT, says: bytes = b"hello") -> bytes:
    """Connect, say something, end, and read to the end."""
    program = Program()
    gate.accept(host, port, program.connection)
    await program.send(says)
    program.end()
    received = await program.read_all()
    await program.gate_end.closed.wait()
    return received
