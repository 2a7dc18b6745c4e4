"""The engine: tables, storage, database and the DAG factory; nothing here knows an Airflow version."""
