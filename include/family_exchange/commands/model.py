"""The linkage model: train another version on a council's own records, and see what it would change before it does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from family_exchange.adapters import linkage_model, profiles
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.commands.common import Council, Json, doors, say, table
from family_exchange.commands.profile import known
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.matching import Thresholds

if TYPE_CHECKING:
    from family_exchange.adapters.statements import Table

models = typer.Typer(help="How people are matched: versions of the linkage model.", no_args_is_help=True)

Files = Annotated[
    Path | None,
    typer.Option(
        "--files", help="Partner files in the clear, as `synth` writes them; otherwise the council's register."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(models, name="model")


@models.command("train")
def train(
    council: Council,
    out: Annotated[Path, typer.Option(help="The file to write; its name says the version, as v3.json.")],
    files: Files = None,
    base: Annotated[str | None, typer.Option(help="The version to start from; otherwise the newest.")] = None,
    note: Annotated[str | None, typer.Option(help="What it was trained on, as the file says it.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed and records give the same file.")] = 1,
    as_json: Json = False,
) -> None:
    """Learn weights from records alone; only weights and counts go into the file, nobody's name."""
    from family_exchange.adapters import linkage_file, training  # noqa: PLC0415 - DuckDB and Splink

    known(council)
    if out.exists():
        raise NeedsDecision(f"{out.name} is there already: a version that has joined people is never written over")
    if not linkage_model.is_version(out.stem):
        raise NeedsDecision("the file's name says the version: v and a number, as v3.json")
    start = linkage_model.model(base)
    stated = _stated(council, files, start)
    trained = training.train(stated, start, version=out.stem, on=note or council, seed=seed)
    out.write_text(linkage_file.written(trained), encoding="utf-8")
    moved = _moved(start, trained)
    data = {"version": trained.version, "statements": trained.trained[-1].statements, "moved": len(moved)}
    words = table(f"{out} from {start.version}: {data['statements']} statements", _MOVED, moved)
    say(data, as_json=as_json, words=lambda: words)


@models.command("compare")
def compare(
    council: Council,
    old: Annotated[str, typer.Argument(help="A version, or a file.")],
    new: Annotated[str, typer.Argument(help="Another one.")],
    files: Files = None,
    truth: Annotated[
        Path | None, typer.Option(help="A synthetic council's folder: its files are compared, and judged by its truth.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How many pairs two models grade differently, which weights moved and, with a truth, how good either is."""
    from family_exchange.stages import modelling  # noqa: PLC0415 - DuckDB and Splink

    known(council)
    matching = profiles.profile(council).matching
    thresholds = Thresholds(certain=matching.certain, possible=matching.possible)
    both = [_named(name) for name in (old, new)]
    stated = [_stated(council, truth or files, model) for model in both]
    found = [modelling.find(each, model, thresholds) for each, model in zip(stated, both, strict=True)]
    changes = modelling.changes(found[0], found[1])
    moved = _moved(*both)
    data: dict[str, Any] = {
        "grades": [{"from": was, "to": now, "pairs": count} for (was, now), count in sorted(changes.items())],
        "weights": [dict(zip(("comparison", "level", "old_bits", "new_bits"), row, strict=True)) for row in moved],
    }
    if truth:
        meant, keys = modelling.folder_truth(truth), sorted(set(stated[0]["key"].to_pylist()))
        judged = [modelling.quality(each.joined, meant, keys) for each in found]
        data["quality"] = [
            {"model": model.version, "precision": one.precision, "recall": one.recall, "f1": one.f1,
             "false_joins": one.false_joins, "by_likeness": dict(one.by_likeness)}
            for model, one in zip(both, judged, strict=True)
        ]  # fmt: skip
    say(data, as_json=as_json, words=lambda: _tables(data, moved))


_MOVED = ("comparison", "level", "old bits", "new bits")


def _tables(data: dict[str, Any], moved: list[tuple[object, ...]]) -> object:
    from rich.console import Group  # noqa: PLC0415 - only for people

    grades: list[tuple[object, ...]] = [(each["from"], each["to"], each["pairs"]) for each in data["grades"]]
    drawn = [table("Pairs of references that change their grade", ("from", "to", "pairs"), grades)]
    drawn.append(table("Weights that move", _MOVED, moved))
    if "quality" in data:
        names = ("model", "precision", "recall", "f1", "false_joins")
        rows: list[tuple[object, ...]] = [
            tuple(f"{one[name]:.4f}" if isinstance(one[name], float) else one[name] for name in names)
            for one in data["quality"]
        ]
        drawn.append(table("Against the truth", names, rows))
    return Group(*drawn)


def _named(name: str) -> LinkageModel:
    """The model of that version, or in that file."""
    if linkage_model.is_version(name):
        return linkage_model.model(name)
    if not Path(name).is_file():
        versions = ", ".join(linkage_model.versions())
        raise NeedsDecision(f"a model is a version or a file; there are: {versions}")
    return linkage_model.read(Path(name))


def _stated(council: str, files: Path | None, model: LinkageModel) -> "Table":
    from family_exchange.adapters import statements  # noqa: PLC0415 - as above
    from family_exchange.stages import modelling  # noqa: PLC0415 - as above

    if files is None:
        return modelling.register_statements(doors(council), model)
    raw = modelling.folder_statements(files, profiles.profile(council))
    return statements.standard(raw, model.names, model.placeholders)


def _moved(old: LinkageModel, new: LinkageModel) -> list[tuple[object, ...]]:
    """Comparison, level, and the bits of agreement in each; None where a model has no such level."""
    before, after = linkage_model.weights(old), linkage_model.weights(new)
    rows = [(*level, before.get(level), after.get(level)) for level in dict.fromkeys((*before, *after))]
    return [row for row in rows if row[2] != row[3]]
