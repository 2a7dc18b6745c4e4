"""The DAGs that a backup has as active although somebody has paused them, as a stop does before it backs up."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.names import text_array
from mwaa_dr.framework.errors import DrError, MissingObjectError, SettingError
from mwaa_dr.framework.model.setting_kinds import DAG_IDS
from mwaa_dr.framework.storage.storage import Storage

NAMED = 5
"""How many DAGs a note names."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PausedByStop:
    """The DAGs that an unfinished stop may have paused, and what is to be told of that."""

    dags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def paused_by_stop(url: str, region: str) -> PausedByStop:
    """Ask the note of a stop, `s3://bucket/key`; never raises, since a backup is worth more than its note."""
    from mwaa_dr.framework.storage.open import open_storage

    bucket, _, path = url.removeprefix("s3://").partition("/")
    try:
        active, ended_at = _noted(open_storage(f"s3://{bucket}", region=region), path)
    except MissingObjectError:
        return PausedByStop()
    except Exception as err:  # noqa: BLE001 - whatever it is, DAGs that are backed up as paused can be mended
        reason = err.message if isinstance(err, DrError) else type(err).__name__
        logger.warning("the note of a stop cannot be read", extra={"note": url, "reason": reason})
        return PausedByStop(notes=(f"DAGs that a stop has paused are backed up as paused: {reason}",))
    if ended_at:
        return PausedByStop()
    told = f"a stop is not over, the DAGs that it noted are backed up as active: {len(active):,} of {url}"
    return PausedByStop(active, (told,))


def noted_active_dags(storage: Storage, path: str) -> tuple[str, ...]:
    """Read the list of a stop: `{"active": [...]}`; raise SettingError for anything else."""
    return _noted(storage, path)[0]


def _noted(storage: Storage, path: str) -> tuple[tuple[str, ...], object]:
    """The list, and when nobody needed it any more."""
    try:
        raw = json.loads(storage.get(path))
        return _listed(raw["active"]), raw.get("ended_at")
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        raise SettingError(
            f"{storage.url}/{path} is no list of active DAGs ({type(err).__name__})",
            'It is an object {"active": ["a DAG", ...]}.',
        ) from err


def _listed(active: object) -> tuple[str, ...]:
    if not isinstance(active, list):
        raise TypeError("not a list")
    found: tuple[str, ...] = DAG_IDS.read(active)
    return found


def with_active(cursor: Cursor, more: Iterable[str]) -> tuple[str, ...]:
    """The DAGs that are active in the database, and these."""
    cursor.execute("SELECT dag_id FROM dag WHERE NOT is_paused")
    return tuple(sorted({*more, *(str(row[0]) for row in cursor.fetchall())}))


def unknown_dags(cursor: Cursor, active: Iterable[str]) -> Iterator[str]:
    """Tell of DAGs that are named and that the database does not have."""
    cursor.execute(
        f"SELECT n.dag_id FROM unnest({text_array(active)}) n (dag_id)"
        " WHERE NOT EXISTS (SELECT 1 FROM dag d WHERE d.dag_id = n.dag_id) ORDER BY 1"
    )
    unknown = [str(row[0]) for row in cursor.fetchall()]
    if unknown:
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        yield f"named as active, but not in this environment: {', '.join(unknown[:NAMED])}{more}"
