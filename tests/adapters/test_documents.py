import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.adapters.documents import BadFile, parsed, read
from family_exchange.domain.contract import Contract
from family_exchange.domain.profile import Profile


def written(folder, text):
    path = folder / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_value_is_found_with_the_line_of_its_key(tmp_path):
    document = read(written(tmp_path, "a:\n  - b: 1\n  - b: 2\n    c: {d: 3}\n"), "a.yaml")
    assert document.data == {"a": [{"b": 1}, {"b": 2, "c": {"d": 3}}]}
    assert document.lines["a[1]"] == 3
    assert document.lines["a[1].c.d"] == 4


def test_a_problem_at_a_key_that_is_not_there_stands_at_the_nearest_one_above(tmp_path):
    document = read(written(tmp_path, "a:\n  b:\n    - c: 1\n"), "a.yaml")
    assert document.problem("a.b[0].d.e", "x").line == 3
    assert document.problem("z", "x").line == 1


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("a: 1\nb: [2\nc: 3\n", 3, "expected YAML"),
        ("a: 1\n\tb: 2\n", 2, "expected YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "each key once"),
        ("- a\n", 1, "expected a mapping"),
        ("", 1, "expected a mapping"),
        ("# nothing yet\n", 1, "expected a mapping"),
        (b"a: 1\nb: \xff\n", 2, "expected UTF-8"),
        ("a: 2026-02-30\n", 1, "impossible dates"),
        ("a: 1\nb: \x00\n", 1, "control characters"),
        ("a: 1\n---\nb: 2\n", 2, "expected YAML"),
        ("a: !!python/object:os.system {}\n", 1, "expected"),
    ],
)
def test_a_file_that_is_no_good_yaml_is_refused_with_its_line(tmp_path, text, line, expected):
    with pytest.raises(BadFile) as refused:
        parsed(read(written(tmp_path, text), "a.yaml"), Contract)
    assert (refused.value.file, refused.value.line) == ("a.yaml", line)
    assert any(expected in problem.expected for problem in refused.value.problems)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(BadFile, match=r"^a.yaml:1 the file: expected this file; it is not there$"):
        read(tmp_path / "a.yaml", "a.yaml")


CONTRACT = """feed: police_incidents
version: v1
title: People
partner_types: [police]
purposes: [monitor]
key: [a]
retention: {category: crime_asb, trigger: a}
columns:
  - name: a
    canonical: a
    type: text
    data_class: reference
    sensitivity: operational
    purposes: [monitor]
    description: x
"""


def problems_of(folder, text, model=Contract):
    with pytest.raises(BadFile) as refused:
        parsed(read(written(folder, text), "a.yaml"), model)
    return {problem.key: (problem.line, problem.expected) for problem in refused.value.problems}


def test_every_mistake_is_named_by_line_key_and_what_was_expected(tmp_path):
    text = """feed: police_incidents
version: 1
titel: People
partner_types: [postman]
purposes: [identify]
key: [record_ref]
retention: {category: crime_asb}
columns:
  - name: a
    canonical: a
    type: text
    data_class: reference
    sensitivity: operational
    purposes: [identify]
    nulable: true
    description: x
"""
    problems = problems_of(tmp_path, text)
    assert problems["version"] == (2, "expected a valid string")
    assert problems["titel"][0] == 3
    assert problems["titel"][1].endswith("found an unknown field; did you mean title?")
    assert problems["title"] == (1, "expected this key; it is missing")
    assert problems["partner_types[0]"][0] == 4
    assert problems["retention.trigger"] == (7, "expected this key; it is missing")
    assert problems["columns[0].nulable"][0] == 15
    assert "expected one of canonical, codes, data_class" in problems["columns[0].nulable"][1]


def test_an_unknown_key_below_a_list_or_a_mapping_of_choice_is_explained_too(tmp_path):
    problems = problems_of(tmp_path, "returns:\n  nis:\n    fields:\n      - {nme: x}\n    enabld: {}\n", Profile)
    assert problems["returns.nis.fields[0].nme"] == (
        4,
        "expected one of name, note, quote, source, status; found an unknown field; did you mean name?",
    )
    assert problems["returns.nis.enabld"][1].endswith("did you mean enabled?")


def test_a_mistake_that_only_the_whole_shows_stands_where_it_can_be_mended(tmp_path):
    text = CONTRACT.replace("key: [a]", "key: [b]")
    assert problems_of(tmp_path, text) == {"key": (6, "expected columns of the contract; it has no b")}
    text = CONTRACT.replace("    purposes: [monitor]", "    purposes: [identify]")
    assert problems_of(tmp_path, text)["columns[0].purposes"][0] == 14


def test_a_source_of_another_form_is_explained_in_words(tmp_path):
    text = "uk_only: {value: true, status: published, source: page 3}\nclaim_model: {value: none, status: published}\n"
    problems = problems_of(tmp_path, text, Profile)
    assert problems["uk_only.source"] == (1, "expected `<notice>.txt:<line>`")
    assert problems["claim_model"] == (2, "a published leaf needs `source: <notice>.txt:<line>`")


def test_a_value_is_never_repeated_in_a_message(tmp_path):
    problems = problems_of(tmp_path, "feed: Secret Words\nversion: secret\nkey: secret\ncolumns: {a: secret}\n")
    assert "secret" not in " ".join(expected for _, expected in problems.values()).lower()


def test_a_condition_with_a_nested_value_is_named_by_its_own_key(tmp_path):
    text = "retention: {category: a, trigger: a, category_by: [{category: b, when: [{column: a, op: eq, value: {}}]}]}"
    assert "retention.category_by[0].when[0].value" in problems_of(tmp_path, text)


@given(text=st.text(max_size=200))
def test_whatever_stands_in_a_file_it_is_refused_and_nothing_else_happens(tmp_path_factory, text):
    path = written(tmp_path_factory.mktemp("any"), text.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadFile) as refused:
        parsed(read(path, "a.yaml"), Contract)
    assert all(problem.line >= 1 and problem.expected for problem in refused.value.problems)
