"""Airflow 2.10."""
