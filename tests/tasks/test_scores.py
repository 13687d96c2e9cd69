from __future__ import annotations

import numpy as np
import pytest

from entailment.tasks.scores import sigmoid, softmax


def test_softmax_by_hand() -> None:
    np.testing.assert_allclose(softmax([np.log(1), np.log(2), np.log(5)]), [0.125, 0.25, 0.625])
    np.testing.assert_allclose(softmax([[0, 0], [np.log(3), 0]]), [[0.5, 0.5], [0.75, 0.25]])


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4, 3e38])
def test_softmax_is_stable_under_shifts(shift: float) -> None:
    assert softmax([shift, shift]).tolist() == [0.5, 0.5]
    assert softmax([-shift, shift]).sum() == 1.0


def test_softmax_of_no_rows_keeps_the_shape() -> None:
    assert softmax(np.empty((0, 3), dtype=np.float32)).shape == (0, 3)


def test_sigmoid() -> None:
    values = sigmoid([0.0, np.log(3), -np.log(3), 1e4, -1e4])
    np.testing.assert_allclose(values, [0.5, 0.75, 0.25, 1.0, 0.0])
