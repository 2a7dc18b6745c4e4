"""What a run is asked to do: dag_run.conf over Airflow Variables (or the environment) over defaults."""
