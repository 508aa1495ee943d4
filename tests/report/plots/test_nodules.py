"""Plots of single nodules: every mark leads to its nodule."""

import re

from report.agreement import Agreement, volume_agreement
from report.calibration import CalibrationBin
from report.plots.nodules import dice_against_diameter, reliability
from report.plots.nodules import volume_agreement as volume_plot
from tests.report.facts import nodule

NODULES = (
    nodule(1, dice=0.5, diameter_mm=5.0, truth_mm3=100.0, predicted_mm3=200.0),
    nodule(2, dice=0.0, diameter_mm=20.0, truth_mm3=1000.0, predicted_mm3=0.0, phantom=False),
    nodule(3, dice=None, truth_mm3=0.0, predicted_mm3=5.0),
)


def dots(text: str) -> dict[str, tuple[float, float]]:
    """Places of the marks by what they lead to."""
    found = re.findall(r'<a href="#(\S+?)".*?cx="(\S+?)" cy="(\S+?)"', text)
    return {anchor: (float(x), float(y)) for anchor, x, y in found}


def test_dice_against_diameter() -> None:
    text = dice_against_diameter(NODULES)

    places = dots(text)
    assert set(places) == {"nodule-1", "nodule-2"}
    # 5 of 21 mm, and 20 of 21 mm, along 490 from 56 on.
    assert places["nodule-1"][0] == round(56 + 490 * 5 / 21, 1)
    assert places["nodule-1"][1] < places["nodule-2"][1]
    assert "5.0 mm, nodule Dice 0.500, 200 of 100 mm³: nodule 1 of 1.2.3" in text
    assert "nodule of a phantom" in text and "nodule of a patient" in text
    # Borders at 6, 8 and 15 mm.
    assert text.count('class="line border"') == 3


def test_volumes_with_bias_and_limits() -> None:
    text = volume_plot(NODULES, volume_agreement(NODULES))

    places = dots(text)
    assert set(places) == {"nodule-1", "nodule-2"}
    # What is missed is at the lower edge, at its true volume: 1000 of 100..1000.
    assert places["nodule-2"] == (546.0, 284.0)
    assert text.count('class="line bias"') == 1
    assert text.count('class="line limit"') == 0  # of one nodule there are none
    two = (*NODULES, nodule(4, truth_mm3=100.0, predicted_mm3=50.0))
    assert volume_plot(two, volume_agreement(two)).count('class="line limit"') == 2


def test_volumes_where_all_are_missed() -> None:
    missed = NODULES[1:2]
    text = volume_plot(missed, volume_agreement(missed))
    assert 'class="line bias"' not in text and set(dots(text)) == {"nodule-2"}


def test_reliability() -> None:
    bins = (
        CalibrationBin(0.0, 0.5, 1000, 100, 0.05, 0.2),
        CalibrationBin(0.5, 1.0, 0, 0, None, None),
    )

    text = reliability(bins)

    assert "<title>0 to 0.5: 0.100 of 1\u202f000 voxels</title>" in text
    assert text.count('class="dot eval"') == text.count('class="whisker"') == 1


def test_limits_beyond_the_axis_are_not_drawn() -> None:
    far = Agreement(2, 0, 1.0, 0.001, 4.0)
    assert volume_plot(NODULES, far).count('class="line limit"') == 1
