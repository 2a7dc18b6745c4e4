"""The DAGs that a backup has as active although somebody has paused them, as a stop does before it backs up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.names import text_array
from mwaa_dr.framework.errors import SettingError
from mwaa_dr.framework.model.setting_kinds import DAG_IDS
from mwaa_dr.framework.storage.storage import Storage

NAMED = 5
"""How many DAGs a note names."""


def noted_active_dags(storage: Storage, path: str) -> tuple[str, ...]:
    """Read the list of a stop: `{"active": [...]}`; raise SettingError for anything else."""
    try:
        return _listed(json.loads(storage.get(path))["active"])
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
