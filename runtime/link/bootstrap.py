"""How the agent gets into a sandbox: a one-line program reads it from standard input and runs it.

So the agent isn't part of any image, and can't be of another version than the host that sends it.
"""

from __future__ import annotations

import hashlib
import marshal
from functools import cache
from importlib.resources import files
from importlib.util import MAGIC_NUMBER
from pathlib import PurePath

_AGENT = "runtime.agent"
_SHARED = ("runtime.link.frames", "runtime.process_memory")
_PACKAGES = ("runtime", "runtime.link", _AGENT)

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

# Collects no garbage, since all that it makes stays; the agent does, from its start on.
# Gets the modules compiled, by this process's version of Python, and as sources, again each as 8 hex digits and so many
# bytes. Where the sandbox's Python is of another version a child compiles them, and the agent-to-be gets what it made:
# compiling takes three times the memory that its result does, and a process doesn't give all of that back.
_LOAD = """\
import gc, marshal, sys, types
gc.disable()
from importlib.util import MAGIC_NUMBER
compiled = read(int(read(8), 16))
sources = read(int(read(8), 16))
if MAGIC_NUMBER != {magic!r}:
    ours, childs = os.pipe()
    if os.fork() == 0:
        sources = marshal.loads(sources)
        with open(childs, "wb") as file:
            marshal.dump({{name: marshal.dumps(compile(text, name, "exec")) for name, text in sources.items()}}, file)
        os._exit(0)
    os.close(childs)
    with open(ours, "rb") as file:
        compiled = file.read()
    os.wait()
class Modules:
    def __init__(self, codes):
        self._codes = codes
        for name in {packages!r}:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = []
    def find_spec(self, name, path=None, target=None):
        return type(sys.__spec__)(name, self) if name in self._codes else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        exec(marshal.loads(self._codes.pop(module.__name__)), module.__dict__)
sys.meta_path.insert(0, Modules(marshal.loads(compiled)))
del compiled, sources
from runtime.agent.main import main
main({root!r})
"""

COMMAND = ("python3", "-I", "-S", "-c", _READ_AND_RUN)
"""What a sandbox runs as its first process: isolated from the environment and from installed packages."""


@cache
def agent_bundle(root: str) -> bytes:
    """What to send first to a process that runs COMMAND: it becomes the agent, whose files are below `root`."""
    sources = _sources()
    compiled = {name: marshal.dumps(compile(text, name, "exec")) for name, text in sources.items()}
    program = _LOAD.format(magic=MAGIC_NUMBER, packages=_PACKAGES, root=root)
    return b"".join(map(_counted, (program.encode(), marshal.dumps(compiled), marshal.dumps(sources))))


@cache
def agent_fingerprint() -> str:
    """Which agent that is, as a short text: another one has another. What is compiled isn't the same each time."""
    return hashlib.sha256(repr([COMMAND, _LOAD, _sources()]).encode()).hexdigest()


def _sources() -> dict[str, str]:
    """The modules that go into a sandbox, by their names: all of the agent's own, and what it shares with the host."""
    paths = (PurePath(file.name) for file in files(_AGENT).iterdir())
    own = sorted(f"{_AGENT}.{path.stem}" for path in paths if path.suffix == ".py" and path.stem != "__init__")
    return {name: _source(name) for name in (*_SHARED, *own)}


def _counted(data: bytes) -> bytes:
    return b"%08x" % len(data) + data


def _source(module: str) -> str:
    package, _, name = module.rpartition(".")
    return files(package).joinpath(f"{name}.py").read_text("utf-8")
