"""A secret in shares: enough of them give it back, fewer say nothing."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import shares
from family_exchange.domain.errors import NeedsDecision

SECRET = bytes(range(32))


def cut(secret=SECRET, *, needed=2, total=3, seed=1):
    chance = Random(seed).randbytes(len(secret) * (needed - 1))
    return shares.split(secret, needed=needed, total=total, chance=chance)


@given(
    secret=st.binary(min_size=1, max_size=40),
    numbers=st.tuples(st.integers(2, 5), st.integers(0, 4)),
    seed=st.integers(),
)
def test_any_that_are_enough_give_the_secret(secret, numbers, seed):
    needed, more = numbers
    made = cut(secret, needed=needed, total=needed + more, seed=seed)
    assert all(shares.joined(some) == secret for some in combinations(made, needed))


def test_one_share_alone_fits_every_secret():
    """Whatever the secret's first byte is, some chance gives just this share: so the share does not tell."""
    seen = {
        shares.split(bytes([secret]), needed=2, total=2, chance=bytes([chance]))[0].values
        for secret in (0, 255)
        for chance in range(256)
    }
    assert seen == {bytes([value]) for value in range(256)}


def test_too_few_shares_are_told_so():
    made = cut(needed=3, total=4)
    with pytest.raises(NeedsDecision, match="3 different shares are needed, and 2 came"):
        shares.joined([made[0], made[2], made[0]])
    assert shares.joined(made) == SECRET


def test_shares_of_two_secrets_are_told_apart_where_they_can_be():
    with pytest.raises(NeedsDecision, match="not shares of one secret"):
        shares.joined([cut()[0], cut(b"another")[1]])


def test_a_share_is_typed_as_it_was_printed_with_spaces_or_capitals():
    share = cut()[1]
    assert shares.read(f"  {share.text[:20]} {share.text[20:]}\n".upper()) == share


@given(at=st.integers(0, 60))
def test_a_mistyped_share_is_noticed(at):
    text = cut()[1].text
    letter = "0" if text[at] != "0" else "1"
    if text[at] == "-":
        return
    with pytest.raises(NeedsDecision):
        shares.read(text[:at] + letter + text[at + 1 :])


@pytest.mark.parametrize("text", ["", "1-2", "one-2-aa-bb", "1-2-zz-00"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(NeedsDecision, match="a share is one line"):
        shares.read(text)


@pytest.mark.parametrize(("needed", "total"), [(1, 3), (4, 3), (2, 17)])
def test_numbers_that_make_no_sense_are_refused(needed, total):
    with pytest.raises(NeedsDecision, match="at least 2 are needed"):
        shares.split(SECRET, needed=needed, total=total, chance=SECRET)


def test_chance_must_be_as_long_as_it_takes():
    with pytest.raises(ValueError, match="as much chance"):
        shares.split(SECRET, needed=3, total=3, chance=SECRET)


def test_a_share_does_not_show_itself():
    assert cut()[0].values.hex() not in repr(cut()[0])
