"""A contract whose files are bundles of tables, and what a file may come in."""

import pytest
from pydantic import ValidationError

from family_exchange.domain.container import Encoding, Format
from family_exchange.domain.contract import Contract, TableContract
from support import profiles as a


def a_table(name="people", role="persons", **changes):
    return {
        "name": name,
        "title": "People",
        "role": role,
        "key": ["record_ref"],
        "columns": [a.column("record_ref")],
    } | changes


def a_bundle(*tables, formats=("zip",)):
    return a.contract(tables=list(tables), file={"formats": list(formats)})


EPISODES = a_table(
    "plans", "episodes", since="begun", until="ended",
    columns=[a.column("record_ref"), a.column("begun", type="date"), a.column("ended", type="date")],
)  # fmt: skip


def test_each_table_is_a_contract_of_its_own_with_a_suite_of_its_own():
    contract = Contract.model_validate(a_bundle(a_table(), EPISODES, formats=("zip", "xlsx")))
    people, plans = contract.of_table("people"), contract.of_table("plans")
    assert isinstance(plans, TableContract)
    assert (contract.suite, plans.suite) == ("v1", "v1.plans")
    assert (plans.headers, plans.key) == (("record_ref", "begun", "ended"), ("record_ref",))
    assert (plans.file.formats, plans.tables) == ((Format.CSV,), ())
    assert (people.may_be_empty, plans.may_be_empty, contract.may_be_empty) == (False, True, False)
    with pytest.raises(KeyError, match="nowhere"):
        contract.of_table("nowhere")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (a_bundle(a_table(), a_table()), "each table once"),
        (a_bundle(EPISODES), "one table of persons"),
        (a_bundle(a_table(), a_table("others")), "one table of persons"),
        (a_bundle(a_table(), formats=("csv",)), "csv for a feed without tables"),
        (a_bundle(), "csv for a feed without tables"),
        (a_bundle(formats=("csv", "zip")), "zip only for a feed with tables"),
        (a_bundle(a_table(since="begun")), "`since` and `until` with addresses and episodes"),
        (a_bundle(a_table(), EPISODES | {"until": None}), "`since` and `until` with addresses and episodes"),
        (a_bundle(a_table(key=["nothing"])), "columns for nothing"),
        (a_bundle(a_table(columns=[a.column("somebody")], key=["somebody"])), "columns for record_ref"),
        (a_bundle(a_table(columns=[a.column("record_ref"), a.column("record_ref")])), "each name once"),
    ],
)
def test_tables_that_do_not_make_a_bundle_are_refused(made, expected):
    with pytest.raises(ValidationError, match=expected):
        Contract.model_validate(made)


def test_one_word_for_an_encoding_is_a_list_of_one():
    contract = Contract.model_validate(a.contract(file={"encoding": "utf-8"}))
    assert contract.file.encoding == (Encoding.UTF_8,) == Contract.model_validate(a.contract()).file.encoding


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ({"encoding": ["windows-1252", "utf-8"]}, "utf-8 first"),
        ({"encoding": "windows-1252"}, "utf-8 first"),
        ({"encoding": ["utf-8", "utf-8"]}, "each of them once"),
        ({"encoding": "ebcdic"}, "Input should be"),
        ({"encoding": []}, "at least 1 item"),
        ({"formats": ["csv", "csv"]}, "each of them once"),
        ({"formats": ["pdf"]}, "Input should be"),
    ],
)
def test_what_a_file_may_come_in_can_be_told_by_its_bytes(file, expected):
    with pytest.raises(ValidationError, match=expected):
        Contract.model_validate(a.contract(file=file))


@pytest.mark.requirement("R-031")
@pytest.mark.parametrize("name", ["photo", "pers_photograph", "scan_base64", "image", "face_jpeg", "document_blob"])
def test_a_contract_cannot_have_a_column_of_pictures_or_binary_data(name):
    with pytest.raises(ValidationError, match="pictures and binary data"):
        Contract.model_validate(a.contract(columns=[*a.contract()["columns"], a.column(name)]))


@pytest.mark.requirement("R-031")
def test_a_column_whose_name_only_sounds_like_a_picture_is_no_picture():
    Contract.model_validate(a.contract(columns=[*a.contract()["columns"], a.column("imagery_officer")]))
