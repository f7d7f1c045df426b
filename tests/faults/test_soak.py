"""The soak, for a minute: `make soak` has ten thousand files."""

import pytest

from support import soak

FILES = 80


@pytest.mark.timeout(600)
def test_many_files_with_things_going_wrong_all_come_to_their_ends():
    line = soak.soak(FILES, seed=7)
    assert line.startswith(f"SOAK files={FILES} ")
