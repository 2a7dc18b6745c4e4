"""Backup and restore without the metadata database: by Airflow's REST API and the Task SDK."""
