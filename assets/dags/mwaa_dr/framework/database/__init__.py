"""The only SQL of the package; nothing here imports Airflow."""
