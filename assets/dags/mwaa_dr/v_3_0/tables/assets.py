"""Assets, what updated them, their aliases, and the DAGs that wait for more of them."""

from __future__ import annotations

from mwaa_dr.framework.model.conditions import ALL, ASSETS_ANSWERED_SINCE
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table

TO_ASSET = Reference("asset_id", "asset", Missing.DROP)
TO_ALIAS = Reference("alias_id", "asset_alias", Missing.DROP)

ASSET = Table("asset", Merge.MATCH, key=("name", "uri"), surrogate="id")

ASSET_ALIAS = Table("asset_alias", Merge.MATCH, key=("name",), surrogate="id")

ASSET_EVENT = Table("asset_event", Merge.MATCH, surrogate="id", within="timestamp", references=(TO_ASSET,), emptied=ALL)

ASSET_DAG_RUN_QUEUE = Table(
    "asset_dag_run_queue",
    Merge.MATCH,
    key=("asset_id", "target_dag_id"),
    references=(TO_ASSET, Reference("target_dag_id", "dag", Missing.DROP)),
    emptied=ALL,
    superseded=ASSETS_ANSWERED_SINCE,  # or the event would be answered twice
)

ASSET_ALIAS_ASSET = Table(
    "asset_alias_asset",
    Merge.MATCH,
    key=("alias_id", "asset_id"),
    references=(TO_ALIAS, TO_ASSET),
    emptied=ALL,
)

ASSET_ALIAS_ASSET_EVENT = Table(
    "asset_alias_asset_event",
    Merge.MATCH,
    key=("alias_id", "event_id"),
    references=(TO_ALIAS, Reference("event_id", "asset_event", Missing.DROP)),
    emptied=ALL,
)

ASSETS = (ASSET, ASSET_ALIAS, ASSET_EVENT, ASSET_DAG_RUN_QUEUE, ASSET_ALIAS_ASSET, ASSET_ALIAS_ASSET_EVENT)
