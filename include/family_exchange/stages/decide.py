"""Files in quarantine before the people who decide: which wait, what can be said of one, and what somebody said.

A case is a file's id and that very quarantine of it, `F00000012/3`: an answer to an earlier one never counts.
"""

from collections.abc import Collection

from family_exchange.adapters import database, decisions, ledger
from family_exchange.adapters.decisions import Waiting
from family_exchange.adapters.doors import Doors
from family_exchange.domain.drift import GREW, SHRANK, Sign
from family_exchange.domain.file import State
from family_exchange.domain.release import Action, Ground, case_parts
from family_exchange.stages import compare


def cases(doors: Doors, file_ids: Collection[str] | None = None) -> list[str]:
    """Cases in which a release sets something aside, oldest first; of these files only, when they are named.

    In the others a release only looks again: whoever mended the cause says so on the command line.
    """
    with database.one_moment(doors.database) as connection:
        waiting = decisions.in_quarantine(connection)
    return [one.case for one in waiting if one.waives and (file_ids is None or one.file.file_id in file_ids)]


def words(doors: Doors, case: str) -> str | None:
    """What two people need to decide, as Markdown: ids, counts, rules; None when the case is over."""
    with database.one_moment(doors.database) as connection:
        waiting = decisions.of_case(connection, case)
        if waiting is None:
            return None
        return "\n".join(_lines(waiting, compare.signs(connection, waiting.file)))


def record(doors: Doors, case: str, action: Action, *, by: str, ground: Ground) -> State:
    """The file's state after this person spoke; a second run with the same person and action changes nothing.

    Raises:
        Busy: a worker is at the file just now.
        NeedsDecision: the case is over, or the ground does not go with the action.
    """
    file_id, epoch = case_parts(case)
    with database.transaction(doors.database) as connection:
        if decisions.spoke(connection, case, by) is not action:
            decisions.decide(connection, file_id, action, by=by, ground=ground, epoch=epoch)
        return ledger.read(connection, file_id).state


def _lines(waiting: Waiting, odd: tuple[Sign, ...]) -> list[str]:
    file = waiting.file
    lines = [
        f"File **{file.file_id}** of {file.feed} from {file.partner} waits for two people: **{file.reason}**.",
        "",
        f"- rows read: {file.rows_read}" if file.rows_read is not None else "- its rows were not read",
        f"- signed: {file.signed_at:%Y-%m-%d %H:%M} UTC" if file.signed_at else f"- came: {file.seen_at:%Y-%m-%d}",
    ]
    if file.conflicts_with:
        lines.append(f"- contradicts: {file.conflicts_with}")
    lines += [f"- {_said(sign)}" for sign in odd]
    lines += [f"- {vote.by} said: {vote.action} ({vote.ground})" for vote in waiting.votes]
    return [*lines, "", "Two different people must say the same; `family-exchange files show` tells more."]


def _said(sign: Sign) -> str:
    """One sign, in numbers."""
    form = "{:,.0f} rows, usually {:,.0f} rows" if sign.rule in {SHRANK, GREW} else "{:.0%}, usually {:.0%}"
    where = f" column {sign.column}" if sign.column else ""
    code = f" code {sign.code}" if sign.code else ""
    return f"{sign.rule}{where}{code}: {form.format(sign.now, sign.usual)}"
