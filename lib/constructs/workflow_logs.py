"""The log of a state machine: everything but data, for inputs and outputs carry task tokens and Airflow options."""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn


def without_data(group: logs.ILogGroup) -> sfn.LogOptions:
    """Every event of every execution, without its data."""
    return sfn.LogOptions(destination=group, level=sfn.LogLevel.ALL, include_execution_data=False)
