from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server at the other end, spliced and intercepted."""
    with Site(tmp_path_factory.mktemp("site")) as running:
        yield running
