"""Names of backups."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from mwaa_dr.framework.backup_id import backup_time, new_backup_id

NOW = datetime(2026, 11, 21, 23, 5, 7, 999, tzinfo=timezone.utc)


def test_a_backup_id_says_when_in_utc_and_is_never_the_same() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert new_backup_id(east).startswith("20261121T230507Z-")
    assert backup_time(new_backup_id(east)) == NOW.replace(microsecond=0)
    assert len({new_backup_id(NOW) for _ in range(100)}) == 100


def test_backup_ids_sort_by_time() -> None:
    moments = [NOW + timedelta(seconds=step) for step in (0, 0.001, 0.5, 1, 59, 3600, 86400 * 40, 86400 * 400)]
    ids = [new_backup_id(moment) for moment in moments]
    assert sorted(ids) == ids


@pytest.mark.parametrize(
    "name",
    [
        "",
        "latest.json",
        "20261121T230507Z",
        "20261121T230507Z-1f0c9a7",
        "20261121T230507Z-1F0C9A7E",
        "20261121T230507Z-1f0c9a7e\n",
        "20261321T230507Z-1f0c9a7e",
        "20261121T250507Z-1f0c9a7e",
        "\N{ARABIC-INDIC DIGIT TWO}0261121T230507Z-1f0c9a7e",
        "../20261121T230507Z-1f0c9a7e",
    ],
)
def test_what_is_no_backup_id_has_no_time(name: str) -> None:
    assert backup_time(name) is None
