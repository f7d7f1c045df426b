"""A linkage model as a file that people read and compare: one line for each level, the same text for the same model."""

import json

from family_exchange.adapters.linkage_model import LinkageModel

_SETS = (
    "shared_forenames", "other_forenames", "placeholder_births", "placeholder_postcodes", "shared_places",
    "shared_uprns",
)  # fmt: skip
_WIDEST = 116


def written(model: LinkageModel) -> str:
    """The model as a file holds it: the same text for the same model."""
    data = model.model_dump(mode="json", exclude_defaults=True)
    data["forms"] = sorted(sorted(group) for group in data["forms"])
    data |= {name: sorted(data[name]) for name in _SETS if name in data}
    lines = [f"  {json.dumps(key)}: {_text(key, value)}" for key, value in data.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _text(key: str, value: object) -> str:
    """JSON: one line for each level, rule and group of forms; many names share a line."""
    plain = json.dumps(value, ensure_ascii=False)
    if key == "splink" and isinstance(value, dict):
        inner = [f"    {json.dumps(name)}: {_nested(each)}" for name, each in value.items()]
        return "{\n" + ",\n".join(inner) + "\n  }"
    if key in {"forms", "trained"} and isinstance(value, list):
        return "[\n" + ",\n".join(f"    {json.dumps(each, ensure_ascii=False)}" for each in value) + "\n  ]"
    return plain if len(plain) < _WIDEST else _wrapped(plain)


def _nested(value: object) -> str:
    if not isinstance(value, list):
        return json.dumps(value)
    lines = []
    for each in value:
        if "comparison_levels" not in each:
            lines.append(f"      {json.dumps(each)}")
            continue
        head = ", ".join(
            f"{json.dumps(name)}: {json.dumps(part)}" for name, part in each.items() if name != "comparison_levels"
        )
        levels = ",\n".join(f"        {json.dumps(level)}" for level in each["comparison_levels"])
        lines.append(f'      {{{head}, "comparison_levels": [\n{levels}\n      ]}}')
    return "[\n" + ",\n".join(lines) + "\n    ]"


def _wrapped(plain: str) -> str:
    """A long list or table over several lines, broken after commas."""
    lines, line = [], ""
    for part in plain[1:-1].split(", "):
        if len(line) + len(part) > _WIDEST:
            lines.append(line.rstrip())
            line = ""
        line += f"{part}, "
    lines.append(line.removesuffix(", "))
    return plain[0] + "\n" + "\n".join(f"    {each}" for each in lines) + "\n  " + plain[-1]
