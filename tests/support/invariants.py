"""What must hold of a council after anything that may happen to it (design, part 4.3), one function a promise.

Each tells what does not hold, in ids and counts; nothing is told when everything holds. They only read: the ledger in
one snapshot, the council's folder, what stands at its recipient, and whatever files were left anywhere else.
"""

import os
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import psycopg

from family_exchange.adapters import audit, profiles
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.linked import linked
from family_exchange.domain import delivery, file, return_rules

MACHINES = ("airflow", "exchange", "machine", "system", "")
FINISHED = tuple(sorted(file.ENDS))
ARRIVED = ("DELIVERED", "ACKNOWLEDGED", "REFUSED_BY_RECIPIENT")


@dataclass(frozen=True)
class Scene:
    """Where a council's traces are."""

    doors: Doors
    recipient: Path | None = None
    """The recipient's folder, which holds `inbox/` and `taken/`; None: it is not looked at."""
    words: frozenset[str] = frozenset()
    """Words of people's names that may stand in the council's database and in sealed bytes, and nowhere else."""
    traces: tuple[Path, ...] = ()
    """Files and folders in which no such word may stand: logs, dumps, what lies on disks."""


def broken(scene):
    """Everything that does not hold, one sentence each."""
    found = audit_chain_is_broken(scene.doors)
    with snapshot(scene.doors.database) as connection:
        found += paths_that_are_not_one(connection)
        found += effects_without_their_file(connection)
        found += landing_files_deleted_too_early(connection, scene.doors.vault)
        found += returns_seen_in_two_forms(connection, scene.recipient)
        found += changes_without_an_event(connection)
        found += people_released_against_their_will(connection)
        found += acts_of_a_machine(connection)
    return found + leaks(scene.traces, scene.words)


@contextmanager
def snapshot(url):
    """One moment of the database, to be read only."""
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


# 1. A file has one path and at most one APPLIED; the register's effects are exactly those of applied files.


def paths_that_are_not_one(connection):
    found = []
    states = dict(connection.execute("SELECT file_id, state FROM exchange.file"))
    for file_id, path in moves(connection, "file").items():
        whole = path[0][0] == file.State.SEEN and all(one[1] == after[0] for one, after in pairwise(path))
        if not whole or not set(path) <= file.MOVES:
            found.append(f"file {file_id} has no one path from SEEN by legal moves")
        if [to for _, to in path].count(file.State.APPLIED) > 1:
            found.append(f"file {file_id} was applied more than once")
        if states.get(file_id) != path[-1][1]:
            found.append(f"file {file_id} is not where its last move led")
    return found


def effects_without_their_file(connection):
    found = []
    staged = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'staging' ORDER BY 1").fetchall()
    for (feed,) in staged:
        found += [
            f"file {file_id}: {there} rows of {feed} are staged, and its ledger says {rows}"
            for file_id, there, rows, contract in connection.execute(
                f"""SELECT coalesce(s.file_id, f.file_id), coalesce(s.rows, 0), coalesce(f.rows, 0), f.contract
                      FROM (SELECT file_id, count(DISTINCT row_no) AS rows, count(*) AS every
                              FROM staging.{feed} GROUP BY 1) s
                      FULL JOIN (SELECT file_id, contract, rows_loaded + rows_with_finding AS rows FROM exchange.file
                                  WHERE feed = %s AND state IN ('APPLIED', 'CLOSED') AND staging_cleared_at IS NULL) f
                        USING (file_id)
                     WHERE s.rows IS DISTINCT FROM f.rows AND coalesce(f.rows, 0) + coalesce(s.rows, 0) > 0
                        OR s.rows <> s.every""",
                (feed,),
            )
            # several rows of a bundle's tables are one staged row
            if not (0 < there < rows and profiles.contract(feed, contract).tables)
        ]
    found += [
        f"file {file_id} has {records} records in the register of {rows} rows, and is {state}"
        for file_id, records, rows, state in connection.execute(
            """SELECT f.file_id, r.every, r.rows, f.state
                 FROM (SELECT file_id, count(*) AS every, count(DISTINCT row_no) AS rows
                         FROM memory.source_record GROUP BY 1) r JOIN exchange.file f USING (file_id)
                WHERE r.every <> r.rows OR f.state <> 'CLOSED' OR f.registered_at IS NULL"""
        )
    ]
    return found


# 2. A landing file is deleted only after its ciphertext is durably in the vault and a final state is committed.


def landing_files_deleted_too_early(connection, vault):
    found = []
    for file_id, state, digest, removed, destroyed in connection.execute(
        """SELECT file_id, state, ct_sha256, landing_removed_at IS NOT NULL, vault_destroyed_at IS NOT NULL
             FROM exchange.file ORDER BY file_id"""
    ):
        if digest is not None and not destroyed and not vault.whole(bytes(digest)):
            found.append(f"the sealed bytes of file {file_id} are not whole in the vault")
        if removed and state != file.State.GONE and (state not in FINISHED or digest is None):
            found.append(f"file {file_id} left its landing folder before it was kept and ended ({state})")
    return found


# 3. Bytes ever visible under a final name at a recipient have exactly one SHA-256; DELIVERED means proved.


def returns_seen_in_two_forms(connection, recipient):
    found = []
    known = {}
    for return_id, state, name, digest, receipt, proved in connection.execute(
        """SELECT r.return_id, r.state, r.final_name, encode(r.ct_sha256, 'hex'), r.receipt ->> 'sha256',
                  (SELECT array_agg(DISTINCT b -> 'body' ->> 'sha256')
                     FROM audit.event e, LATERAL (SELECT convert_from(e.event, 'UTF8')::jsonb AS b) parsed
                    WHERE e.kind = 'return.delivered' AND b -> 'body' ->> 'return' = r.return_id)
             FROM returns.return r ORDER BY r.return_id"""
    ):
        known[name] = digest
        if state in ARRIVED and proved != [digest]:
            found.append(f"return {return_id} is {state} without proof of its own bytes")
        if receipt is not None and receipt != digest:
            found.append(f"the receipt of return {return_id} tells of other bytes")
    if recipient is not None:
        for name, digests in visible(recipient).items():
            if name not in known:
                found.append("something stands at the recipient that is no return of ours")
            elif digests != {known[name]}:
                found.append(f"{len(digests)} forms of return {name} stand at the recipient, or one that is not ours")
    return found


def visible(recipient):
    """The digests of everything that stands under a final name at the recipient, or was taken from there."""
    seen = defaultdict(set)
    for folder in ("inbox", "taken"):
        for path in (recipient / folder).glob("[!.]*"):
            with suppress(FileNotFoundError):  # taken this moment; it stands in the other folder
                seen[path.name].add(sha256(path.read_bytes()).hexdigest())
    return seen


# 4. Every change of state writes one audit event in the same transaction.


def audit_chain_is_broken(doors):
    with psycopg.connect(doors.database) as connection:
        verdict = audit.verify(connection, doors.checkpoints, doors.signing_key.public_key())
    return [] if verdict.whole else [f"the audit chain does not hold at event {verdict.broken_at}: {verdict.why}"]


def changes_without_an_event(connection):
    told = moves(connection, "file")
    silent = connection.execute("SELECT file_id FROM exchange.file WHERE state <> 'SEEN' ORDER BY 1")
    found = [f"file {file_id} moved and no event says so" for (file_id,) in silent if file_id not in told]
    told = moves(connection, "return")
    for return_id, state in connection.execute("SELECT return_id, state FROM returns.return ORDER BY 1"):
        path = told.get(return_id, [])
        begins = [(delivery.State.DRAFT, delivery.State.DRAFT), *path]
        if any(one[1] != after[0] for one, after in pairwise(begins)) or not set(path) <= delivery.MOVES:
            found.append(f"the events of return {return_id} are no one path of legal moves")
        if begins[-1][1] != state:
            found.append(f"return {return_id} is not where its last event says")
    for what, rows, kind, number in (
        ("sign-offs", "SELECT count(*) FROM returns.sign_off", "return.signed", "1"),
        ("destroyed plans", "SELECT count(*) FROM rights.purge_plan WHERE state = 'DESTROYED'", "purge.destroyed", "1"),
    ):
        there = _one(connection, rows)
        events = _one(connection, f"SELECT coalesce(sum({number}), 0) FROM audit.event WHERE kind = '{kind}'")
        if there != events:
            found.append(f"there are {there} {what} and {events} events of them")
    return found


# 5. No plaintext on a persistent file system; no personal value in any log, XCom, metric, file name …


def leaks(traces, words):
    """Where a word stands as it is: in the content or in the name of a file."""
    needles = [word.encode() for word in words]
    found = []
    for path in each_file(traces):
        with suppress(FileNotFoundError):  # a lock, or a log that was rotated away
            content = path.read_bytes()
            if any(needle in content or needle in path.name.encode() for needle in needles):
                found.append(
                    f"a word of somebody's name stands in a file of kind {path.suffix or 'none'} in {path.parent.name}/"
                )
    return found


def each_file(traces):
    for trace in traces:
        if not trace.is_dir():
            yield trace
        for place, _, names in os.walk(trace):  # a folder that went meanwhile is passed over
            yield from (path for name in names if (path := Path(place, name)).is_file())


# 6. Nobody with a restriction or an upheld or undecided objection is in a return released after it was recorded.


def people_released_against_their_will(connection):
    found = []
    released = connection.execute(
        "SELECT return_id, code, coalesce(intent_at, sealed_at) FROM returns.return WHERE sealed_at IS NOT NULL"
    ).fetchall()
    for return_id, code, at in released:
        rows = connection.execute(
            f"""WITH RECURSIVE {linked(_FLAGGED)}
                SELECT count(*) FROM returns.return_row JOIN linked USING (person_id) WHERE return_id = %(return)s""",
            {"return": return_id, "at": at, "kinds": [str(kind) for kind in return_rules.excluding(code)]},
        ).fetchone()
        if rows[0] and _state(connection, return_id) not in {"VOID", "SEALED", "CLAIMED", "UPLOADING"}:
            found.append(f"return {return_id} tells of {rows[0]} people who had said no before it was released")
    return found


_FLAGGED = """SELECT f.person_id FROM rights.flag f WHERE f.kind = ANY(%(kinds)s) AND (
        SELECT s.status FROM rights.flag_status s WHERE s.flag_id = f.flag_id AND s.recorded_at <= %(at)s
         ORDER BY s.recorded_at DESC LIMIT 1) IN ('received', 'upheld')"""


# 7. Nothing a machine computed enrols, merges, releases or destroys without the decision of a named person.


def acts_of_a_machine(connection):
    found = []
    for what, query in _UNDECIDED.items():
        ids = [str(one) for (one,) in connection.execute(query, {"machines": list(MACHINES)})]
        found += [f"{what}: {one}" for one in ids]
    return found


_UNDECIDED = {
    "a return went on without two people who signed this very content": """
        SELECT r.return_id FROM returns.return r
         WHERE r.state NOT IN ('DRAFT', 'ASSEMBLED', 'VOID')
           AND 2 > (SELECT count(DISTINCT s.signed_by) FROM returns.sign_off s
                     WHERE s.return_id = r.return_id AND s.content_sha256 = r.content_sha256
                       AND lower(btrim(s.signed_by)) <> ALL(%(machines)s))""",
    "a family is on the programme, or not, by nobody's decision": """
        SELECT DISTINCT family_id FROM memory.family_status
         WHERE status <> 'identified' AND lower(btrim(decided_by)) = ANY(%(machines)s)""",
    "a proposal was decided by nobody": """
        SELECT decision_id FROM memory.decision WHERE lower(btrim(decided_by)) = ANY(%(machines)s)""",
    "two people were joined or kept apart by nobody": """
        SELECT decision_no FROM register.identity_decision WHERE lower(btrim(decided_by)) = ANY(%(machines)s)""",
    "something was destroyed that nobody approved": """
        SELECT plan_id FROM rights.purge_plan
         WHERE state IN ('APPROVED', 'DESTROYED') AND lower(btrim(coalesce(approved_by, ''))) = ANY(%(machines)s)""",
    "a file was let in that two people did not release": """
        SELECT b -> 'body' ->> 'file'
          FROM audit.event e, LATERAL (SELECT convert_from(e.event, 'UTF8')::jsonb AS b) parsed
         WHERE e.kind = 'file.claimed' AND b -> 'body' ->> 'from' = 'QUARANTINED'
           AND 2 > (SELECT count(DISTINCT d.decided_by) FROM exchange.file_decision d
                     WHERE d.file_id = b -> 'body' ->> 'file' AND d.action = 'release')""",
}
"""What would have happened without a named person → the ids of which it is so."""


def moves(connection, what):
    """The path of each file, or each return, from the audit events alone: pairs of states, in order."""
    states = {"file": file.State, "return": delivery.State}[what]
    paths = defaultdict(list)
    events = connection.execute(
        "SELECT convert_from(event, 'UTF8')::jsonb FROM audit.event WHERE kind LIKE %s ORDER BY seq", (f"{what}.%",)
    )
    for (event,) in events:
        body = event["body"]
        if "from" in body:
            to = event["kind"].removeprefix(f"{what}.").upper()
            paths[body[what]].append((states(body["from"]), states(to)))
    return paths


def _state(connection, return_id):
    return connection.execute("SELECT state FROM returns.return WHERE return_id = %s", (return_id,)).fetchone()[0]


def _one(connection, query):
    return int(connection.execute(query).fetchone()[0])
