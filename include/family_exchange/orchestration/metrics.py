"""A council's metrics by Airflow's own way out, and as a file: no agent of ours runs beside Airflow.

Every reading is told as a gauge with its labels as tags, to whatever `[metrics]` of Airflow's settings names; without
that it goes nowhere. StatsD as Airflow speaks it by default drops tags; OpenTelemetry keeps them.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import conf

from family_exchange.orchestration.defaults import SECTION

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors


def emit(doors: "Doors", *, at: datetime) -> dict[str, int]:
    """How many series were told. A second run tells them as they are then.

    With `metrics_folder` in our section they are also in its `family_exchange_<council>.prom`, for node_exporter.
    """
    from airflow.sdk.observability import stats  # noqa: PLC0415 - Dags are parsed without it

    from family_exchange.adapters import marks  # noqa: PLC0415 - as above
    from family_exchange.domain.metrics import exposition  # noqa: PLC0415 - as above
    from family_exchange.stages import measure  # noqa: PLC0415 - as above

    readings = measure.council(doors, at=at)
    for one in readings:
        stats.gauge(one.series, one.value, tags=dict(one.labels))
    if folder := conf.get(SECTION, "metrics_folder", fallback=""):
        file = Path(folder) / f"family_exchange_{doors.profile.council}.prom"
        marks.replace(file, exposition(readings), mode=0o644)
    return {"series": len(readings)}
