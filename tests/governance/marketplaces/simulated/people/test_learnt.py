import numpy as np

from governance.marketplaces.simulated.people.learnt import crossed, guessed


def test_what_was_counted_outweighs_the_guess_in_time() -> None:
    learnt = guessed((0.5, 0.5), (0.5, 0.5))
    kind = np.array([0, 1], dtype=np.int64)
    assert np.allclose(learnt.log_ratio(kind), 0.0)
    learnt.learn(np.zeros(3_000, dtype=np.int64), np.ones(3_000, dtype=np.bool_))
    learnt.learn(np.arange(3_000, dtype=np.int64) % 2, np.zeros(3_000, dtype=np.bool_))
    assert np.allclose(learnt.log_ratio(kind)[0], np.log(2.0), atol=0.02)
    assert learnt.log_ratio(kind)[1] < -3


def test_groups_of_kinds_have_the_ratio_of_their_sums() -> None:
    learnt = guessed(crossed((0.2, 0.8), (0.5, 0.5)), crossed((0.4, 0.6), (0.9, 0.1)))
    assert np.allclose(learnt.log_ratio_of_groups(2), np.log([0.5, 0.8 / 0.6]))


def test_no_kind_is_ever_impossible() -> None:
    learnt = guessed((1.0, 0.0), (0.0, 1.0))
    assert np.isfinite(learnt.log_ratio(np.array([0, 1], dtype=np.int64))).all()
