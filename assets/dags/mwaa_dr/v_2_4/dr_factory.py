"""Airflow 2.4: the tables that all later versions build on."""

from __future__ import annotations

from typing import ClassVar

from mwaa_dr.framework.factory.base_dr_factory import BaseDRFactory
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_4.tables.configuration import CONFIGURATION
from mwaa_dr.v_2_4.tables.datasets import DATASETS
from mwaa_dr.v_2_4.tables.history import HISTORY
from mwaa_dr.v_2_4.tables.roles import ROLES
from mwaa_dr.v_2_4.tables.runs import RUNS
from mwaa_dr.v_2_4.tables.skipped import SKIPPED


class DRFactory_2_4(BaseDRFactory):
    """Airflow 2.4 brings datasets (migration 0038cd0c28b4) and ends at e07f49787c9d."""

    tables: ClassVar[Tables] = Tables().add(*CONFIGURATION, *RUNS, *HISTORY, *DATASETS, *ROLES).skip(**SKIPPED)
