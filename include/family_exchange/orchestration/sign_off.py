"""Asking a named person, and taking the answer as one word or one id.

Airflow keeps who answered and when; our own record is the stage that runs after the answer, in the council's audit.
Clearing a task that was answered asks again; what was recorded stays.
"""

from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.release import GROUNDS as FITTING
from family_exchange.orchestration.answers import (
    ACCEPT,
    DECLINE,
    GROUNDS,
    LEAVE,
    LEAVE_OPEN,
    REASONS,
    REJECT,
    RELEASE,
    VOICES,
)
from family_exchange.orchestration.boundary import guarded

PURGE = """Plan **{{ ti.xcom_pull(task_ids="plan") }}** lists what may no longer be kept. \
{% for what, count in (ti.xcom_pull(task_ids="plan", key="counts") or {}).items() %}
- {{ what | replace("_", " ") }}: {{ count }}{% endfor %}

Approving it destroys exactly what it lists and what is still due then; what a hold covers stays.
Sealed backups, where they are taken, let go of it within 29 days; the certificate says by when.
"""

Event = dict[str, Any]


class SignOff(ApprovalOperator):
    """A named person says yes or no; a yes by somebody in `others` does not count, and the question is asked again.

    `others` are ids, or results of tasks that are ids when this one runs. The result is the person's id. After a no,
    everything downstream is skipped.
    """

    template_fields = (*ApprovalOperator.template_fields, "others")

    def __init__(self, *, others: Sequence[object] = (), **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own arguments
        super().__init__(**kwargs)
        self.others = others

    @guarded
    def execute_complete(self, context: Any, event: Event) -> str:  # noqa: ANN401 - Airflow's context
        """The id of the person who answered."""
        who = person(event)
        if who in self.others and event["chosen_options"] == [self.APPROVE]:
            self.log.warning("another person must sign off; asking again")
            self.execute(context)  # parks the task again, without the answer
        super().execute_complete(context, event)
        return who


class Decide(HITLOperator):
    """A named person decides about open proposals.

    The result is `[answer, reason, supported since or "", person, moment]`.
    """

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own arguments
        reason = Param(REASONS[0], type="string", enum=REASONS, title="Reason")
        since = Param(None, type=["null", "string"], format="date", title="Supported since, if before today")
        params = {"reason": reason, "supported_since": since}
        super().__init__(options=[ACCEPT, DECLINE, LEAVE_OPEN], params=params, **kwargs)

    @guarded
    def execute_complete(self, context: Any, event: Event) -> list[str]:  # noqa: ANN401 - Airflow's context
        """Answer, reason, first day of support, person, and when they answered."""
        answer = super().execute_complete(context, event)
        filled_in = answer["params_input"]
        reason, since = filled_in.get("reason", REASONS[0]), filled_in.get("supported_since") or ""
        return [answer["chosen_options"][0], str(reason), str(since), person(event), answer["responded_at"].isoformat()]


class Voice(HITLOperator):
    """A named person says what is to be done with a file in quarantine; the result is `[answer, ground, person]`.

    Somebody who is in `others`, results of earlier voices, is asked for another person; and so is whoever gives a
    ground that does not go with the answer. Nobody has to say anything to leave the file where it is.
    """

    template_fields = (*HITLOperator.template_fields, "others")

    def __init__(self, *, others: Sequence[object] = (), **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own arguments
        ground = Param(GROUNDS[0], type="string", enum=GROUNDS, title="Ground")
        super().__init__(options=[RELEASE, REJECT, LEAVE], params={"ground": ground}, **kwargs)
        self.others = others

    @guarded
    def execute_complete(self, context: Any, event: Event) -> list[str]:  # noqa: ANN401 - Airflow's context
        """Answer, ground and person."""
        who, (answer, *_) = person(event), event["chosen_options"]
        ground = str((event["params_input"] or {}).get("ground", GROUNDS[0]))
        spoke = any(isinstance(other, (list, tuple)) and other[-1] == who for other in self.others)
        if answer in VOICES and (spoke or ground not in FITTING[VOICES[answer]]):
            self.log.warning("another person, or a ground that goes with the answer; asking again")
            self.execute(context)  # parks the task again, without the answer
        super().execute_complete(context, event)
        return [answer, ground, who]


def person(event: Event) -> str:
    """The name under which the person who answered is logged in; ids of some auth managers are mere numbers.

    Raises:
        NeedsDecision: nobody answered; a default that ran out of time decides nothing.
    """
    if not event.get("responded_by_user"):
        raise NeedsDecision("no named person answered; clear this task to have it asked again")
    return str(event["responded_by_user"]["name"])
