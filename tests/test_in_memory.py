"""Where the databases of the tests lie."""

from __future__ import annotations

from pathlib import Path

from tests.support.in_memory import in_memory


def test_a_folder_in_memory_is_taken_where_it_has_room(tmp_path: Path) -> None:
    assert in_memory(tmp_path, room=1) == tmp_path
    assert in_memory(tmp_path, room=1 << 60) is None
    assert in_memory(tmp_path / "nothing", room=1) is None
