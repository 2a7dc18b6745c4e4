"""The Airflow DAG `backup_metadata`: backs up the metadata database on the schedule in DR_BACKUP_SCHEDULE."""

from mwaa_dr.framework.compat import airflow_version
from mwaa_dr.framework.factory.dags import backup_dag
from mwaa_dr.framework.factory.standard import standard_factory

dag = backup_dag(standard_factory("backup_metadata", airflow_version()))
