from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime import ids

KINDS = {
    ids.is_container_id: ids.new_container_id,
    ids.is_container_file_id: ids.new_container_file_id,
    ids.is_shell_call_id: ids.new_shell_call_id,
    ids.is_file_id: ids.new_file_id,
    ids.is_upload_id: ids.new_upload_id,
    ids.is_skill_id: ids.new_skill_id,
    ids.is_blob_id: ids.new_blob_id,
    ids.is_egress_id: ids.new_egress_id,
}


@pytest.mark.parametrize("has_form", KINDS)
def test_an_id_has_the_form_of_its_kind(has_form: Callable[[str], bool]) -> None:
    """Of its own and of no other; one character more or less, another one, or a line's end, and it has none."""
    made = KINDS[has_form]()
    assert [kind for kind in KINDS if kind(made)] == [has_form]
    for damaged in (made[:-1], made + "0", made[:-1] + "-", made + "\n", made.upper(), ""):
        assert not has_form(damaged)


@pytest.mark.parametrize("make", [*KINDS.values(), ids.new_part_id, ids.new_skill_version_id, ids.new_key_id])
def test_ids_differ(make: Callable[[], str]) -> None:
    """Also those that are made in the same second."""
    assert len({make() for _ in range(1_000)}) == 1_000
