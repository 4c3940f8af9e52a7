from __future__ import annotations

import pytest

from api.disposition import attachment, media_type


@pytest.mark.parametrize(
    ("name", "header"),
    [
        (b"a.csv", "attachment; filename=\"a.csv\"; filename*=UTF-8''a.csv"),
        ("ü .csv".encode(), "attachment; filename=\"_ .csv\"; filename*=UTF-8''%C3%BC%20.csv"),
        (b'a"\r\nb: c', "attachment; filename=\"a___b: c\"; filename*=UTF-8''a%22%0D%0Ab%3A%20c"),
        (b"\xff", "attachment; filename=\"_xff\"; filename*=UTF-8''%5Cxff"),
    ],
)
def test_attachment(name: bytes, header: str) -> None:
    """A file's name goes into a header safely, whatever it is made of, and whole."""
    assert attachment(name) == header
    assert header.isascii()


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("a.csv", "text/csv"),
        ("a.TXT", "text/plain"),
        ("training.jsonl", "application/jsonl"),
        ("a.json", "application/json"),
        ("a.pdf", "application/pdf"),
        ("a.png", "image/png"),
        ("a.zip", "application/zip"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.csv.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("", "application/octet-stream"),
        (".csv", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
        ("folder.csv/a", "application/octet-stream"),
        ("\0.csv", "text/csv"),
    ],
)
def test_media_type(name: str, type_: str) -> None:
    """The type is what the name's extension stands for, on every machine the same."""
    assert media_type(name) == type_


@pytest.mark.parametrize(
    "extension", ["html", "htm", "xhtml", "svg", "xml", "xsl", "js", "mjs", "swf", "HTML", "Svg", "rdf", "mht", "mhtml"]
)
def test_nothing_that_runs(extension: str) -> None:
    """No name makes a browser run a file."""
    assert media_type(f"a.{extension}") == "application/octet-stream"
