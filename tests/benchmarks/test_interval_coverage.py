import numpy as np
import pytest

from benchmarks.interval_coverage import Sums, main, simulate


def test_prints_coverage_for_each_number_of_patients(capsys):
    main(["--patients", "3", "12", "--data-sets", "20", "--replicates", "50"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split()[0] == "patients"
    rows = [[float(word) for word in line.split()] for line in lines[4:6]]
    assert [row[0] for row in rows] == [3, 12]
    assert all(0 <= share <= 1 for row in rows for share in row[1:])


def test_figures_of_replicates_weigh_the_patients():
    # Two patients; drawn (1, 1), (2, 0), (0, 2): (1 + 3) / (2 + 4), 1 / 2, 3 / 4.
    sums = Sums(np.array([[[1.0, 3.0]]]), np.array([[[2.0, 4.0]]]))
    assert sums.figures() == pytest.approx(4 / 6)
    weights = np.array([[1, 1], [2, 0], [0, 2]], dtype=np.int32)
    assert sums.replicates(weights)[0, 0] == pytest.approx([4 / 6, 1 / 2, 3 / 4])


def test_nodules_of_one_patient_resemble_each_other():
    sums = simulate(1, 4000, np.random.default_rng(0))
    count, dice = sums.denominators[1, 0], sums.numerators[1, 0]
    assert count.min() == 1 and count.max() >= 5
    # Were they independent, the mean of five would spread 1 / sqrt(5) = 0.45 times as much.
    spread = [np.std(dice[count == nodules] / nodules) for nodules in (1, 5)]
    assert spread[1] > 0.6 * spread[0]
