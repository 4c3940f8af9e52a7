"""Trees that lie: links, devices, and files that change while they are used."""

from __future__ import annotations

import asyncio

import pytest

from runtime.errors import AgentMisbehaved, NotFound, SandlotError
from tests.runtime.link.box import Box

SECRET = "sandlot-test-secret"
UNTIL_OVER = "until [ -e over ]; do sleep 0.01; done"


@pytest.mark.parametrize(
    "path",
    [
        b"../etc/passwd",
        b"/etc/passwd",
        b"d/../../../etc/passwd",
        b"d/./f",
        b"d//f",
        b"d/f/",
        b"..",
        b".",
        b"",
        b"d",
        b"pipe",
        b"link",
        b"dangling",
        b"loop",
        b"to-d/f",
        b"d/up/etc/passwd",
        b"d/f/x",
        b"a\0b",
        b"x" * 300,
        b"d/" * 3000 + b"f",
    ],
)
async def test_what_is_not_a_file_below_the_root(box: Box, path: bytes) -> None:
    """Nothing is reached by a link, by `..`, or by a path of another form; what isn't a plain file isn't there."""
    await box.run(
        "mkdir d; echo x > d/f; mkfifo pipe; ln -s /etc/passwd link; ln -s nowhere dangling; ln -s loop loop;"
        "ln -s d to-d; ln -s / d/up"
    )
    with pytest.raises(NotFound):
        await box.sandbox.read(path)
    if path not in (b"pipe", b"link", b"dangling", b"loop"):  # these can be removed, being below the root
        with pytest.raises(NotFound):
            await box.sandbox.remove(path)


async def test_lists_have_plain_files_only(box: Box) -> None:
    """Links, pipes and sockets aren't listed, nor what is behind a link to a folder."""
    await box.run("echo x > f; ln f hard; ln -s f soft; ln -s / root; ln -s . here; mkfifo pipe")
    await box.run("python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('socket')\"")
    assert {file.path for file in await box.sandbox.list(100)} == {b"f", b"hard"}


@pytest.mark.parametrize("target", ["/proc/1/environ", "/proc/self/environ", "/dev/zero", "/etc/passwd", "pipe"])
async def test_files_swapped_for_links(box: Box, target: str) -> None:
    """A file that is a link, or another file, from moment to moment is read as itself or not at all."""
    swap = f"""
mkdir d; mkfifo d/pipe; echo plain > d/plain; ln -s {target} d/link; ln d/plain d/f; touch alive
(
    while [ -e alive ]; do ln -f d/plain d/new; mv d/new d/f; cp -P d/link d/new; mv -f d/new d/f; done
    touch over
) > /dev/null 2>&1 &
"""
    await box.one(swap, env={"SECRET": SECRET})
    outcomes = set()
    for _ in range(200):
        try:
            outcomes.add(await box.get(b"d/f"))
        except NotFound:
            outcomes.add(b"")
        await box.sandbox.list(10)
    await box.run(f"rm alive; {UNTIL_OVER}")
    assert outcomes <= {b"plain\n", b""}


async def test_folders_swapped_for_links(box: Box) -> None:
    """The same for a folder on the way."""
    swap = """
mkdir real; echo plain > real/passwd; touch alive
(while [ -e alive ]; do mv real d; mv d real; ln -s /etc d; rm d; done; touch over) > /dev/null 2>&1 &
"""
    await box.run(swap)
    outcomes = set()
    for _ in range(200):
        try:
            outcomes.add(await box.get(b"d/passwd"))
        except NotFound:
            outcomes.add(b"")
        for file in await box.sandbox.list(10):
            assert file.size == 0 or file.path.endswith(b"/passwd")
            assert file.size <= 6
    await box.run(f"rm alive; {UNTIL_OVER}")
    assert outcomes <= {b"plain\n", b""}


async def test_a_file_that_grows_while_it_is_read(box: Box) -> None:
    """A file has as many bytes as when it was opened."""
    await box.run("head -c 8000000 /dev/zero > f")
    reading = await box.sandbox.read(b"f")
    await box.run("echo more >> f")
    assert sum([len(piece) async for piece in reading.pieces()]) == reading.size == 8_000_000
    reading.close()


async def test_a_file_that_shrinks_while_it_is_read(box: Box) -> None:
    """A file that becomes shorter is an error, and not a short file."""
    await box.run("head -c 8000000 /dev/zero > f")
    reading = await box.sandbox.read(b"f")
    await box.run("truncate -s 1000 f")
    with pytest.raises(AgentMisbehaved):
        _ = [piece async for piece in reading.pieces()]
    reading.close()
    assert await box.get(b"f") == bytes(1000)


async def test_a_file_that_vanishes_while_it_is_read(box: Box) -> None:
    """A file that was opened can be read to its end."""
    await box.run("head -c 8000000 /dev/zero > f")
    reading = await box.sandbox.read(b"f")
    await box.run("rm f")
    assert sum([len(piece) async for piece in reading.pieces()]) == 8_000_000
    reading.close()


async def test_a_tree_that_changes_while_it_is_listed(box: Box) -> None:
    """A listing of what comes and goes has what was there, and ends."""
    await box.run(
        "touch alive; (while [ -e alive ]; do mkdir -p d/e; touch d/e/f; rm -r d; done; touch over) >/dev/null 2>&1 &"
    )
    for _ in range(100):
        assert {file.path for file in await box.sandbox.list(10)} <= {b"alive", b"d/e/f"}
    await box.run(f"rm alive; {UNTIL_OVER}")


async def test_half_files_that_code_takes_away(box: Box) -> None:
    """Code that removes or swaps a file that is being written gets an error to its writer, and nothing else."""
    await box.run(
        "touch alive; (while [ -e alive ]; do for f in .*.part; do ln -sf /etc/passwd $f; done; done; touch over) &"
    )
    for number in range(30):
        try:
            name = await box.put(f"f{number}", b"x" * 1000)
            await box.get(name)
        except SandlotError:
            await asyncio.sleep(0)
    await box.run(f"rm alive; {UNTIL_OVER}; test ! -w /etc/passwd")
    assert await box.run("echo alive") == "alive\n"
