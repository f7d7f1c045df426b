"""The same stages by Airflow's Dags: partners drop files, assets ring, named people answer through the API."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

from family_exchange.adapters import database
from family_exchange.demo import airflow, families, world
from family_exchange.demo.airflow import Airflow
from family_exchange.demo.airflow_api import Api, Question
from family_exchange.demo.by_hand import supported_since
from family_exchange.demo.people import People
from family_exchange.demo.world import Tenant, World
from family_exchange.orchestration import connections

DAGS = Path(__file__).resolve().parents[3] / "dags"

PATIENCE = 480.0
"""Seconds that one act of the journey may take before it is called a failure."""

LOOK = 0.5
"""Seconds between two looks at the databases."""

FAILED = frozenset({"failed", "upstream_failed"})

Say = Callable[[str], None]

SETTLED = """
SELECT count(*) FILTER (WHERE f.state NOT IN ('CLOSED','QUARANTINED','DUPLICATE','SUPERSEDED','GONE','REJECTED')
                           OR f.receipt_at IS NULL),
       count(*) FILTER (WHERE f.state = 'CLOSED' AND f.registered_at IS NULL), count(*)
  FROM exchange.file f
"""
UNDECIDED = """
SELECT count(*) FROM register.proposal p LEFT JOIN register.decision d USING (proposal_id) WHERE d.proposal_id IS NULL
"""
DUE = "SELECT count(*) FROM register.due WHERE stage IN ('families', 'propose')"
UNACKNOWLEDGED = "SELECT count(*) FILTER (WHERE state <> 'ACKNOWLEDGED'), count(*) FROM returns.return"
CERTIFICATES = "SELECT count(*) FROM rights.certificate"
MESSAGES = "SELECT count(*) FILTER (WHERE sent_at IS NULL), count(*) FROM exchange.outbox"


@dataclass(frozen=True, slots=True)
class Up:
    """Airflow at the end of the journey, still up."""

    address: str
    log_ins: tuple[tuple[str, str], ...]
    airflow: Airflow


@contextmanager
def running(stage: World, *, leave_one: bool, say: Say) -> Iterator[Up]:
    """Airflow after the whole journey; it and everything it started is gone when the block ends.

    Raises:
        TimeoutError: an act of the journey did not end in time; the message says what was still open.
        RuntimeError: a task failed; the message names it.
    """
    environment = {"AIRFLOW__FAMILY_EXCHANGE__COUNCILS": ",".join(_councils(stage))}
    for tenant in stage.tenants:
        environment |= connections.as_variables(tenant.doors.settings)
    say("starting Airflow: API server, scheduler, Dag processor, triggerer")
    with (
        airflow.running(stage.folder / "airflow", stage.metadata, environment, dags=DAGS) as up,
        third_party(stage),
    ):
        known = up.await_dags(lambda ids: {f"purge_{council}" for council in _councils(stage)} <= ids)
        say(f"Airflow is up at {up.base_url} with {len(known)} Dags")
        lead = Lead(stage)
        with (
            up.log_in("visitor") as api,
            People(up, since=_since(stage), leave=lead.waits, before=lead.before) as people,
        ):
            _journey(stage, api, people, lead, sorted(known), leave_one=leave_one, say=say)
        yield Up(up.base_url, tuple(sorted(up.passwords.items())), up)


@contextmanager
def third_party(stage: World) -> Iterator[None]:
    """The recipient of every council's returns answers what arrives, as long as the block runs."""
    closing = Event()

    def answer() -> None:
        while not closing.wait(LOOK):
            for tenant in stage.tenants:
                tenant.third_party.answer(at=datetime.now(UTC))

    thread = Thread(target=answer, name="third-party", daemon=True)
    thread.start()
    try:
        yield
    finally:
        closing.set()
        thread.join(timeout=10)


@dataclass(frozen=True, slots=True)
class Lead:
    """The scripted programme leads: they decide when everything that came is in the register, not before."""

    stage: World
    files: dict[str, int] = field(default_factory=dict)
    """How many files lie in each council's drop zone."""
    asked: set[str] = field(default_factory=set)
    """Councils of whose families some have said no."""

    def waits(self, question: Question) -> bool:
        """True while the question is about proposals and more of them may come."""
        tenant = self._of(question)
        if tenant is None:
            return False
        with database.transaction(tenant.doors.database) as connection:
            settled = connection.execute(SETTLED).fetchone()
            due = connection.execute(DUE).fetchone()
        return settled != (0, 0, self.files[tenant.doors.profile.council]) or due != (0,)

    def before(self, question: Question) -> None:
        """Some families say no before the others are accepted."""
        tenant = self._of(question)
        if tenant is not None and tenant.doors.profile.council not in self.asked:
            families.say_no(tenant.doors, today=_today())
            self.asked.add(tenant.doors.profile.council)

    def after(self) -> None:
        """Everybody who is on the programme is looked after."""
        for tenant in self.stage.tenants:
            today = _today()
            families.look_after(tenant.doors, today=today, since=supported_since(tenant, today))

    def _of(self, question: Question) -> Tenant | None:
        named = (tenant for tenant in self.stage.tenants if question.dag_id == _deciding(tenant))
        return next(named, None)


def _deciding(tenant: Tenant) -> str:
    return f"decide_{tenant.doors.profile.council}_proposals"


def _journey(stage: World, api: Api, people: People, lead: Lead, dags: list[str], *, leave_one: bool, say: Say) -> None:
    """Three acts: files to register and decisions; the period's end to acknowledged returns; what is due, and told."""

    def act(begins: str, prefixes: tuple[str, ...], is_over: Callable[[Tenant], bool], what: str) -> None:
        say(begins)
        api.unpause(dag for dag in dags if dag.startswith(prefixes))
        _await(stage, api, people, is_over, what, say)

    say("partners drop files over SFTP")
    files = lead.files
    files.update({tenant.doors.profile.council: world.drop(tenant) for tenant in stage.tenants})
    act(
        f"{sum(files.values())} files are in the drop zone; receiving",
        ("receive_", "release_", "update_", "decide_", "deliver_"),
        lambda tenant: _taken_in(tenant, files[tenant.doors.profile.council]),
        "files, register and decisions",
    )
    lead.after()
    act("the period has ended; preparing returns", ("prepare_",), _delivered, "returns")
    last = ("purge_", "watch_")
    if leave_one:
        say("looking whether anything needs a person; a destruction plan waits for your approval")
        api.unpause(dag for dag in dags if dag.startswith(last))
        _await_visitor(stage, api)
        return
    act("looking whether anything needs a person; destroying what is due", last, _over, "destruction and letters")


def _await(stage: World, api: Api, people: People, is_over: Callable[[Tenant], bool], what: str, say: Say) -> None:
    deadline = monotonic() + PATIENCE
    while not (all(is_over(tenant) for tenant in stage.tenants) and _quiet(api)):
        for question in people.answer():
            say(f"answered: {question.subject}")
        if failed := sorted({f"{task['dag_id']}.{task['task_id']}" for task in api.tasks() if task["state"] in FAILED}):
            raise RuntimeError(f"these tasks failed: {', '.join(failed)}; their logs say why")
        if monotonic() > deadline:
            raise TimeoutError(f"after {PATIENCE:.0f} seconds still open: {what}")
        sleep(LOOK)


def _await_visitor(stage: World, api: Api) -> None:
    """Return when everything is there that a visitor should find: a required action, and the letters."""
    deadline = monotonic() + PATIENCE
    while not (api.questions() and all(_told(tenant) for tenant in stage.tenants)):
        if monotonic() > deadline:
            raise TimeoutError("no required action or no letter appeared")
        sleep(LOOK)


def _quiet(api: Api) -> bool:
    """True when no run is queued or running."""
    return all(run["state"] not in {"queued", "running"} for run in api.runs())


def _taken_in(tenant: Tenant, files: int) -> bool:
    """Every file has an end and a receipt, every accepted row is in the register, every proposal is decided."""
    with database.transaction(tenant.doors.database) as connection:
        row = connection.execute(SETTLED).fetchone()
        undecided = connection.execute(UNDECIDED).fetchone()
    return row == (0, 0, files) and undecided == (0,)


def _delivered(tenant: Tenant) -> bool:
    expected = sum(promise.enabled for promise in tenant.doors.profile.returns.values())
    with database.transaction(tenant.doors.database) as connection:
        return connection.execute(UNACKNOWLEDGED).fetchone() == (0, expected)


def _over(tenant: Tenant) -> bool:
    """What is due is destroyed, and what needs a person is told."""
    with database.transaction(tenant.doors.database) as connection:
        row = connection.execute(CERTIFICATES).fetchone()
    return row is not None and int(row[0]) > 0 and _told(tenant)


def _told(tenant: Tenant) -> bool:
    """Somebody was written to, and no message waits. There is one in every demo: a partner's key ends soon."""
    with database.transaction(tenant.doors.database) as connection:
        row = connection.execute(MESSAGES).fetchone()
    return row is not None and row[0] == 0 and int(row[1]) > 0


def _since(stage: World) -> date:
    return min(supported_since(tenant, _today()) for tenant in stage.tenants)


def _today() -> date:
    return datetime.now(UTC).date()


def _councils(stage: World) -> list[str]:
    return [tenant.doors.profile.council for tenant in stage.tenants]
