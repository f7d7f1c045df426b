"""What Airflow's components load of ours when they start."""

from airflow.plugins_manager import AirflowPlugin

from family_exchange.orchestration import pools


class FamilyExchange(AirflowPlugin):
    """Pools that are missing are made."""

    name = "family_exchange"
    listeners = [pools]  # noqa: RUF012 - as Airflow declares it
