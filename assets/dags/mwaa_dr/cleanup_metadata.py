"""The Airflow DAG `cleanup_metadata`: empties what a restore fills."""

from mwaa_dr.framework.compat import airflow_version
from mwaa_dr.framework.factory.dags import cleanup_dag
from mwaa_dr.framework.factory.standard import standard_factory

dag = cleanup_dag(standard_factory("cleanup_metadata", airflow_version()))
