"""LLM Sandbox with a pool of its own: what it has against cold starts."""

from __future__ import annotations

import time
from typing import Any, Self

import docker
from llm_sandbox import SandboxSession
from llm_sandbox.pool import PoolConfig, create_pool_manager

from bench.contestants.base import HOME, MakesSandboxes, Remove
from bench.contestants.llm_sandbox import OPTIONS, run

SIZE = 2
LOOK_SECONDS = 0.05


class LlmSandboxPool(MakesSandboxes):
    """Each of its containers is used once, as with Sandlot; by default they would be handed on from one to another."""

    name = "llm-sandbox, pool"

    def __init__(self, image: str) -> None:
        self._engine = docker.from_env()
        self._image = image
        self._pool: Any

    def __enter__(self) -> Self:
        config = PoolConfig(min_pool_size=SIZE, max_pool_size=SIZE, max_container_uses=1)
        self._pool = create_pool_manager(client=self._engine, config=config, image=self._image, **OPTIONS)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._pool.close()
        finally:
            self._engine.close()

    def get_ready(self) -> None:
        """See MakesSandboxes."""
        while self._pool.get_stats()["state_counts"]["idle"] < SIZE:
            time.sleep(LOOK_SECONDS)

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """See MakesSandboxes."""
        session = SandboxSession(pool=self._pool, workdir=HOME)
        session.open()
        return run(session, command), session.close
