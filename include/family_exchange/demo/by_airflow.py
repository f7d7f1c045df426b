"""The same stages by Airflow's Dags: partners drop files, assets ring, named people answer through the API."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

from family_exchange.adapters import database, profiles
from family_exchange.adapters.doors import Doors
from family_exchange.demo import airflow, families, world
from family_exchange.demo.airflow import Airflow
from family_exchange.demo.airflow_api import Api, Question
from family_exchange.demo.by_hand import supported_since
from family_exchange.demo.cast import VISITOR
from family_exchange.demo.people import LogsIn, People
from family_exchange.demo.world import World
from family_exchange.orchestration import connections

DAGS = Path(__file__).resolve().parents[3] / "dags"

PATIENCE = 1200.0
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
    councils = tuple(tenant.doors for tenant in stage.tenants)
    environment = {"AIRFLOW__FAMILY_EXCHANGE__COUNCILS": ",".join(_names(councils))}
    for doors in councils:
        environment |= connections.as_variables(doors.settings)
    say("starting Airflow: API server, scheduler, Dag processor, triggerer")
    with (
        airflow.running(stage.folder / "airflow", stage.metadata, environment, dags=DAGS) as up,
        third_party(stage),
    ):
        every = frozenset().union(*map(dags_of, _names(councils)))
        known = up.await_dags(lambda ids: every <= ids)
        say(f"Airflow is up at {up.base_url} with {len(known)} Dags")

        def drop() -> dict[str, int]:
            say("partners drop files over SFTP")
            return {tenant.doors.profile.council: world.drop(tenant) for tenant in stage.tenants}

        travel(councils, up, drop, dags=sorted(known), leave_one=leave_one, say=say)
        yield Up(up.base_url, tuple(sorted(up.passwords.items())), up)


def dags_of(council: str) -> frozenset[str]:
    """The ids of all its Dags, which Airflow comes to know file by file, in any order."""
    profile = profiles.profile(council)
    every = {
        f"update_{council}_register",
        f"decide_{council}_proposals",
        f"deliver_{council}_returns",
        f"release_{council}_files",
        f"purge_{council}",
        f"watch_{council}",
    }
    every |= {f"receive_{council}_{feed}" for feed in profile.active_feeds}
    every |= {f"prepare_{council}_{code}" for code, promise in profile.returns.items() if promise.enabled}
    return frozenset(every)


def travel(
    councils: Sequence[Doors],
    airflow: LogsIn,
    drop: Callable[[], Mapping[str, int]],
    *,
    dags: Sequence[str],
    leave_one: bool = False,
    say: Say = lambda _: None,
    patience: float = PATIENCE,
) -> None:
    """The whole journey of `councils` by an Airflow that is up, answered by the scripted people.

    Everybody of the cast can log in at `airflow`, which knows `dags`. `drop` says how many files lie in each council's
    drop zone, once they do. With `leave_one` the last required action waits for you.

    Raises:
        TimeoutError: an act of the journey did not end within `patience` seconds; the message says what was open.
        RuntimeError: a task failed; the message names it.
    """
    lead = Lead(councils)
    since = min(supported_since(doors, _today()) for doors in councils)
    with (
        airflow.log_in(VISITOR) as api,
        People(airflow, since=since, leave=lead.waits, before=lead.before) as people,
    ):
        acts = _Acts(councils, api, people, say, patience)
        lead.files.update(drop())
        acts.play(
            f"{sum(lead.files.values())} files are in the drop zone; receiving",
            _of(dags, "receive_", "release_", "update_", "decide_", "deliver_"),
            lambda doors: _taken_in(doors, lead.files[doors.profile.council]),
            "files, register and decisions",
        )
        lead.after()
        acts.play("the period has ended; preparing returns", _of(dags, "prepare_"), _delivered, "returns")
        last = _of(dags, "purge_", "watch_")
        if leave_one:
            say("looking whether anything needs a person; a destruction plan waits for your approval")
            api.unpause(last)
            acts.await_visitor()
        else:
            words = "looking whether anything needs a person; destroying what is due"
            acts.play(words, last, _over, "destruction and letters")


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

    councils: Sequence[Doors]
    files: dict[str, int] = field(default_factory=dict)
    """How many files lie in each council's drop zone."""
    asked: set[str] = field(default_factory=set)
    """Councils of whose families some have said no."""

    def waits(self, question: Question) -> bool:
        """True while the question is about proposals and more of them may come."""
        doors = self._of(question)
        if doors is None:
            return False
        with database.transaction(doors.database) as connection:
            settled = connection.execute(SETTLED).fetchone()
            due = connection.execute(DUE).fetchone()
        return settled != (0, 0, self.files[doors.profile.council]) or due != (0,)

    def before(self, question: Question) -> None:
        """Some families say no before the others are accepted."""
        doors = self._of(question)
        if doors is not None and doors.profile.council not in self.asked:
            families.say_no(doors, today=_today())
            self.asked.add(doors.profile.council)

    def after(self) -> None:
        """Everybody who is on the programme is looked after."""
        for doors in self.councils:
            today = _today()
            families.look_after(doors, today=today, since=supported_since(doors, today))

    def _of(self, question: Question) -> Doors | None:
        named = (each for each in self.councils if question.dag_id == f"decide_{each.profile.council}_proposals")
        return next(named, None)


@dataclass(frozen=True, slots=True)
class _Acts:
    """The journey has three: files to register and decisions; the period's end to acknowledged returns; what is due."""

    councils: Sequence[Doors]
    api: Api
    people: People
    say: Say
    patience: float

    def play(self, begins: str, dags: Sequence[str], is_over: Callable[[Doors], bool], what: str) -> None:
        """The Dags run, and people answer what they are asked, until `is_over` for every council."""
        self.say(begins)
        self.api.unpause(dags)
        deadline = monotonic() + self.patience
        while not (all(is_over(doors) for doors in self.councils) and _quiet(self.api)):
            for question in self.people.answer():
                self.say(f"answered: {question.subject}")
            failed = {f"{task['dag_id']}.{task['task_id']}" for task in self.api.tasks() if task["state"] in FAILED}
            if failed:
                raise RuntimeError(f"these tasks failed: {', '.join(sorted(failed))}; their logs say why")
            if monotonic() > deadline:
                raise TimeoutError(f"after {self.patience:.0f} seconds still open: {what}")
            sleep(LOOK)

    def await_visitor(self) -> None:
        """Return when everything is there that a visitor should find: a required action, and the letters."""
        deadline = monotonic() + self.patience
        while not (self.api.questions() and all(_told(doors) for doors in self.councils)):
            if monotonic() > deadline:
                raise TimeoutError("no required action or no letter appeared")
            sleep(LOOK)


def _of(dags: Sequence[str], *prefixes: str) -> list[str]:
    return [dag for dag in dags if dag.startswith(prefixes)]


def _quiet(api: Api) -> bool:
    """True when no run is queued or running."""
    return all(run["state"] not in {"queued", "running"} for run in api.runs())


def _taken_in(doors: Doors, files: int) -> bool:
    """Every file has an end and a receipt, every accepted row is in the register, every proposal is decided."""
    with database.transaction(doors.database) as connection:
        row = connection.execute(SETTLED).fetchone()
        undecided = connection.execute(UNDECIDED).fetchone()
    return row == (0, 0, files) and undecided == (0,)


def _delivered(doors: Doors) -> bool:
    expected = sum(promise.enabled for promise in doors.profile.returns.values())
    with database.transaction(doors.database) as connection:
        return connection.execute(UNACKNOWLEDGED).fetchone() == (0, expected)


def _over(doors: Doors) -> bool:
    """What is due is destroyed, and what needs a person is told."""
    with database.transaction(doors.database) as connection:
        row = connection.execute(CERTIFICATES).fetchone()
    return row is not None and int(row[0]) > 0 and _told(doors)


def _told(doors: Doors) -> bool:
    """Somebody was written to, and no message waits. There is one in every demo: a partner's key ends soon."""
    with database.transaction(doors.database) as connection:
        row = connection.execute(MESSAGES).fetchone()
    return row is not None and row[0] == 0 and int(row[1]) > 0


def _today() -> date:
    return datetime.now(UTC).date()


def _names(councils: Sequence[Doors]) -> list[str]:
    return [doors.profile.council for doors in councils]
