"""A site of files: what curl, git, pip and npm fetch from one is plain files at the right places."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import tarfile
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from tests.egress.hosts import ALLOWED, SECRET
from tests.runtime.egress.stub_http import StreamHandler
from tests.runtime.egress.stub_servers import Serving
from tests.runtime.egress.stub_streams import Accepted

HELLO = "hello from the allowed server"
PACKAGE = "tiny-hello"


class _FileHandler(StreamHandler, SimpleHTTPRequestHandler):
    """Serves a folder's files."""


def serve_files(folder: Path) -> Serving:
    """Serve what is in a folder."""

    def serve(stream: Accepted) -> None:
        _FileHandler(stream, directory=str(folder))

    return serve


def write_site(folder: Path) -> Path:
    """HELLO as a page, in a git repository, as a package of Python's and as one of Node's; the folder."""
    (folder / "hello").write_text(HELLO)
    _write_repository(folder / "repository.git", folder / "hello")
    _write_wheel(folder / "simple" / PACKAGE)
    _write_npm_package(folder)
    return folder


def _write_repository(repository: Path, file: Path) -> None:
    """A bare repository that can be cloned by HTTP's plain GET."""
    work = repository.with_suffix(".work")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    git = partial(subprocess.run, check=True, capture_output=True, env=environment)
    author = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    git(["git", "init", "--quiet", work])
    (work / file.name).write_bytes(file.read_bytes())
    git(["git", "-C", work, "add", "."])
    git(["git", "-C", work, *author, "commit", "--quiet", "--message", "hello"])
    git(["git", "clone", "--quiet", "--bare", work, repository])
    git(["git", "-C", repository, "update-server-info"])


def _write_wheel(folder: Path) -> None:
    """A project's page of a package index, and the wheel that it links to."""
    folder.mkdir(parents=True)
    module = PACKAGE.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}.py": f"print({HELLO!r})\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    wheel = f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder / wheel, "w") as archive:
        for name, text in [*files.items(), (f"{info}/RECORD", record)]:
            archive.writestr(name, text)
    (folder / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')


def _write_npm_package(folder: Path) -> None:
    """A package's document of a registry, and the tarball that it names by a path for the host to be put before."""
    files = {
        "package/package.json": json.dumps({"name": PACKAGE, "version": "1.0.0", "main": "index.js"}),
        "package/index.js": f"console.log({HELLO!r})\n",
    }
    tarball = io.BytesIO()
    with tarfile.open(fileobj=tarball, mode="w:gz") as tar:
        for name, text in files.items():
            header = tarfile.TarInfo(name)
            header.size, header.mode = len(text), 0o644
            tar.addfile(header, io.BytesIO(text.encode()))
    file = f"{PACKAGE}-1.0.0.tgz"
    (folder / file).write_bytes(tarball.getvalue())
    digest = base64.b64encode(hashlib.sha512(tarball.getvalue()).digest()).decode()
    for host in (ALLOWED, SECRET):
        version = {
            "name": PACKAGE,
            "version": "1.0.0",
            "dist": {"tarball": f"https://{host}/{file}", "integrity": f"sha512-{digest}"},
        }
        document = {"name": PACKAGE, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        registry = folder / "registry" / host
        registry.mkdir(parents=True)
        (registry / PACKAGE).write_text(json.dumps(document))
