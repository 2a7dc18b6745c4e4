"""Back up, restore and clean up the metadata database of Apache Airflow."""

__version__ = "1.0.0"
