import math

import numpy as np
import pytest

from lungct.froc.matching import Marks, match_marks
from tests.lungct.froc.findings import finding, marks


def scores_of(matches):
    return matches.false_positive_scores.tolist()


def test_hits_misses_and_false_positives():
    given = marks((1, 2, 3, 0.4), (50, 2, 3, 0.9), (1, 2, 4, 0.3))
    found = match_marks(given, [finding(90, 0, 0, 6), finding(1, 2, 3, 6)])
    assert found.false_positives.tolist() == [False, True, False]
    assert scores_of(found) == [0.9]
    assert math.isnan(found.hit_scores[0]) and found.hit_scores[1] == 0.4
    assert (found.further_hits, found.on_excluded, found.over_limit) == (1, 0, 0)


@pytest.mark.parametrize(
    ("diameter_mm", "hit"),
    # (3, 4, 12) is 13 mm from the origin.
    [(26.0, False), (26.01, True), (25.99, False)],
)
def test_a_distance_equal_to_the_radius_is_no_hit(diameter_mm, hit):
    found = match_marks(marks((3, 4, 12, 0.5)), [finding(0, 0, 0, diameter_mm)])
    assert found.false_positives.tolist() == [not hit]
    assert math.isnan(found.hit_scores[0]) != hit


def test_the_distance_to_an_excluded_finding_is_judged_alike():
    for diameter_mm, on_excluded in ((26.0, 0), (26.01, 1)):
        found = match_marks(marks((3, 4, 12, 0.5)), [], [finding(0, 0, 0, diameter_mm)])
        assert (found.on_excluded, len(scores_of(found))) == (on_excluded, 1 - on_excluded)


@pytest.mark.parametrize(("x", "hit"), [(4.99, True), (5.0, False)])
def test_an_unknown_diameter_is_taken_for_10_mm(x, hit):
    assert match_marks(marks((x, 0, 0, 1)), [], [finding(0, 0, 0, -1)]).on_excluded == hit
    assert match_marks(marks((x, 0, 0, 1)), [finding(0, 0, 0, -1)]).false_positives[0] != hit


@pytest.mark.parametrize("diameter_mm", [0.0, -2.0, math.nan])
def test_other_diameters_are_refused(diameter_mm):
    for findings in (([finding(0, 0, 0, diameter_mm)], []), ([], [finding(0, 0, 0, diameter_mm)])):
        with pytest.raises(ValueError, match=f"above 0 mm, or -1, got {diameter_mm:g}"):
            match_marks(marks((0, 0, 0, 1)), *findings)


def test_the_highest_score_in_a_nodule_counts_and_ties_are_further_hits():
    given = marks((0, 0, 0, 0.2), (1, 0, 0, 0.7), (0, 1, 0, 0.7), (0, 0, 1, 0.1))
    found = match_marks(given, [finding(0, 0, 0, 6)])
    assert found.hit_scores.tolist() == [0.7]
    assert found.further_hits == 3 and not scores_of(found)


def test_marks_on_excluded_findings_are_neither_true_nor_false():
    # Two excluded findings overlap: a mark in both is one mark.
    given = marks((0, 0, 0, 0.9), (40, 0, 0, 0.8))
    found = match_marks(given, [], [finding(0, 0, 0, 6), finding(1, 0, 0, 6)])
    assert found.on_excluded == 1 and scores_of(found) == [0.8]


def test_a_mark_in_a_nodule_and_in_an_excluded_finding_is_a_hit():
    given = marks((0, 0, 0, 0.9), (1, 0, 0, 0.8))
    found = match_marks(given, [finding(0, 0, 0, 6)], [finding(1, 0, 0, 6)])
    assert found.hit_scores.tolist() == [0.9]
    assert (found.on_excluded, found.further_hits) == (0, 1)


def test_a_mark_in_two_nodules_hits_both():
    found = match_marks(marks((1, 0, 0, 0.9)), [finding(0, 0, 0, 6), finding(2, 0, 0, 6)])
    assert found.hit_scores.tolist() == [0.9, 0.9] and found.further_hits == 0


def many(scores):
    return Marks(np.zeros((len(scores), 3)), np.array(scores, dtype=np.float64))


def test_a_hundred_marks_are_all_kept():
    # With equal scores too: the limit is not reached.
    assert len(scores_of(match_marks(many([0.5] * 100), []))) == 100


def test_of_more_marks_those_above_the_first_one_too_many_are_kept():
    found = match_marks(many(range(150)), [])
    assert sorted(scores_of(found)) == list(range(50, 150)) and found.over_limit == 50
    # Scores 3, 2 and 1 of 60 marks each: the 101st is a 2, so that only the 3s are above it.
    found = match_marks(many([1, 2, 3] * 60), [])
    assert scores_of(found) == [3.0] * 60 and found.over_limit == 120
    # All alike: none is above the 101st.
    found = match_marks(many([0.5] * 101), [])
    assert scores_of(found) == [] and found.over_limit == 101


def test_marks_over_the_limit_hit_nothing():
    scores = [*range(1, 101), 0.5]
    centres = np.zeros((101, 3))
    centres[-1] = 50
    found = match_marks(Marks(centres, np.array(scores)), [finding(50, 50, 50, 6)])
    assert math.isnan(found.hit_scores[0]) and found.over_limit == 1
    # On an excluded finding it is not counted either.
    found = match_marks(Marks(centres, np.array(scores)), [], [finding(50, 50, 50, 6)])
    assert found.on_excluded == 0


def test_nothing_at_all():
    found = match_marks(marks(), [], [])
    assert found.false_positives.shape == found.hit_scores.shape == (0,)
    found = match_marks(marks(), [finding(0, 0, 0, 6)], [finding(0, 0, 0, 6)])
    assert np.isnan(found.hit_scores).tolist() == [True]


@pytest.mark.parametrize(
    ("centres", "scores", "message"),
    [
        (np.zeros((2, 3)), np.zeros(3), r"got \(\(2, 3\), \(3,\)\)"),
        (np.zeros((2, 2)), np.zeros(2), r"got \(\(2, 2\), \(2,\)\)"),
        (np.zeros((2, 3)), np.zeros((2, 1)), r"got \(\(2, 3\), \(2, 1\)\)"),
        (np.zeros((2, 3)), np.array([0.0, math.nan]), "finite centres and scores .* got nan"),
        (np.full((2, 3), math.inf), np.zeros(2), "got inf"),
    ],
)
def test_marks_that_cannot_be_ranked_or_placed(centres, scores, message):
    with pytest.raises(ValueError, match=message):
        Marks(centres, scores)
