"""Queues: which workers a task is for. Celery's workers and Kubernetes' pods are ordered by them; one machine has none.

Everything else goes to Airflow's default queue, `default`: it waits more than it works.
"""

CRYPTO = "crypto"
"""Seals opened and made: `gpg` and a file in memory; a core for seconds, memory for the size of a file."""

MATCHING = "matching"
"""Who is who, families, proposals: every core there is and the most memory, once at a time for each council."""

RETURNS = "returns"
"""A return put together and checked: the council's database works, the worker waits."""
