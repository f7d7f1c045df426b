"""Queues: which workers a task is for. Celery's workers listen to some of them; one machine takes everything.

Everything else goes to Airflow's default queue, `default`: it waits more than it works. On Kubernetes, where every task
has a pod of its own, `pod_templates` in our section of Airflow's configuration names a folder with `<queue>.yaml`.
"""

from typing import Any

from airflow.sdk import conf

CRYPTO = "crypto"
"""Seals opened and made: `gpg` and a file in memory; a core for seconds, memory for the size of a file."""

MATCHING = "matching"
"""Who is who, families, proposals: every core there is and the most memory, once at a time for each council."""

RETURNS = "returns"
"""A return put together and checked: the council's database works, the worker waits."""


def every() -> tuple[str, ...]:
    """The names of all queues that a task of ours may be in."""
    return conf.get_mandatory_value("operators", "default_queue"), CRYPTO, MATCHING, RETURNS


def ordered(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a task, with the template of the pod for its queue where there is a folder of them."""
    folder = conf.get("family_exchange", "pod_templates", fallback="")
    if not folder or "queue" not in options:
        return options
    return {"executor_config": {"pod_template_file": f"{folder}/{options['queue']}.yaml"}} | options
