"""Airflow 3.0: nearly every table anew."""

from __future__ import annotations

from typing import ClassVar

from mwaa_dr.framework.factory.base_dr_factory import BaseDRFactory
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_4.tables.history import JOB, LOG, LOG_TEMPLATE
from mwaa_dr.v_3_0.tables.assets import ASSETS
from mwaa_dr.v_3_0.tables.configuration import CONFIGURATION
from mwaa_dr.v_3_0.tables.dag_versions import DAG_VERSIONS
from mwaa_dr.v_3_0.tables.roles import ROLES
from mwaa_dr.v_3_0.tables.runs import RUNS
from mwaa_dr.v_3_0.tables.skipped import SKIPPED


class DRFactory_3_0(BaseDRFactory):
    """Airflow 3.0 keeps versions of DAGs (migration 2b47dc6bc8df) and ends at fe199e1abd77."""

    tables: ClassVar[Tables] = (
        Tables().add(*CONFIGURATION, *DAG_VERSIONS, *RUNS, LOG, JOB, LOG_TEMPLATE, *ASSETS, *ROLES).skip(**SKIPPED)
    )
