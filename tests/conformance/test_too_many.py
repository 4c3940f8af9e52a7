"""More containers than there may be, or than can be started at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import openai
import pytest
from openai.types import ContainerCreateResponse

from runtime.engines.docker import DockerEngine
from runtime.sandboxes import INSTANCE_LABEL
from tests.container_skills import inline
from tests.envelope import refusal
from tests.service import Service
from tests.shell import stdout

MANY = 30


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of which two containers may live."""
    with Service(tmp_path_factory.mktemp("bounded"), {"MAX_CONTAINERS": "2"}) as running:
        yield running


def check_busy(response: httpx.Response) -> None:
    """Hold that a create was answered with 429, in OpenAI's form, and when to come again."""
    error = refusal(response, 429)
    assert (error["type"], error["code"], error["param"]) == ("rate_limit_error", "rate_limit_exceeded", None)
    assert int(response.headers["retry-after"]) >= 1


def test_more_than_there_may_be(bounded: Service) -> None:
    """One more than may live is a 429 that says when to come again, and makes nothing; a delete makes room at once."""
    with bounded.http() as http:
        ids = [http.post("/containers", json={"name": "x"}).raise_for_status().json()["id"] for _ in range(2)]
        for _ in range(3):
            check_busy(http.post("/containers", json={"name": "one more"}))
        assert sorted(bounded.engine_containers()) == sorted(ids)
        assert len(http.get("/containers").json()["data"]) == 2
        http.delete(f"/containers/{ids[0]}").raise_for_status()
        made = http.post("/containers", json={"name": "x"}).raise_for_status().json()["id"]
        assert stdout(http, made, "echo alive") == "alive\n"
        check_busy(http.post("/containers", json={"name": "one more"}))


def test_no_room_is_said_before_any_work(bounded: Service) -> None:
    """Where there is no room, not even the skills of a create are looked at."""
    with bounded.http() as http:
        while len(http.get("/containers").json()["data"]) < 2:
            http.post("/containers", json={"name": "x"}).raise_for_status()
        check_busy(http.post("/containers", json={"name": "x", "skills": [inline("broken", b"no zip")]}))


def test_the_limit_holds_at_once(bounded: Service) -> None:
    """Of creates at once no more than there may be succeed, and the official client says of the others what it is."""
    bounded.delete_containers()

    async def create(client: openai.AsyncOpenAI) -> str:
        try:
            return (await client.containers.create(name="x")).id
        except openai.RateLimitError as error:
            return str(error.code)

    async def create_all() -> list[str]:
        async with openai.AsyncOpenAI(base_url=bounded.base_url, api_key=bounded.api_key, max_retries=0) as client:
            return await asyncio.gather(*(create(client) for _ in range(10)))

    answers = asyncio.run(create_all())
    assert answers.count("rate_limit_exceeded") == 8
    assert sorted(bounded.engine_containers()) == sorted(set(answers) - {"rate_limit_exceeded"})


def test_a_host_without_memory(tmp_path_factory: pytest.TempPathFactory) -> None:
    """When the host has less memory left than it should, a create is a 429, and nothing is started, ahead neither."""
    settings = {"MEMORY_RESERVE_BYTES": str(2**60), "POOL_SIZE": "2"}
    with Service(tmp_path_factory.mktemp("full"), settings) as service, service.http() as http:
        check_busy(http.post("/containers", json={"name": "x"}))
        check_busy(http.post("/containers", json={"name": "x", "skills": [inline("broken", b"no zip")]}))
        assert http.get("/containers").json()["data"] == []
        assert (service.engine_containers(), service.ready()) == ([], [])


async def test_thirty_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """30 creates at once with a pool of 4 all succeed, each with a container of its own; and all can go at once."""
    with Service(tmp_path_factory.mktemp("crowded"), {"POOL_SIZE": "4"}) as service:
        async with openai.AsyncOpenAI(base_url=service.base_url, api_key=service.api_key, max_retries=0) as client:
            made = await asyncio.gather(*(client.containers.create(name=f"{number}") for number in range(MANY)))
            ids = {container.id for container in made}
            assert len(ids) == MANY
            assert set(service.engine_containers()) == ids
            calls = await asyncio.gather(*(own_call(client, container) for container in made))
            assert calls == [f"{container.name}\n" for container in made]
            await asyncio.gather(*(client.containers.delete(container_id) for container_id in ids))
            still_there = await on_engine(service) & ids
            for container_id in ids:
                with pytest.raises(openai.NotFoundError):
                    await client.containers.retrieve(container_id)
        assert still_there  # nobody has waited for the engine
        assert service.engine_containers() == []


async def own_call(client: openai.AsyncOpenAI, container: ContainerCreateResponse) -> str:
    """What a command in the container writes: the container's name, out of a file in it."""
    answer = await client.post(
        f"/containers/{container.id}/shell_calls",
        body={"commands": [f"echo {container.name} >> own; cat own"]},
        cast_to=dict[str, list[dict[str, str]]],
    )
    return answer["output"][0]["stdout"]


async def on_engine(service: Service) -> set[str]:
    """The names of all that the engine has of a service now."""
    engine = await DockerEngine.connect(runtime=None, cpus=1.0)
    found = await engine.list({INSTANCE_LABEL: service.instance})
    await engine.aclose()
    return {handle.name for handle in found}
