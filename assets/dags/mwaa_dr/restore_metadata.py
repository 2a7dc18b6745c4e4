"""The Airflow DAG `restore_metadata`: restores a backup into the metadata database."""

from mwaa_dr.framework.compat import airflow_version
from mwaa_dr.framework.factory.dags import restore_dag
from mwaa_dr.framework.factory.standard import standard_factory

dag = restore_dag(standard_factory("restore_metadata", airflow_version()))
