"""How a sandbox is confined: what the engine is told of its container."""

from __future__ import annotations

from typing import Any

import docker
from docker.types import LogConfig, Ulimit

from runtime.engines.base import SandboxSpec
from runtime.engines.seccomp import seccomp_profile

USER = "1000:1000"
PIDS = 512
OPEN_FILES = 8192
MIB = 1024**2
TMP_SIZE = 512 * MIB  # counted against the memory limit
SHM_SIZE = 64 * MIB


def container_settings(client: docker.APIClient, spec: SandboxSpec, runtime: str | None, cpus: float) -> dict[str, Any]:
    """What `create_container` of the SDK takes for a sandbox, beside its name.

    `runtime` is the OCI runtime, None for the engine's default; `cpus` is how many of the engine's it may use.
    """
    return {
        "image": spec.image,
        "command": list(spec.command),
        "entrypoint": [],
        "user": USER,
        "hostname": "sandbox",
        "stdin_open": True,
        "detach": True,  # not detached, the SDK asks for stdin to be closed when the first client leaves
        "labels": dict(spec.labels),
        "host_config": client.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true", f"seccomp={seccomp_profile()}"],
            mem_limit=spec.memory,
            memswap_limit=spec.memory,  # memory and swap together: so no swap at all
            mem_swappiness=0,
            pids_limit=PIDS,
            nano_cpus=int(cpus * 1e9),
            ulimits=[Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES), Ulimit(name="core", soft=0, hard=0)],
            ipc_mode="private",
            cgroupns="private",  # or a sandbox would read its container's id and its place on the host
            shm_size=SHM_SIZE,
            tmpfs={"/tmp": f"rw,exec,nosuid,nodev,size={TMP_SIZE},mode=1777"},  # noqa: S108 - the sandbox's own
            log_config=LogConfig(type="none"),  # or the engine would keep all that goes over the link
            dns=["127.0.0.1"],
            runtime=runtime,
        ),
    }
