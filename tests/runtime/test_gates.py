from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import cast

import pytest

from runtime.egress.config import EgressConfig
from runtime.egress.egress import Egress
from runtime.egress.resolver import SystemResolver
from runtime.egress.sealing import Seal
from runtime.errors import InvalidInput, NotFound
from runtime.gates import CheckedNetwork, Gates
from runtime.link.connection import LinkConnection
from runtime.network_values import (
    NO_NETWORK,
    DomainSecret,
    NetworkPolicy,
    Reason,
    SecretName,
    Verdict,
    WantedNetwork,
)
from runtime.store.base import Store
from runtime.values import Container, ContainerStatus
from runtime.way_out import onto
from tests.runtime.egress.memory_connections import Program
from tests.runtime.store.records import container

CONFIG = EgressConfig(allowed_domains=("*.example.com", "unreachable.test"), client_hello_seconds=0.2)
KEY = "the operator's own key"
SECRET = SecretName("unreachable.test", "KEY")
WANTED = WantedNetwork(["Unreachable.test.", "*.example.com"], [DomainSecret("unreachable.TEST", "KEY", "value")])
CHECKED = CheckedNetwork(NetworkPolicy(("unreachable.test", "*.example.com"), (SECRET,)), {SECRET: "value"})


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    """A way out."""
    async with Egress.open(CONFIG, SystemResolver()) as opened:
        yield opened


def gates_of(egress: Egress, key: str | None = None) -> Gates:
    """Gates as at a start of the service, with that key for secrets."""
    return Gates(egress, CONFIG, Seal(key))


async def reason(gates: Gates, made: Container) -> Reason:
    """What becomes of a connection of the container to the host of the secret."""
    program = Program()
    gates.get(made.id).accept("unreachable.test", 443, program.connection)
    assert await program.is_reset()
    (record,) = gates.records(made.id)
    assert record.verdict is Verdict.DENIED
    return record.reason


def test_check(egress: Egress) -> None:
    """What is asked for comes out in its canonical form, with the values by the names of their secrets."""
    gates = gates_of(egress)
    assert gates.check(WANTED) == CHECKED
    assert gates.check(None) == CheckedNetwork(NO_NETWORK, {})
    assert "value'" not in repr(CHECKED)


def test_check_outside_of_the_operators(egress: Egress) -> None:
    """The operator's list bounds it."""
    with pytest.raises(InvalidInput) as caught:
        gates_of(egress).check(WantedNetwork(["a.example.com", "example.org"]))
    assert caught.value.param == "network_policy.allowed_domains[1]"


def test_a_gate_is_there_until_it_is_closed(egress: Egress) -> None:
    """From the making of the container to its end; closing twice does no harm."""
    gates, made = gates_of(egress), container()
    with pytest.raises(NotFound):
        gates.get(made.id)
    gates.open(made.id, CHECKED)
    assert gates.get(made.id).policy == CHECKED.policy
    assert gates.get(made.id).environment == {"KEY": "$KEY"}
    gates.close(made.id)
    gates.close(made.id)
    with pytest.raises(NotFound):
        gates.get(made.id)
    assert gates.records(made.id) == []


async def test_a_closed_gate_takes_nothing(egress: Egress) -> None:
    """Whoever still holds it finds it shut."""
    gates, made = gates_of(egress), container()
    gates.open(made.id, CHECKED)
    gate, program = gates.get(made.id), Program()
    gates.close(made.id)
    gate.accept("a.example.com", 443, program.connection)
    assert await program.is_reset()


async def test_before_there_is_a_container(egress: Egress) -> None:
    """What a sandbox opens that isn't a container's yet is reset; what it opens later comes to its container's gate."""
    gates, made = gates_of(egress), container()
    way_out = gates.way_out(made.id)
    early, late = Program(), Program()
    way_out.looked_up("a.example.com")
    way_out.lookups_left_out(3)
    way_out.accept("a.example.com", 443, cast(LinkConnection, early.connection))
    assert await early.is_reset()
    gates.open(made.id, CheckedNetwork(NO_NETWORK, {}))
    assert gates.records(made.id) == []
    way_out.accept("a.example.com", 443, cast(LinkConnection, late.connection))
    assert await late.is_reset()
    assert len(gates.records(made.id)) == 1


async def test_what_the_agent_says_of_lookups(egress: Egress, caplog: pytest.LogCaptureFixture) -> None:
    """The names it tells, and how many it doesn't, come to the container's gate; channels for that are closed."""
    caplog.set_level(logging.INFO, "runtime.egress")
    gates, made = gates_of(egress), container()
    gates.open(made.id, CHECKED)
    on_open = onto(gates.way_out(made.id))
    for header in ({"op": "lookup", "host": "other.test"}, {"op": "lookups_left_out", "number": 3}):
        program = Program()
        on_open(header, cast(LinkConnection, program.connection))
        assert await program.is_reset()
    gates.close(made.id)
    assert "other.test" in caplog.messages[0]
    assert "3 more denials were left out" in caplog.messages[1]


async def test_without_a_network_all_is_written_down(egress: Egress) -> None:
    """A container without a network has a gate that lets nothing through, and says so."""
    gates, made = gates_of(egress), container()
    gates.open(made.id, gates.check(None))
    assert await reason(gates, made) is Reason.NETWORK_DISABLED


async def kept(store: Store, gates: Gates, network: CheckedNetwork = CHECKED) -> Container:
    """The record of a running container with that network, with its secrets as these gates seal them."""
    made = container(network=network.policy)
    await store.containers.add(made, gates.seal(made.id, network))
    return made


async def test_after_a_restart_with_the_key(store: Store, egress: Egress) -> None:
    """The gate is as it was, with the values of its secrets: it waits for TLS to begin, to put them in."""
    made = await kept(store, gates_of(egress, KEY))
    again = gates_of(egress, KEY)
    await again.restore(store.containers)
    assert again.get(made.id).policy == CHECKED.policy
    assert await reason(again, made) is Reason.CLIENT_HELLO_TIMEOUT


@pytest.mark.parametrize(("before", "after"), [(None, None), (None, KEY), (KEY, None), (KEY, "another key")])
async def test_after_a_restart_without_the_key(
    store: Store, egress: Egress, caplog: pytest.LogCaptureFixture, before: str | None, after: str | None
) -> None:
    """The policy holds, the host of the secret is refused rather than reached without it, and the log says why."""
    made = await kept(store, gates_of(egress, before))
    again = gates_of(egress, after)
    with caplog.at_level(logging.WARNING):
        await again.restore(store.containers)
    assert again.get(made.id).policy == CHECKED.policy
    assert await reason(again, made) is Reason.SECRET_UNAVAILABLE
    assert made.id in caplog.text


async def test_only_what_runs_is_restored(store: Store, egress: Egress, caplog: pytest.LogCaptureFixture) -> None:
    """Containers without a network have their gate again, without a word; those that don't live have none."""
    gates = gates_of(egress, KEY)
    plain = await kept(store, gates, gates.check(None))
    gone = await kept(store, gates)
    await store.containers.move(gone.id, [ContainerStatus.RUNNING], ContainerStatus.EXPIRED)
    again = gates_of(egress)
    await again.restore(store.containers)
    assert again.get(plain.id).policy == NO_NETWORK
    with pytest.raises(NotFound):
        again.get(gone.id)
    assert caplog.text == ""


async def test_what_is_kept_is_sealed(store: Store, egress: Egress) -> None:
    """Without a key, or without secrets, nothing is kept; with one, nothing that can be read."""
    made = await kept(store, gates_of(egress, KEY))
    sealed = await store.containers.sealed_secrets(made.id)
    assert sealed is not None
    assert b"value" not in sealed
    assert gates_of(egress).seal(made.id, CHECKED) is None
    assert gates_of(egress, KEY).seal(made.id, CheckedNetwork(NO_NETWORK, {})) is None
