import math

import numpy as np
import pytest

from lungct.froc import curve
from lungct.froc.curve import RATES, Froc, cpm
from lungct.froc.matching import match_marks
from lungct.intervals import replicate_weights
from lungct.sums import false_positives_per_scan, lesion_sensitivity
from tests.lungct.froc.findings import finding, marks


def froc(rows, nodules, scans):
    """A FROC from rows of score, unit and whether it is a hit."""
    scores, units, hits = zip(*rows, strict=True) if rows else ((), (), ())
    return Froc(
        np.array(scores, dtype=np.float64),
        np.array(units, dtype=np.int64),
        np.array(hits, dtype=np.bool_),
        np.array(nodules),
        np.array(scans),
    )


# 8 scans of one patient each, 4 nodules. From the highest score: hit, false, hit, false, false,
# hit; one nodule is missed. Points (false positives, hits): (0, 0), (0, 1), (1, 1), (1, 2), (2, 2),
# (3, 2), (3, 3).
HAND_MADE = froc(
    [
        (0.9, 0, True),
        (0.8, 1, False),
        (0.7, 2, True),
        (0.6, 3, False),
        (0.5, 3, False),
        (0.4, 4, True),
    ],
    nodules=[1, 0, 1, 0, 2, 0, 0, 0],
    scans=[1] * 8,
)


def test_the_points_of_a_curve():
    found = HAND_MADE.curve()
    assert found.scores.tolist() == [math.inf, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert (8 * found.false_positives_per_scan).tolist() == [0, 0, 1, 1, 2, 3, 3]
    assert (4 * found.sensitivity).tolist() == [0, 1, 1, 2, 2, 2, 3]


def test_sensitivities_by_hand():
    # Rate 1/8 is 1 false positive, where the curve rises from 1 to 2 hits: the higher one counts.
    # 1/4 is 2 false positives: 2 hits. From 1/2, 4 false positives, it goes on level at 3.
    expected = [2 / 4, 2 / 4, 3 / 4, 3 / 4, 3 / 4, 3 / 4, 3 / 4]
    assert HAND_MADE.sensitivities().tolist() == expected
    assert float(cpm(HAND_MADE.sensitivities())) == pytest.approx(sum(expected) / 7)
    assert float(lesion_sensitivity(HAND_MADE.sums())) == 3 / 4
    assert float(false_positives_per_scan(HAND_MADE.sums())) == 3 / 8


def test_straight_lines_between_points():
    # Scores tie: 0.5 is 4 false positives and 2 hits at once, over 4 scans. The curve runs straight
    # from (0, 0) to (4, 2), that is to 1 false positive per scan.
    found = froc([(0.5, 0, False)] * 4 + [(0.5, 0, True)] * 2, nodules=[2, 0], scans=[2, 2])
    assert found.curve().sensitivity.tolist() == [0, 1]
    assert found.sensitivities()[:4].tolist() == [1 / 8, 1 / 4, 1 / 2, 1]


def test_a_scan_without_marks_and_nodules_counts_as_a_scan():
    rows = [(0.9, 0, False), (0.8, 0, True)]
    assert false_positives_per_scan(froc(rows, [1], [1]).sums()) == 1.0
    assert false_positives_per_scan(froc(rows, [1, 0], [1, 3]).sums()) == 0.25
    # 1/8 per scan: with one scan an eighth of the way from no to one false positive, where the
    # curve is still at 0 hits; with 4 scans half of the way.
    assert froc(rows, [1], [1]).sensitivities().tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert froc(rows, [1, 0], [1, 3]).sensitivities().tolist() == [0, 1, 1, 1, 1, 1, 1]


def test_no_false_positives():
    found = froc([(0.9, 0, True), (0.1, 0, True)], nodules=[4], scans=[2])
    assert found.sensitivities().tolist() == [0.5] * 7


def test_no_marks():
    found = froc([], nodules=[1, 2], scans=[1, 1])
    assert found.sensitivities().tolist() == [0.0] * 7
    assert found.curve().false_positives_per_scan.tolist() == [0.0]
    assert lesion_sensitivity(found.sums()) == false_positives_per_scan(found.sums()) == 0


@pytest.mark.parametrize(("rows", "rate"), [([], 0.0), ([(0.5, 0, False)], 1.0)])
def test_without_nodules_sensitivity_is_undefined(rows, rate):
    found = froc(rows, nodules=[0], scans=[1])
    assert np.isnan(found.sensitivities()).all() and np.isnan(cpm(found.sensitivities()))
    assert np.isnan(lesion_sensitivity(found.sums())) and np.isnan(found.curve().sensitivity).all()
    assert false_positives_per_scan(found.sums()) == rate


def test_no_scans_at_all():
    found = Froc.gather([], [])
    assert np.isnan(found.sensitivities()).all()
    assert np.isnan(false_positives_per_scan(found.sums()))


def random_scans(generator, scans):
    """Scans of a coarse lattice and few scores, where distances and scores often tie."""
    made = []
    for _ in range(scans):
        counts = generator.integers(0, [12, 3, 3])
        places = [generator.integers(0, 12, (n, 3)) for n in counts]
        scores = generator.integers(0, 9, counts[0]) / 8
        diameters = [generator.choice([4, 6, 10, -1], n) for n in counts[1:]]
        findings = [
            [finding(*place, d) for place, d in zip(where, sizes, strict=True)]
            for where, sizes in zip(places[1:], diameters, strict=True)
        ]
        rows = [(*place, score) for place, score in zip(places[0], scores, strict=True)]
        made.append((rows, *findings))
    return made


def gathered(scans, patients):
    matches = [match_marks(marks(*rows), nodules, excluded) for rows, nodules, excluded in scans]
    return Froc.gather(matches, patients)


def lies_in(row, found):
    diameter_mm = 10 if found.diameter_mm == -1 else found.diameter_mm
    squares = sum((a - b) ** 2 for a, b in zip(row[:3], found.centre_mm, strict=True))
    return squares < (diameter_mm / 2) ** 2


def brute_force(scans, threshold):
    """False positives and hits when every mark with at least this score counts."""
    false_positives = hits = 0
    for rows, nodules, excluded in scans:
        shown = [row for row in rows if row[3] >= threshold]
        hits += sum(any(lies_in(row, nodule) for row in shown) for nodule in nodules)
        false_positives += sum(
            not any(lies_in(row, f) for f in nodules + excluded) for row in shown
        )
    return false_positives, hits


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_brute_force(seed):
    generator = np.random.default_rng(seed)
    scans = random_scans(generator, 9)
    patients = [f"P{n}" for n in generator.integers(0, 6, 9)]
    points = [(0, 0)] + [brute_force(scans, score / 8) for score in range(8, -1, -1)]
    false_positives, hits = np.transpose(points)
    nodules = sum(len(nodules) for _, nodules, _ in scans)
    # LUNA16's script interpolates like this.
    expected = np.interp(RATES, false_positives / 9, hits / nodules)
    found = gathered(scans, patients)
    assert found.sensitivities() == pytest.approx(expected, abs=1e-12)
    assert float(cpm(found.sensitivities())) == pytest.approx(expected.mean())
    assert float(lesion_sensitivity(found.sums())) == pytest.approx(hits[-1] / nodules)
    assert float(false_positives_per_scan(found.sums())) == pytest.approx(false_positives[-1] / 9)


def test_the_order_of_the_input_changes_nothing():
    generator = np.random.default_rng(3)
    scans = random_scans(generator, 9)
    patients = [f"P{n}" for n in generator.integers(0, 6, 9)]
    order = generator.permutation(9)
    shuffled = [
        ([rows[i] for i in generator.permutation(len(rows))], nodules[::-1], excluded[::-1])
        for rows, nodules, excluded in (scans[i] for i in order)
    ]
    one, other = gathered(scans, patients), gathered(shuffled, [patients[i] for i in order])
    weights = replicate_weights(len(one.scans), 30, seed=1)
    assert (cpm(one.sensitivities(weights)) == cpm(other.sensitivities(weights))).all()
    for name in ("scores", "false_positives_per_scan", "sensitivity"):
        assert (getattr(one.curve(), name) == getattr(other.curve(), name)).all()


def test_a_weight_is_how_often_the_scans_of_a_patient_are_there(monkeypatch):
    generator = np.random.default_rng(5)
    scans = random_scans(generator, 9)
    patients = [f"P{n}" for n in (0, 1, 1, 2, 3, 3, 3, 4, 5)]
    found = gathered(scans, patients)
    weights = replicate_weights(6, 12, seed=2)
    # Fewer marks than there are: every replicate is a block.
    monkeypatch.setattr(curve, "_BLOCK_MARKS", 5)
    sensitivities, sums = found.sensitivities(weights), found.sums(weights)
    assert sensitivities.shape == (12, 7) and cpm(sensitivities).shape == sums.hits.shape == (12,)
    for replicate, row in enumerate(weights):
        copies = [
            (s, p) for s, p in zip(scans, patients, strict=True) for _ in range(row[int(p[1])])
        ]
        drawn = gathered(*zip(*copies, strict=True))
        assert sensitivities[replicate] == pytest.approx(drawn.sensitivities(), abs=1e-12)
        assert (found.sensitivities(row) == sensitivities[replicate]).all()
        for name in ("nodules", "hits", "scans", "false_positives"):
            assert getattr(sums, name)[replicate] == getattr(drawn.sums(), name)


def test_a_replicate_without_nodules_is_undefined():
    found = froc([(0.9, 0, True), (0.8, 1, False)], nodules=[1, 0], scans=[1, 1])
    weights = np.array([[0, 2], [2, 0], [0, 0]])
    assert np.isnan(cpm(found.sensitivities(weights))).tolist() == [True, False, True]
    assert np.isnan(false_positives_per_scan(found.sums(weights))).tolist() == [False, False, True]


def test_scans_are_gathered_by_patient():
    scans = [
        match_marks(marks((0, 0, 0, 0.9), (50, 0, 0, 0.8)), [finding(0, 0, 0, 6)]),
        match_marks(marks(), [finding(0, 0, 0, 6), finding(9, 0, 0, 6)]),
        match_marks(marks((0, 0, 0, 0.7)), []),
    ]
    found = Froc.gather(scans, ["B", "A", "B"])
    assert found.nodules.tolist() == [2, 1] and found.scans.tolist() == [1, 2]
    rows = sorted(zip(found.scores, found.units, found.hits, strict=True))
    assert rows == [(0.7, 1, False), (0.8, 1, False), (0.9, 1, True)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"units": np.zeros(5, int)}, r"of shape \(marks,\), got \(\(6,\), \(5,\), \(6,\)\)"),
        ({"nodules": np.ones(7, int)}, r"of shape \(units,\), got \(\(7,\), \(8,\)\)"),
        ({"scores": np.array([1.0, 2.0, np.nan, 1.0, 1.0, 1.0])}, "finite scores, got nan"),
        ({"units": np.array([0, 1, 2, 3, 4, 8])}, "units from 0 to 7, got 0 to 8"),
        ({"units": np.array([0, -1, 2, 3, 4, 4])}, "units from 0 to 7, got -1 to 4"),
        ({"units": np.array([0, 1, 0, 3, 3, 0])}, "hits as nodules .* got 2 more in unit 0"),
    ],
)
def test_arrays_that_do_not_belong_together(change, message):
    with pytest.raises(ValueError, match=message):
        Froc(**{**vars(HAND_MADE), **change})


def test_scans_without_a_patient_are_refused():
    with pytest.raises(ValueError, match="a patient of each scan, got 1 and 2"):
        Froc.gather([match_marks(marks(), [])], ["A", "B"])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(7, int), r"weights \(units,\) of 8 units, got \(7,\)"),
        (np.ones((2, 2, 8), int), r"got \(2, 2, 8\)"),
        (np.full(8, -1), "weights from 0, got -1"),
    ],
)
def test_weights_that_fit_no_units(weights, message):
    for figure in (HAND_MADE.sensitivities, HAND_MADE.sums):
        with pytest.raises(ValueError, match=message):
            figure(weights)
