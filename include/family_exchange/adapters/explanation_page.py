"""An explanation for people: lines for a terminal, and one page that needs nothing beside itself and runs nothing."""

from collections.abc import Iterable
from html import escape

from family_exchange.adapters.explanation import Explained, Explanation, Found

LABEL = "Decision support, never a decision: a named person of the council decides, and gives a reason."
STAFF_ONLY = (
    "For those who decide, and for nobody of the family: it may tell one side of an incident about the other. "
    "`person show` and `family show` with `--for` make pages for somebody's eyes."
)
UNPUBLISHED = "The council has not published its criteria; the national framework is chosen in its profile."
CAPPED = (
    "Found, and not counted: an adult who does not live with the family accounts for no more problems than the "
    "framework allows."
)
WHO_DECIDES = (
    "Who may decide: a named person whom the council has authorised, by `proposal decide` or in Airflow. Nothing "
    "follows from this proposal until then; nobody is contacted and no service changes."
)
NOTHING_UNKNOWN = "Nothing: every file that could tell has come."

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1a1a1a }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem } h3 { font-size: 1rem; margin-bottom: .3rem }
.label { border-left: .4rem solid #b35900; background: #fff4e5; padding: .6rem 1rem }
.source, .what { color: #444 } code { overflow-wrap: anywhere } li { margin-bottom: .5rem }
@media print { body { margin: 0; max-width: none } }
"""


def lines(one: Explanation) -> list[str]:
    """The explanation as lines for a terminal."""
    told = [
        f"{one.proposal}: family {one.family} by {one.rule} on {one.proposed_on}",
        LABEL,
        STAFF_ONLY,
        _basis(one),
        *([] if one.criteria_published else [UNPUBLISHED]),
        "Members:",
        *(f"  {member}" for member in one.members),
    ]
    for problem in one.problems:
        told += [f"{problem.code} {problem.label}", *_found(problem)]
    if one.capped:
        told.append(CAPPED)
        for problem in one.capped:
            told += [f"{problem.code} {problem.label}", *_found(problem)]
    told += [_beyond(one)] if one.beyond else []
    told.append("Unknown, which is not absent:")
    for unknown in one.unknown:
        told += [f"  {unknown.code} {unknown.label}", *(f"    {reason}" for reason in unknown.reasons)]
    if not one.unknown:
        told.append(f"  {NOTHING_UNKNOWN}")
    return [*told, WHO_DECIDES, f"Decision: {one.decided}"]


def page(one: Explanation) -> str:
    """The explanation as one HTML page, without a script and without anything from elsewhere."""
    unknown = "".join(
        f"<h3>{escape(each.code)} {escape(each.label)}</h3>{_items(escape(reason) for reason in each.reasons)}"
        for each in one.unknown
    )
    capped = f"<h2>Found, and not counted</h2><p>{escape(CAPPED)}</p>{_problems(one.capped)}" if one.capped else ""
    beyond = f"<p>{escape(_beyond(one))}</p>" if one.beyond else ""
    unpublished = "" if one.criteria_published else f"<p>{escape(UNPUBLISHED)}</p>"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Why family {escape(one.family)} is proposed</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Why a family is proposed for {escape(one.programme)}</h1>
<p class="label"><strong>{escape(LABEL)}</strong></p>
<p class="label">{escape(STAFF_ONLY)}</p>
<p>{escape(one.council)}: family <code>{escape(one.family)}</code>, proposal <code>{escape(one.proposal)}</code>,
by {escape(one.rule)} on {one.proposed_on}. {escape(_basis(one))}</p>
{unpublished}
<h2>Who belongs to the family</h2>
{_items(escape(member) for member in one.members)}
<h2>What was found</h2>
{_problems(one.problems)}
{capped}
{beyond}
<h2>What is unknown, which is not absent</h2>
{unknown or f"<p>{escape(NOTHING_UNKNOWN)}</p>"}
<h2>Who decides</h2>
<p>{escape(WHO_DECIDES)}</p>
<p>Decision: {escape(one.decided)}</p>
</body>
</html>
"""


def _basis(one: Explanation) -> str:
    known = one.known_at.isoformat(timespec="seconds")
    return f"{one.asks_for} distinct problems propose a family; here {len(one.problems)} count. As known at {known}."


def _beyond(one: Explanation) -> str:
    """That there is more, and nothing of what it is."""
    return f"Records that evidence something and are not for this purpose: {one.beyond}."


def _found(problem: Explained) -> list[str]:
    told = []
    for each in problem.found:
        told += [f"  {each.rule} [{each.route}]: {each.who}", f"    {each.what}", f"    rule {each.source}"]
    return told


def _problems(problems: Iterable[Explained]) -> str:
    return "".join(
        f"<h3>{escape(each.code)} {escape(each.label)}</h3>{_items(map(_item, each.found))}" for each in problems
    )


def _item(one: Found) -> str:
    return (
        f"{escape(one.rule)} ({escape(str(one.route))}): {escape(one.who)}<br>"
        f'<span class="what">{escape(one.what)}</span><br><span class="source">Rule {escape(one.source)}</span>'
    )


def _items(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{each}</li>" for each in items) + "</ul>"
