"""Airflow 2.7: pools that count deferred tasks."""

from __future__ import annotations

from typing import ClassVar

from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_6.dr_factory import DRFactory_2_6


class DRFactory_2_7(DRFactory_2_6):
    """Airflow 2.7 says for each pool whether deferred tasks take a slot (migration 405de8318b3a)."""

    tables: ClassVar[Tables] = DRFactory_2_6.tables.change("slot_pool", added={"include_deferred": "false"})
