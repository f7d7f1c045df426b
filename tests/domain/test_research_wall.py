import pytest

from family_exchange.adapters import profiles
from family_exchange.adapters.profiles import contract
from family_exchange.domain.research_wall import is_a_return
from family_exchange.domain.return_file import plain

LAYOUT = ("surname", "date_of_birth", "postcode", "family_id", "outcome")


@pytest.mark.requirement("R-062")
@pytest.mark.parametrize(
    ("head", "walled"),
    [
        (plain(LAYOUT, []), True),
        (b"\xef\xbb\xbf" + plain(LAYOUT, []), True),
        (b'"Outcome","family_id",surname,postcode,date_of_birth,earnings\r\nx', True),
        (b"surname,date_of_birth,postcode,family_id\n", False),
        (b"#family-exchange feed=police_incidents\nsurname,date_of_birth,postcode,family_id,outcome\n", True),
        (b"", False),
        (b"\xff\xfe\x00", False),
    ],
)
def test_what_looks_like_a_return_is_behind_the_wall(head, walled):
    assert is_a_return(head, [LAYOUT, ("a", "b")]) is walled


def test_no_feed_looks_like_a_return():
    for council in profiles.councils():
        layouts = [promise.fields for promise in profiles.profile(council).returns.values()]
        for feed in profiles.feeds():
            for version in profiles.versions(feed):
                agreed = contract(feed, version)
                for table in agreed.tables or [agreed]:
                    header = ",".join(column.name for column in table.columns)
                    assert not is_a_return(header.encode(), layouts)
