"""Airflow 2.11."""
