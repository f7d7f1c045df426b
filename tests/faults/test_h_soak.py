"""Group H, a short soak: some dozens of files while workers die and lines break; `make soak` takes ten thousand."""

import pytest

from support import soak

FILES = 60


@pytest.mark.timeout(3600)
def test_files_of_several_partners_come_to_their_end_whatever_dies_meanwhile(tenant, tmp_path):
    result, samples = soak.soak(tenant, tmp_path, files=FILES, within=1200)
    assert result.files == FILES
    assert result.faults.total() >= 1
    assert len(samples) >= 2
    assert str(result).startswith(f"SOAK files={FILES} seconds=")


@pytest.mark.parametrize(("step", "flat"), [(0, True), (-0.01, True), (5, False)])
def test_what_grows_is_found(step, flat):
    samples = [[float(number), 300 + step * number, 12] for number in range(100)]
    if flat:
        soak.assert_flat(samples)
        return
    with pytest.raises(AssertionError, match="memory grows"):
        soak.assert_flat(samples)


def test_a_point_strikes_when_it_has_been_met_often_enough():
    point = soak.Later("intake.stored")
    point.left = 2
    assert [point == "intake.stored" for _ in range(3)] == [False, False, True]
    assert point != "intake.vaulted"
