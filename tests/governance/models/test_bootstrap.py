import numpy as np
import pytest

from governance.models.bootstrap import Resamples, interval


def test_draws_are_the_same_each_time_and_take_whole_groups() -> None:
    groups = np.array([0, 0, 1, 2, 2, 2])
    resamples = Resamples(groups=groups, replicates=50, seed=4)
    first, second = (np.concatenate(list(resamples)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (50, 6)
    np.testing.assert_array_equal(first[:, 0], first[:, 1])
    np.testing.assert_array_equal(first[:, [3, 3]], first[:, [4, 5]])
    np.testing.assert_array_equal(first[:, [0, 2, 3]].sum(axis=1), np.full(50, 3))


def test_draws_do_not_depend_on_how_many_fit_in_memory_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resamples = Resamples(groups=np.arange(40), replicates=21, seed=4)
    at_once = np.concatenate(list(resamples))
    monkeypatch.setattr("governance.models.bootstrap._CELLS_AT_ONCE", 80)
    np.testing.assert_array_equal(np.concatenate(list(resamples)), at_once)


@pytest.mark.parametrize(("members", "expected"), [(1, 0.95), (8, 0.95)], ids=["rows", "groups of eight"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(members: int, expected: float) -> None:
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(80), members)
    covered = 0
    for trial in range(200):
        values = rng.normal(size=80)[groups] + 0.3 * rng.normal(size=len(groups))
        drawn = np.concatenate(
            [times @ values / times.sum(axis=1) for times in Resamples(groups=groups, replicates=200, seed=trial)]
        )
        found = interval(float(values.mean()), drawn)
        assert found is not None
        covered += found.low <= 0 <= found.high
    assert covered / 200 == pytest.approx(expected, abs=0.05)


def test_an_undefined_figure_has_no_interval_and_undefined_replicates_do_not_count() -> None:
    assert interval(float("nan"), np.array([1.0, 2.0])) is None
    assert interval(1.0, np.array([np.nan])) is None
    found = interval(1.0, np.array([np.nan, 2.0, 2.0]))
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, 2.0, 2.0)
