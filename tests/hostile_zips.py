"""Zips that are no skills: attacks, lies and mistakes, each with words of the message it has to be refused with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from runtime.bundles.limits import MAX_ENTRIES, MAX_FILE_BYTES, MB
from tests.zips import (
    DEVICE,
    ENCRYPTED_FLAG,
    FOLDER,
    LINK,
    PIPE,
    SKILL_MD,
    STORED,
    UTF8_FLAG,
    End,
    Member,
    build,
    deflate,
    skill,
)


@dataclass(frozen=True, slots=True)
class Hostile:
    """A zip, made when it is needed, and what its refusal says."""

    make: Callable[[], bytes]
    says: str


def _with(**member: object) -> Callable[[], bytes]:
    """A good skill with one more member."""
    return lambda: skill({}, Member(**{"name": "csv-tools/more", **member}))  # type: ignore[arg-type]


def _only(*names: str) -> Callable[[], bytes]:
    """Nothing but files of these names, each a good SKILL.md."""
    return lambda: build([Member(name=name, content=SKILL_MD) for name in names])


def _ending(**end: object) -> Callable[[], bytes]:
    """A good skill whose end says something else, or is elsewhere."""
    return lambda: build([_GOOD], End(**end))  # type: ignore[arg-type]


def _saying(front_matter: bytes) -> Callable[[], bytes]:
    """A skill with this SKILL.md."""
    return lambda: build([Member(name="csv-tools/SKILL.md", content=front_matter)])


_GOOD = Member(name="csv-tools/SKILL.md", content=SKILL_MD)
_ZEROS = bytes(8 * MB)


def _overlapping() -> bytes:
    """Files that are one and the same bytes."""
    packed = deflate(_ZEROS)
    files = [Member(name=f"csv-tools/{number}", content=_ZEROS, packed=packed) for number in range(9)]
    offset = build([_GOOD]).index(b"PK\1\2")
    return build([_GOOD, files[0], *(replace(file, offset=offset) for file in files[1:])])


def _quoted() -> bytes:
    """A file whose packed bytes are another file's header and content: overlapping without repeating."""
    inner = build([Member(name="csv-tools/b", content=b"x" * 100, method=STORED)])
    start = inner.index(b"PK\1\2")
    outer = Member(name="csv-tools/a", content=inner[:start], method=STORED)
    body = build([_GOOD, outer])
    inside = Member(name="csv-tools/b", content=b"x" * 100, method=STORED, offset=body.index(b"csv-tools/a") + 11)
    return build([_GOOD, outer, inside])


def _nested(content: bytes, times: int) -> bytes:
    """A skill in a skill, and so on, with that file in the innermost."""
    return skill({"inner.zip": _nested(content, times - 1)} if times else {"zeros": content})


def _almost_too_large(last: str) -> bytes:
    """A skill with almost as much in zips as there may be, and zips of empty files, the last one of that name."""
    zeros = bytes(24 * MB)
    packed = deflate(zeros)
    large = build([Member(name=str(number), content=zeros, packed=packed) for number in range(10)])
    empty = build([*[Member(name="empty")] * (MAX_ENTRIES - 1), Member(name=last)])
    return skill({"large.zip": large, **{f"{number}.zip": empty for number in range(3)}})


HOSTILE = {
    # Bombs
    "a bomb": Hostile(lambda: skill({"zeros": bytes(MAX_FILE_BYTES + 1)}), "25 MB"),
    "a bomb of many files": Hostile(lambda: skill({str(number): _ZEROS for number in range(33)}), "256 MB"),
    "a bomb that calls itself small": Hostile(_with(content=b"", packed=deflate(_ZEROS), size=10), "larger unpacked"),
    "a bomb that calls itself smaller than its zip": Hostile(_with(content=_ZEROS, size=0), "larger unpacked"),
    "files that share their bytes": Hostile(_overlapping, "another beside"),
    "bombs in zips in it": Hostile(
        lambda: skill({f"{number}.zip": skill({"zeros": bytes(24 * MB)}) for number in range(11)}), "256 MB"
    ),
    "a bomb in a zip in a zip": Hostile(
        lambda: skill({"a.zip": skill({f"{number}.zip": skill({"zeros": bytes(24 * MB)}) for number in range(11)})}),
        "256 MB",
    ),
    "zips without an end": Hostile(lambda: _nested(b"", 3), "2 others"),
    "bombs in zips in zips in it": Hostile(
        lambda: skill({f"{number}.zip": skill({"a.zip": skill({"zeros": bytes(24 * MB)})}) for number in range(11)}),
        "256 MB",
    ),
    "zips of empty files in it": Hostile(lambda: _almost_too_large("last"), "256 MB"),
    "zips in it that are none in the end": Hostile(lambda: _almost_too_large("../last"), "256 MB"),
    "overlapping files": Hostile(_quoted, "overlap"),
    "a list that says a million": Hostile(_ending(entries=65_535, entries_here=65_535), f"at most {MAX_ENTRIES}"),
    "sizes of ZIP64": Hostile(_with(size=0xFFFFFFFF), "25 MB"),
    "packed sizes of ZIP64": Hostile(_with(packed_size=0xFFFFFFFF), "beyond its end"),
    "offsets of ZIP64": Hostile(_with(offset=0xFFFFFFFF), "ends too early"),
    "a list of ZIP64": Hostile(_ending(directory_offset=0xFFFFFFFF), "list of files"),
    # Names
    "an absolute path": Hostile(_with(name="/etc/passwd"), "absolute"),
    "a path upwards": Hostile(_with(name="csv-tools/../../etc/passwd"), "'..'"),
    "a folder upwards": Hostile(_with(name="../", mode=FOLDER), "'..'"),
    "a path to itself": Hostile(_with(name="csv-tools/./more"), "'.'"),
    "an empty name": Hostile(_with(name="csv-tools//more"), "empty name"),
    "no name": Hostile(_with(name=""), "empty name"),
    "a backslash": Hostile(_with(name="csv-tools\\more"), "backslash"),
    "a drive letter": Hostile(_with(name="C:/csv-tools/more"), "absolute"),
    "a drive letter without a slash": Hostile(_with(name="c:more"), "absolute"),
    "NUL in a name": Hostile(_with(name="csv-tools/a\0.txt"), "control characters"),
    "a newline in a name": Hostile(_with(name="csv-tools/a\nb"), "control characters"),
    "a name that is not UTF-8": Hostile(_with(name=b"csv-tools/\xff"), "not UTF-8"),
    "a name that is half a character": Hostile(_with(name=b"csv-tools/\xed\xa0\x80"), "not UTF-8"),
    "a name of 256 bytes": Hostile(_with(name="csv-tools/" + "x" * 256), "255 bytes"),
    "a path of 1025 bytes": Hostile(_with(name="csv-tools/" + "/".join(["x" * 202] * 4 + ["x" * 203])), "1024 bytes"),
    "a path 17 names deep": Hostile(_with(name="csv-tools/" + "x/" * 15 + "x"), "16 names"),
    "the same file twice": Hostile(_only("a/SKILL.md", "a/x", "a/x"), "clash"),
    "names that differ in case": Hostile(lambda: skill({"Read.me": b"1", "read.ME": b"2"}), "clash"),
    "folders that differ in case": Hostile(lambda: skill({"docs/a": b"1", "Docs/b": b"2"}), "clash"),
    "names that differ in a sharp s": Hostile(lambda: skill({"strasse": b"1", "straße": b"2"}), "clash"),
    "names that differ in composition": Hostile(lambda: skill({"é": b"1", "e\u0301": b"2"}), "clash"),
    "a file where a folder is": Hostile(lambda: skill({"a": b"1", "a/b": b"2"}), "clash"),
    "a folder where a file is": Hostile(lambda: skill({"a": b"1"}, Member(name="csv-tools/A/", mode=FOLDER)), "clash"),
    # Things that are no files
    "a symbolic link": Hostile(_with(content=b"/etc/passwd", mode=LINK), "links"),
    "a symbolic link that looks like a folder": Hostile(_with(name="csv-tools/more/", mode=LINK), "links"),
    "a device": Hostile(_with(mode=DEVICE), "devices"),
    "a pipe": Hostile(_with(mode=PIPE), "devices"),
    "a folder without a slash": Hostile(_with(mode=FOLDER), "plain file"),
    # Damage and lies
    "a wrong checksum": Hostile(_with(content=b"x", crc=1), "checksum"),
    "less than it says": Hostile(_with(content=b"x", size=2), "smaller unpacked"),
    "more than it says": Hostile(_with(content=b"xyz", size=2), "larger unpacked"),
    "an encrypted file": Hostile(_with(flags=UTF8_FLAG | ENCRYPTED_FLAG), "encrypted"),
    "a masked header": Hostile(_with(flags=UTF8_FLAG | 1 << 13), "encrypted"),
    "packed by bzip2": Hostile(_with(method=12), "method"),
    "packed by LZMA": Hostile(_with(method=14), "method"),
    "packed by nobody knows what": Hostile(_with(method=99), "method"),
    "packed bytes that are none": Hostile(_with(packed=b"\xff" * 9, size=100), "can't be unpacked"),
    "packed bytes that stop": Hostile(_with(content=_ZEROS, packed=deflate(_ZEROS)[:-9]), "cut short"),
    "many packed bytes that go on": Hostile(_with(content=_ZEROS, packed=deflate(_ZEROS) + b"more"), "goes on"),
    "packed bytes that go on": Hostile(_with(packed=deflate(b"") + b"more"), "goes on"),
    "packed bytes that go on and on": Hostile(_with(packed=deflate(b"") + bytes(MB)), "goes on"),
    "another name beside the file": Hostile(_with(local_name=b"csv-tools/evil"), "another beside"),
    "no file where the list says": Hostile(_with(offset=1), "not where"),
    "a file in the list itself": Hostile(_with(content=b"x", packed_size=70), "beyond its end"),
    "a list that isn't one": Hostile(_ending(directory_offset=0), "list of files"),
    "a list longer than it says": Hostile(_ending(directory_size=1), "longer or shorter"),
    "fewer files than there are": Hostile(_ending(entries=0, entries_here=0), "longer or shorter"),
    "more files than there are": Hostile(_ending(entries=2, entries_here=2), "ends too early"),
    "the second disk": Hostile(_ending(disk=1), "several"),
    "half of the files on another disk": Hostile(_ending(entries=2), "several"),
    "garbage after the end": Hostile(_ending(after=b"garbage"), "follows its end"),
    "garbage before the beginning": Hostile(lambda: b"garbage" + build([_GOOD]), "list of files"),
    "a comment full of ends": Hostile(_ending(comment=b"PK\5\6" * 16), "not a whole one"),
    "a comment cut short": Hostile(lambda: build([_GOOD], End(comment=b"comment"))[:-1], "not a whole one"),
    "a zip cut short": Hostile(lambda: build([_GOOD])[:-1], "not a whole one"),
    "half a zip": Hostile(lambda: build([_GOOD])[:60], "not a whole one"),
    "nothing": Hostile(lambda: b"", "not a zip"),
    "not a zip": Hostile(lambda: SKILL_MD, "not a zip"),
    # What a skill has to have
    "an empty zip": Hostile(lambda: build([]), "no SKILL.md"),
    "no SKILL.md": Hostile(_only("a/README.md"), "no SKILL.md"),
    "SKILL.md a level too deep": Hostile(_only("a/b/SKILL.md"), "no SKILL.md"),
    "SKILL.md with the sign for kelvin": Hostile(_only("a/S\u212aILL.md"), "no SKILL.md"),
    "two SKILL.md": Hostile(lambda: skill({"docs/skill.md": SKILL_MD}), "more than one SKILL.md"),
    "SKILL.md without a folder": Hostile(_only("SKILL.md"), "top-level folder"),
    "a file beside the folder": Hostile(_only("a/SKILL.md", "b"), "top-level folder"),
    "two top-level folders": Hostile(_only("a/SKILL.md", "b/x"), "more than one top-level folder"),
    "an empty top-level folder": Hostile(_with(name="other/", mode=FOLDER), "more than one top-level folder"),
    "only what macOS adds": Hostile(_only("__MACOSX/a/SKILL.md"), "no SKILL.md"),
    "no front matter": Hostile(_saying(b"# A skill\n"), "no front matter"),
    "front matter without an end": Hostile(_saying(b"---\nname: a\ndescription: b\n"), "no end"),
    "a million anchors": Hostile(
        _saying(b"---\n" + b"".join(b"a%d: &a%d x\n" % (number, number) for number in range(1_000_000)) + b"---\n"),
        "no end",
    ),
    "anchors a million deep": Hostile(_saying(b"---\nx: " + b"&a [" * 1_000_000 + b"\n---\n"), "no end"),
    "a billion laughs": Hostile(
        _saying(b"---\na: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\nname: a\ndescription: b\n---\n"), "anchors"
    ),
    "lists a thousand deep": Hostile(_saying(b"---\nx: " + b"[" * 1000 + b"\n---\n"), "levels deep"),
    "lists thirty thousand deep": Hostile(_saying(b"---\n" + b"- " * 30_000 + b"\n---\n"), "levels deep"),
    "something for Python to run": Hostile(
        _saying(b"---\nname: !!python/object/apply:os.system [exit]\ndescription: b\n---\n"), "not a text"
    ),
}

BOMBS: dict[str, Callable[[], bytes]] = {
    "one that is honest": lambda: skill({str(number): bytes(MAX_FILE_BYTES) for number in range(11)}),
    "one that calls itself small": lambda: skill(
        {}, Member(name="csv-tools/more", packed=deflate(bytes(200 * MB)), size=MAX_FILE_BYTES)
    ),
    "one that goes on after its end": lambda: skill(
        {}, Member(name="csv-tools/more", packed=deflate(b"") + bytes(40 * MB))
    ),
    "one in SKILL.md": lambda: build([Member(name="a/SKILL.md", packed=deflate(bytes(200 * MB)), size=5)]),
    "one of empty blocks": lambda: skill({}, Member(name="csv-tools/more", packed=b"\0\0\0\xff\xff" * 2 * MB, size=5)),
    "long comments and extra fields": lambda: build(
        [Member(name=f"a/{number}", extra=bytes(40_000), comment=bytes(60_000)) for number in range(400)]
    ),
}
"""Zips that would cost much memory if they were believed: up to 40 MB of bytes, and far more unpacked."""
