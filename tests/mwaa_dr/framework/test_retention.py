"""Which backups are given up: by example, and for all histories."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from mwaa_dr.framework.backup_id import backup_time
from mwaa_dr.framework.model.options import Retention
from mwaa_dr.framework.retention import expired

START = datetime(2026, 11, 1, tzinfo=timezone.utc)


def an_id(hours: float) -> str:
    return f"{START + timedelta(hours=hours):%Y%m%dT%H%M%SZ}-00000000"


HISTORIES = st.lists(st.integers(0, 24 * 60).map(an_id), min_size=1, max_size=60, unique=True).map(sorted)
RETENTIONS = st.builds(Retention, newest=st.integers(0, 30), days=st.integers(0, 20))
GARBAGE = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(["latest.json", "20269999T000000Z-00000000", "99990101", "20261101T000000Z-zzzzzzzz"]),
    )
)


def test_the_newest_and_one_a_day_are_kept() -> None:
    hourly = [an_id(hour) for hour in range(24 * 5)]
    kept = set(hourly) - set(expired(hourly, Retention(newest=3, days=3), latest=hourly[-1]))
    assert sorted(kept) == [an_id(hour) for hour in (24 * 3 - 1, 24 * 4 - 1, 24 * 5 - 3, 24 * 5 - 2, 24 * 5 - 1)]


def test_days_are_those_that_have_a_backup() -> None:
    ids = [an_id(24 * day) for day in (0, 1, 10, 20, 40)]
    assert expired(ids, Retention(newest=0, days=3), latest=ids[-1]) == ids[:2]


def test_the_default_keeps_24_and_14_days_of_an_hourly_backup() -> None:
    hourly = [an_id(hour) for hour in range(24 * 30)]
    assert len(hourly) - len(expired(hourly, Retention(), latest=hourly[-1])) == 24 + 13


def test_backups_that_were_not_promoted_do_not_push_out_good_ones() -> None:
    good = [an_id(hour) for hour in range(5)]
    shrunken = [an_id(100 + hour) for hour in range(50)]
    gone = expired(good + shrunken, Retention(newest=5, days=0), latest=good[-1])
    assert gone == shrunken[:-5]


@given(ids=HISTORIES, retention=RETENTIONS, data=st.data())
def test_the_latest_and_the_newest_never_expire(ids: list[str], retention: Retention, data: st.DataObject) -> None:
    latest = data.draw(st.sampled_from(ids))
    gone = expired(ids, retention, latest)
    assert latest not in gone
    assert ids[-1] not in gone
    assert gone == sorted(gone)
    assert set(gone) <= set(ids)


@given(ids=HISTORIES, retention=RETENTIONS)
def test_enough_are_kept_and_not_more(ids: list[str], retention: Retention) -> None:
    kept = [name for name in ids if name not in expired(ids, retention, ids[-1])]
    if retention.keeps_all:
        assert kept == ids
        return
    days = sorted({name[:8] for name in ids})[-retention.days :] if retention.days else []
    newest_of_days = {max(name for name in ids if name.startswith(day)) for day in days}
    newest = set(ids[-retention.newest :]) if retention.newest else set()
    assert set(kept) == newest | newest_of_days | {ids[-1]}


@given(
    ids=HISTORIES,
    retention=RETENTIONS,
    garbage=GARBAGE,
    future=st.lists(st.integers(24 * 61, 24 * 365 * 50).map(an_id), max_size=60),
    data=st.data(),
)
def test_neither_garbage_nor_the_future_makes_a_good_backup_expire(
    ids: list[str], retention: Retention, garbage: list[str], future: list[str], data: st.DataObject
) -> None:
    mixed = data.draw(st.permutations(ids + garbage + future))
    gone = expired(mixed, retention, ids[-1])
    assert [name for name in gone if name in ids] == expired(ids, retention, ids[-1])
    assert all(backup_time(name) for name in gone)


@given(ids=HISTORIES, retention=RETENTIONS, latest=st.sampled_from(["", "gone", an_id(10**5)]))
def test_without_a_good_backup_nothing_expires(ids: list[str], retention: Retention, latest: str) -> None:
    assert expired(ids, retention, latest) == []


@given(ids=HISTORIES, retention=RETENTIONS)
def test_deciding_again_after_deleting_deletes_nothing_more(ids: list[str], retention: Retention) -> None:
    kept = [name for name in ids if name not in expired(ids, retention, ids[-1])]
    assert expired(kept, retention, ids[-1]) == []


@given(ids=HISTORIES, retention=RETENTIONS)
def test_retention_after_every_backup_keeps_what_it_keeps_at_once(ids: list[str], retention: Retention) -> None:
    there: list[str] = []
    for name in ids:
        there.append(name)
        there = [kept for kept in there if kept not in expired(there, retention, name)]
    assert there == [name for name in ids if name not in expired(ids, retention, ids[-1])]
