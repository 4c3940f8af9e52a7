"""Zips that are no skills are refused in plain words, and cost nothing."""

from __future__ import annotations

import os
import tempfile

import pytest

from runtime.bundles.bundle import from_zip
from runtime.bundles.limits import MB
from runtime.errors import InvalidInput
from tests.hostile_zips import BOMBS, HOSTILE
from tests.runtime.bundles.peak import peak
from tests.runtime.bundles.uploads import of_zip
from tests.zips import DESCRIPTOR_FLAG, SKILL_MD, UTF8_FLAG, Member, build, deflate, skill


@pytest.mark.parametrize("case", HOSTILE)
def test_refused(case: str) -> None:
    """Each is refused with what is wrong, in one printable line of bounded length."""
    hostile = HOSTILE[case]
    with pytest.raises(InvalidInput) as refused:
        of_zip(hostile.make())
    assert hostile.says in refused.value.message
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 400
    assert (refused.value.code, refused.value.param) == ("invalid_skill_bundle", None)


@pytest.mark.parametrize("case", BOMBS)
def test_memory_stays_flat(case: str) -> None:
    """However large a zip would be unpacked, and wherever the bytes are, it takes less than 2 MiB of memory."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as into:
        source.write(BOMBS[case]())
        with peak() as most, pytest.raises(InvalidInput):
            from_zip(source, into)
        assert most() < 2 * MB


def test_little_is_written_of_a_bomb() -> None:
    """A file that is larger than it says is not unpacked to its end."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as into:
        source.write(skill({}, Member(name="csv-tools/more", packed=deflate(os.urandom(20 * MB)), size=10)))
        with pytest.raises(InvalidInput):
            from_zip(source, into)
        assert into.seek(0, os.SEEK_END) < MB


def test_every_byte_counts() -> None:
    """A zip with any one byte changed gives the same bundle or is refused: nothing else is raised."""
    good = build(
        [
            Member(name="a/SKILL.md", content=SKILL_MD),
            Member(name="a/é", content=b"e" * 40, flags=UTF8_FLAG | DESCRIPTOR_FLAG, extra=b"UT\1\0\0"),
            Member(name="a/stored", content=b"stored", method=0),
        ]
    )
    kept = of_zip(good)[1]
    for at in range(len(good)):
        for value in {0, 1, 0xFF, good[at] ^ 1, good[at] ^ 0x80} - {good[at]}:
            changed = good[:at] + bytes([value]) + good[at + 1 :]
            try:
                zip_kept = of_zip(changed)[1]
            except InvalidInput:
                continue
            assert zip_kept == kept, f"byte {at} as {value}"
