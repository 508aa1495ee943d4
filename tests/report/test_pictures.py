"""Pictures: which places are shown, and that the panels show them."""

import base64
import io
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from report.nodules import JudgedNodule, NoduleResult, ScanToJudge
from report.pictures import PictureRequest, choose_nodules, choose_real, draw
from tests.components.made_run import SPACING_MM, MadeNodule, MadeScan, write_judged

NODULE = MadeNodule("1", (5, 30, 46), 9.0, "8-15")


def to_judge(folder: Path, *nodules: MadeNodule) -> ScanToJudge:
    """A scan where nothing is predicted but a square in the middle of slice 5."""
    prediction = np.zeros((12, 64, 64), bool)
    prediction[5, 24:40, 24:40] = True
    return write_judged(folder, MadeScan("a", "eval", nodules, phantom=False), prediction)


def judged(
    of: ScanToJudge, dice: float | None, diameter_mm: float = 5.0, split: str = "eval"
) -> tuple[ScanToJudge, JudgedNodule]:
    result = NoduleResult("a", "p", split, False, "1", diameter_mm, "3-6", dice, 7, 7, 4)
    return of, JudgedNodule(result, 5, (30.0, 46.0))


def pixels(image: str) -> Any:
    head, _, body = image.partition("base64,")
    assert head == "data:image/png;"
    return matplotlib.image.imread(io.BytesIO(base64.b64decode(body)))[..., :3]


def has_colour(image: Any, rgb: tuple[int, int, int]) -> bool:
    return bool((np.abs(image * 255 - np.array(rgb)).max(-1) < 12).any())


def test_best_median_and_worst(tmp_path: Path) -> None:
    of = to_judge(tmp_path)
    dice = [0.7, None, 0.9, 0.1, 0.5, 0.6]

    requests = choose_nodules([judged(of, one) for one in dice])

    assert [(one.kind, one.result and one.result.dice) for one in requests] == [
        ("best of 5 eval nodules", 0.9),
        ("median of 5 eval nodules", 0.6),
        ("worst of 5 eval nodules", 0.1),
    ]


def test_one_nodule_is_shown_once_and_train_never(tmp_path: Path) -> None:
    of = to_judge(tmp_path)

    requests = choose_nodules([judged(of, 0.7), judged(of, 0.9, split="train")])

    assert [(one.kind, one.result and one.result.dice) for one in requests] == [
        ("the only eval nodule", 0.7)
    ]
    assert choose_nodules([]) == []


def test_real_scan_shows_its_largest_nodule(tmp_path: Path) -> None:
    of = to_judge(tmp_path)

    (request,) = choose_real([of], [judged(of, 0.9, 5.0), judged(of, 0.2, 12.0)])

    assert (request.kind, request.result and request.result.diameter_mm) == ("real scan", 12.0)


def test_real_scan_without_nodules_shows_its_middle(tmp_path: Path) -> None:
    (request,) = choose_real([to_judge(tmp_path)], [])

    # Of slices 0 to 11.
    assert (request.slice_index, request.result, request.centre_pixels) == (6, None, None)


def test_panels_of_a_nodule(tmp_path: Path) -> None:
    (request,) = choose_nodules([judged(to_judge(tmp_path, NODULE), 0.7)])

    picture = draw(request, SPACING_MM)

    assert [panel.title for panel in picture.panels] == ["Whole slice", "CT", "Truth", "Prediction"]
    whole, ct, truth, prediction = (pixels(panel.image) for panel in picture.panels)
    yellow, cyan, orange = (245, 217, 10), (34, 211, 238), (255, 138, 31)
    assert has_colour(whole, yellow)
    assert not any(has_colour(ct, colour) for colour in (yellow, cyan, orange))
    assert has_colour(truth, cyan) and not has_colour(truth, orange)
    assert has_colour(prediction, orange) and has_colour(prediction, cyan)
    # 64 x 64 voxels of (2, 1) mm are twice as high as wide; the zoom is a square of 60 mm.
    assert whole.shape[0] == 2 * whole.shape[1]
    assert ct.shape[0] == ct.shape[1]


def test_panels_without_a_nodule_show_the_whole_slice(tmp_path: Path) -> None:
    (request,) = choose_real([to_judge(tmp_path)], [])

    picture = draw(request, SPACING_MM)

    shapes = {pixels(panel.image).shape for panel in picture.panels}
    assert len(shapes) == 1
    assert (picture.split, picture.phantom, picture.result) == ("eval", False, None)


def test_slice_that_is_not_in_the_file(tmp_path: Path) -> None:
    request = PictureRequest("best", to_judge(tmp_path), 99, None, None)

    with pytest.raises(ValueError, match="expected slice 99 of a, got none"):
        draw(request, SPACING_MM)


def test_prediction_shown_is_that_of_the_slice(tmp_path: Path) -> None:
    of = to_judge(tmp_path, NODULE)
    orange = (255, 138, 31)

    shown = {
        z: pixels(draw(PictureRequest("x", of, z, None, None), SPACING_MM).panels[-1].image)
        for z in (4, 5)
    }

    assert {z: has_colour(image, orange) for z, image in shown.items()} == {4: False, 5: True}
