"""JSON Schemas of the files that people write, so that their editors can help while they write.

`python -m family_exchange.adapters.schemas` writes them anew; a test says when they are out of date.
"""

import json
from pathlib import Path

from pydantic import BaseModel

from family_exchange.adapters.profiles import ROOT, Advice
from family_exchange.adapters.requirements import Requirements
from family_exchange.domain.contract import Contract
from family_exchange.domain.drift import Drift
from family_exchange.domain.framework import Framework
from family_exchange.domain.profile import Profile
from family_exchange.domain.return_definition import ReturnDefinition

MODELS: dict[str, type[BaseModel]] = {
    "profile": Profile,
    "contract": Contract,
    "framework": Framework,
    "return": ReturnDefinition,
    "advice": Advice,
    "drift": Drift,
    "requirements": Requirements,
}


def text(model: type[BaseModel]) -> str:
    """The schema of `model` with the keys as the file writes them, in a form that only changes with the model."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write(folder: Path = ROOT / "schemas") -> None:
    """Write every schema; a second run writes the same bytes."""
    folder.mkdir(exist_ok=True)
    for name, model in MODELS.items():
        (folder / f"{name}.json").write_text(text(model), encoding="utf-8")


if __name__ == "__main__":
    write()
