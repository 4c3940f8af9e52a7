"""The way out of one sandbox."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Mapping, Sequence

from runtime.egress.attempts import Attempt
from runtime.egress.authority import Authority
from runtime.egress.bytes import ChannelBroken
from runtime.egress.connection import Connection
from runtime.egress.denial import Denied
from runtime.egress.metered import MeteredConnection
from runtime.egress.passage import Passage
from runtime.egress.places import Places
from runtime.egress.policy import Decision, Rules
from runtime.egress.records import Records
from runtime.egress.resolver import MAX_QUESTIONS
from runtime.egress.secrets import SecretSet
from runtime.egress.shared import Shared
from runtime.egress.traffic import Allowance
from runtime.errors import SandboxLost
from runtime.network_values import EgressRecord, NetworkPolicy, Reason, SecretName

log = logging.getLogger(__name__)

MOST_AT_ONCE = 1_000_000
"""Lookups that an agent can have left out when it says so, once a second: more than it can answer."""


class Gate:
    """Decides about one container's connections, carries those that it lets through, and writes all of them down.

    Made by Egress.gate. Nothing here waits or raises: what sandboxes say is only ever turned away.
    """

    def __init__(
        self, container_id: str, policy: NetworkPolicy, values: Mapping[SecretName, str], shared: Shared
    ) -> None:
        self.policy = policy
        self._container_id = container_id
        self._available = frozenset(values)
        self._secrets = {secret.domain: SecretSet(secret.domain, values) for secret in values}
        self._shared = shared
        self._rules = Rules(policy, shared.config)
        self._places = Places(shared.config.max_connections, within=shared.places)
        self._questions = asyncio.Semaphore(MAX_QUESTIONS)
        self._allowance = Allowance(shared.config.max_bytes)
        self._records = Records(container_id)
        self._authority = Authority([secret.domain for secret in policy.secrets]) if policy.secrets else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the sandbox: a placeholder for each secret."""
        return {secret.name: secret.placeholder for secret in self.policy.secrets}

    @property
    def authority(self) -> str | None:
        """The certificate, in PEM, that programs in the sandbox have to trust; None if they needn't."""
        return None if self._authority is None else self._authority.certificate

    def records(self) -> Sequence[EgressRecord]:
        """The last 1,000 connections that were let through and the last 1,000 denials, newest last."""
        return self._records.last()

    def looked_up(self, host: object) -> None:
        """A program has asked for a name that it can't have."""
        decision = self._rules.decide_lookup(host)
        if decision is not None and not self._closed:
            self._turn_away(Attempt(self._records, decision.host, None), decision.reason)

    def lookups_left_out(self, number: object) -> None:
        """Programs have asked for so many more names that they can't have, by what the agent says."""
        if type(number) is int and number > 0 and not self._closed:
            self._records.leave_out_denials(min(number, MOST_AT_ONCE))

    def accept(self, host: object, port: object, connection: Connection) -> None:
        """A program has connected to a port of a host; `connection` is the gate's from here on.

        It is carried until it ends, is lost, or the gate is closed.
        """
        if self._closed:
            connection.close()
            return
        decision = self._rules.decide(host, port)
        attempt = Attempt(self._records, decision.host, decision.port)
        if (refusal := self._refusal(decision)) is not None:
            connection.close()
            self._turn_away(attempt, refusal)
        else:
            self._start(decision, attempt, connection)

    def close(self) -> None:
        """Cut off all connections, and take no more; idempotent. The records stay readable."""
        if not self._closed:
            self._closed = True
            self._shared.gates.discard(self)
            for task in self._tasks:
                task.cancel()
            for secrets in self._secrets.values():
                secrets.forget()
            self._records.close()

    def _turn_away(self, attempt: Attempt, reason: Reason) -> None:
        attempt.deny(reason)
        attempt.over()

    def _refusal(self, decision: Decision) -> Reason | None:
        """Why a connection isn't even begun with; otherwise it has taken a place."""
        if not decision.allowed:
            return decision.reason
        if any(secret not in self._available for secret in decision.secrets):
            return Reason.SECRET_UNAVAILABLE
        if self._allowance.used_up:
            return Reason.BYTE_LIMIT
        if not self._places.take():
            return Reason.CONNECTION_LIMIT
        return None

    def _start(self, decision: Decision, attempt: Attempt, connection: Connection) -> None:
        task = self._shared.tasks.create_task(self._carry(decision, attempt, connection))
        self._tasks.add(task)

        def cancel() -> None:
            task.cancel()

        def finish(_: asyncio.Task[None]) -> None:
            # Not in the task itself: one that is cancelled before its first step never takes it.
            self._tasks.discard(task)
            self._places.give_back()
            connection.close()
            attempt.over()

        task.add_done_callback(finish)
        connection.on_lost(cancel)

    async def _carry(self, decision: Decision, attempt: Attempt, connection: Connection) -> None:
        """Carry a connection to its end. Whatever happens to it, it happens to no other."""
        try:
            async with asyncio.timeout(self._shared.config.idle_seconds) as idle:
                client = self._metered(connection, attempt, idle)
                passage = Passage(decision, attempt, client, self._questions, self._shared)
                await passage.go(self._authority, self._secrets.get(decision.host))
        except TimeoutError:
            attempt.deny(Reason.IDLE_TIMEOUT)
        except Denied as denied:
            attempt.deny(denied.reason, denied.address)
        except (ChannelBroken, SandboxLost):
            pass  # one side has cut it off, so the other is cut off as well
        except Exception as error:  # noqa: BLE001 - it is logged, but for its message, which might be a header's value
            trace = "".join(traceback.format_tb(error.__traceback__))
            log.error("%s: a connection failed by %s at\n%s", self._container_id, type(error).__name__, trace)
            attempt.deny(Reason.INTERNAL_ERROR)

    def _metered(self, connection: Connection, attempt: Attempt, idle: asyncio.Timeout) -> MeteredConnection:
        """`connection`, whose bytes count for the container and put off the time-out."""
        loop, seconds = asyncio.get_running_loop(), self._shared.config.idle_seconds
        precision = seconds / 500  # putting it off costs, and there may be thousands of pieces a second

        def moved() -> None:
            deadline = loop.time() + seconds
            if deadline - (idle.when() or 0) > precision:
                idle.reschedule(deadline)

        return MeteredConnection(connection, attempt.traffic, self._allowance, moved)
