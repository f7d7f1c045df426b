"""The only room that knows Airflow: assets, defaults, connections, the retry policy."""
