"""The list of what runs is whole, true, and in CycloneDX's own form."""

import copy

import pytest

from support import licences, sbom
from support.pinned import CHECKS, RUNS, pins, plain

PARTS = 20
"""The schema is asked about so many: it takes half a second for each."""


@pytest.fixture(scope="module")
def made():
    return sbom.with_licences(sbom.made(), licences.stated())


@pytest.fixture
def said(made):
    """A list of its own, with its first parts only."""
    short = copy.deepcopy(made)
    short["components"] = short["components"][:PARTS]
    kept = {part["bom-ref"] for part in short["components"]} | {short["metadata"]["component"]["bom-ref"]}
    short["dependencies"] = [
        each | {"dependsOn": [one for one in each["dependsOn"] if one in kept]}
        for each in short["dependencies"]
        if each["ref"] in kept
    ]
    return short


def test_every_package_that_runs_is_on_it_with_version_and_licence(made):
    assert list(sbom.against_what_is_pinned(made)) == []
    (paramiko,) = [part for part in made["components"] if part["name"] == "paramiko"]
    (pin,) = [pin for pin in pins(RUNS) if pin.name == "paramiko"]
    assert paramiko["purl"] == f"pkg:pypi/paramiko@{pin.version}"
    assert "LGPL" in str(paramiko["licenses"])
    assert pin.hashes[0] in str(paramiko["properties"])


def test_what_only_checks_is_not_on_it(made):
    has = {plain(part["name"]) for part in made["components"]}
    only_check = {pin.name for pin in pins(CHECKS)} - {pin.name for pin in pins(RUNS)}
    assert "pytest" in only_check
    assert has & only_check == set()


def test_it_says_what_needs_what(made):
    needs = {each["ref"]: each["dependsOn"] for each in made["dependencies"]}
    (paramiko,) = [part["bom-ref"] for part in made["components"] if part["name"] == "paramiko"]
    assert any("cryptography" in one for one in needs[paramiko])


def test_it_holds_to_the_schema(said):
    assert sbom.against_the_schema(said) is None
    del said["components"][0]["name"]
    assert "it is no CycloneDX 1.6" in sbom.against_the_schema(said)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda part: part.update(name="another"), "it runs and is not on the list"),
        (lambda part: part.update(version="0"), "0 is installed"),
        (lambda part: part.pop("licenses"), "it has no licence"),
    ],
)
def test_a_list_that_is_not_true_is_noticed(made, change, words):
    lying = copy.deepcopy(made)
    change(lying["components"][0])
    (problem,) = sbom.against_what_is_pinned(lying)
    assert words in problem
