"""The certificate of a purge: every store asked once more, what it said, what backups still hold; signed for good."""

import json
from datetime import timedelta
from hashlib import sha256

from family_exchange.adapters import audit, backup_place, database, destruction, purge_plans, receipts, set_aside
from family_exchange.adapters.database import Connection
from family_exchange.adapters.destruction import Store
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.journal import What
from family_exchange.adapters.purge_plans import Plan
from family_exchange.domain.backup import KEPT
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.retention_rule import RetentionRule

ACTOR = "exchange"


def issue(doors: Doors, plan_id: str) -> str:
    """The id of the signed certificate: each store of the plan was asked again, and only what is held is still there.

    The body is canonical JSON of counts, rules, digests and the audit position; the signature is Ed25519. A second
    run gives the same certificate.

    Raises:
        NeedsDecision: the plan is not carried out, or something that must be gone is still there.
    """
    certificate_id = f"C-{plan_id}"
    with database.transaction(doors.database) as connection:
        found = purge_plans.read(connection, plan_id, alone=True)
        if found.state != "DESTROYED":
            raise NeedsDecision(f"purge plan {plan_id} is not carried out yet")
        if connection.execute("SELECT 1 FROM rights.certificate WHERE plan_id = %s", (plan_id,)).fetchone():
            return certificate_id
        body = json.dumps(_statement(doors, connection, found, certificate_id), sort_keys=True, separators=(",", ":"))
        connection.execute(
            "INSERT INTO rights.certificate (certificate_id, plan_id, body, signature) VALUES (%s, %s, %s, %s)",
            (certificate_id, plan_id, body.encode(), doors.signing_key.sign(body.encode())),
        )
        doors.journal.add(What.CERTIFIED, {"certificate": certificate_id, "body": body})
        digest = sha256(body.encode()).hexdigest()
        audit.append(
            connection, "purge.certified", ACTOR, {"plan": plan_id, "certificate": certificate_id, "sha256": digest}
        )
    return certificate_id


def _statement(doors: Doors, connection: Connection, found: Plan, certificate_id: str) -> dict[str, object]:
    """What the certificate says.

    Raises:
        NeedsDecision: a store still holds what was reported destroyed.
    """
    stores = (*destruction.recount(connection, doors.vault, found.plan_id), _answers(doors, connection, found))
    if wrong := [store.store for store in stores if store.after != store.kept]:
        raise NeedsDecision(f"purge plan {found.plan_id} left something in {', '.join(wrong)}; destroy again")
    head = connection.execute("SELECT seq, encode(hash, 'hex') FROM audit.head").fetchone()
    categories = {item.category for item in purge_plans.listed(connection, found.plan_id)}
    return {
        "certificate": certificate_id,
        "council": doors.profile.council,
        "plan": found.plan_id,
        "planned_on": found.planned_on.isoformat(),
        "plan_digest": found.digest.hex(),
        "approved_by": found.approved_by,
        "rules": [_rule(rule) for rule in doors.profile.retention if rule.category in categories],
        "stores": [{"store": s.store, "before": s.before, "after": s.after, "kept": s.kept} for s in stores],
        "destroyed": purge_plans.totals(connection, found.plan_id),
        "backups": _backups(doors, connection),
        "set_aside": [name for name, _ in set_aside.there(connection)],
        "audit": {"seq": int(head[0]), "hash": str(head[1])} if head else None,
        "key": audit.public_hex(doors.signing_key),
    }


def _backups(doors: Doors, connection: Connection) -> dict[str, object] | None:
    """By when backups hold nothing of it any more, if one is taken each night; None: the council has none.

    A copy of the server is let go of by the first backup that is taken when it is older than it may be.
    """
    if not backup_place.journals(doors.folder, doors.settings.council):
        return None
    gone_by = database.clock(connection) + KEPT + timedelta(days=1)
    return {"kept_days": KEPT.days, "gone_by": gone_by.date().isoformat()}


def _answers(doors: Doors, connection: Connection, found: Plan) -> Store:
    """The answered files of the plan, looked for in their partners' folders; nobody is called when there are none."""
    listed = receipts.listed(connection, found.plan_id)
    if not listed:
        return Store("receipts", 0, 0, 0)
    with doors.drop_zone() as zone:
        lying = receipts.lying(zone, [answered for answered, _ in listed])
    kept = sum(answered[1] in lying for answered, must_be_gone in listed if not must_be_gone)
    return Store("receipts", before=len(listed), after=len(lying), kept=kept)


def _rule(rule: RetentionRule) -> dict[str, object]:
    return {
        "category": rule.category,
        "years": rule.max_years or rule.years,
        "days": rule.days,
        "trigger": rule.event or rule.trigger,
        "status": rule.status,
        "source": rule.source,
    }
