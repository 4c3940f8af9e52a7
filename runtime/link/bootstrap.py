"""How the agent gets into a sandbox: a one-line program reads it from standard input and runs it.

So the agent isn't part of any image, and can't be of another version than the host that sends it.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

_MODULES = (
    "runtime.link.frames",
    "runtime.agent.answers",
    "runtime.agent.calls",
    "runtime.agent.carrier",
    "runtime.agent.commands",
    "runtime.agent.dns",
    "runtime.agent.door",
    "runtime.agent.files",
    "runtime.agent.following",
    "runtime.agent.heap",
    "runtime.agent.listeners",
    "runtime.agent.loop",
    "runtime.agent.main",
    "runtime.agent.memory",
    "runtime.agent.mux",
    "runtime.agent.name_server",
    "runtime.agent.names",
    "runtime.agent.network",
    "runtime.agent.output",
    "runtime.agent.processes",
    "runtime.agent.relay",
    "runtime.agent.shells",
    "runtime.agent.tree",
    "runtime.agent.trust",
)
_PACKAGES = ("runtime", "runtime.link", "runtime.agent")

# Reads 8 hex digits, so many bytes of Python source, and not one byte more: what follows is the link.
_READ_AND_RUN = """\
import os
def read(n):
    data = b""
    while len(data) < n:
        piece = os.read(0, n - len(data))
        if not piece:
            os._exit(1)
        data += piece
    return data
exec(read(int(read(8), 16)))
"""

# Compiling takes three times the memory that its result does, and a process doesn't give all of that back: so a child
# reads and compiles the modules, again as 8 hex digits and so many bytes, and the agent-to-be gets their code alone.
_LOAD = """\
import marshal, os, sys, types
ours, childs = os.pipe()
if os.fork() == 0:
    import json
    packages, sources = json.loads(read(int(read(8), 16)))
    with open(childs, "wb") as file:
        marshal.dump((packages, {{name: compile(source, name, "exec") for name, source in sources.items()}}), file)
    os._exit(0)
os.close(childs)
with open(ours, "rb") as file:
    packages, codes = marshal.load(file)
os.wait()
class Modules:
    def __init__(self, packages, codes):
        self._codes = codes
        for name in packages:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = []
    def find_spec(self, name, path=None, target=None):
        return type(sys.__spec__)(name, self) if name in self._codes else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        exec(self._codes.pop(module.__name__), module.__dict__)
sys.meta_path.insert(0, Modules(packages, codes))
del packages, codes
from runtime.agent.main import main
main({root!r})
"""

COMMAND = ("python3", "-I", "-S", "-c", _READ_AND_RUN)
"""What a sandbox runs as its first process: isolated from the environment and from installed packages."""


@cache
def agent_bundle(root: str) -> bytes:
    """What to send first to a process that runs COMMAND: it becomes the agent, whose files are below `root`."""
    modules = [_PACKAGES, {name: _source(name) for name in _MODULES}]
    return _counted(_LOAD.format(root=root)) + _counted(json.dumps(modules))


def _counted(text: str) -> bytes:
    data = text.encode()
    return b"%08x" % len(data) + data


def _source(module: str) -> str:
    package, _, name = module.rpartition(".")
    return files(package).joinpath(f"{name}.py").read_text("utf-8")
