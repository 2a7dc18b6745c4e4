"""Airflow 3.1: a human in the loop, deadlines, teams."""

from __future__ import annotations

from typing import ClassVar

from mwaa_dr.framework.model.conditions import OF_RUNS_IN_FLIGHT
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_4.tables.runs import NO_TRIGGER
from mwaa_dr.v_2_4.tables.skipped import PARSED_AGAIN
from mwaa_dr.v_3_0.dr_factory import DRFactory_3_0
from mwaa_dr.v_3_0.tables.runs import of_task_instance

TEAM = Table("team", Merge.MATCH, key=("name",), surrogate="id", is_uuid=True)
OF_TEAM = (Reference("team_id", "team"),)

DEADLINE = Table("deadline", Merge.RUN_CHILD, run=("dagrun_id",), where=OF_RUNS_IN_FLIGHT, fixed=NO_TRIGGER)

FIRST_BUNDLE = "(SELECT min(name) FROM dag_bundle)"


class DRFactory_3_1(DRFactory_3_0):
    """Airflow 3.1 lets people answer tasks (migration 40f7c30a228b) and has teams, and ends at 509b94a1042d."""

    tables: ClassVar[Tables] = (
        DRFactory_3_0.tables.add(of_task_instance("hitl_detail"), DEADLINE, TEAM)
        .change(
            "dag",
            references=(Reference("bundle_name", "dag_bundle", Missing.DROP),),
            filled={"bundle_name": FIRST_BUNDLE},
        )
        .change("variable", references=OF_TEAM)
        .change("connection", references=OF_TEAM)
        .change("slot_pool", references=OF_TEAM)
        .skip(
            dag_bundle_team="the target's configuration says which team a bundle belongs to",
            dag_favorite="which DAGs a person likes, by an id that the auth manager of one environment gave",
            task_inlet_asset_reference=PARSED_AGAIN,
        )
    )
