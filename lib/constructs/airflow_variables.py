"""The Airflow Variables of the DAG package that belong to one environment and never move to another one."""

from __future__ import annotations

from collections.abc import Iterable

from lib.config.shared import Engine
from lib.constructs.arns import Arns


def airflow_variables(
    engine: Engine, *, alias: str, bucket: str, topic_arn: str, keys_in: Iterable[Arns]
) -> dict[str, str]:
    """Airflow Variable -> value; `keys_in`: the Regions whose backup keys wrap a data key, each of which opens it."""
    return {
        "DR_BACKUP_BUCKET": bucket,
        "DR_KMS_KEY_ARNS": ", ".join(arns.alias(alias) for arns in keys_in),
        "DR_SNS_TOPIC_ARN": topic_arn,
        **engine.airflow_variables(),
    }
