"""Pictures: what is seen where, in each plane."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from report.gallery import Request
from report.pictures import draw_scan, zoom_mm
from report.slices import ScanFiles
from tests.components.made_run import SPACING_MM, MadeNodule, MadeScan, write_judged
from tests.report.facts import nodule

# 12 x 64 x 64 voxels of (2.5, 2, 1) mm: 30 x 128 x 64 mm.
NODULE = MadeNodule("1", (5, 30, 40), 9.0, "8-15")
SCAN = MadeScan("a", "eval", (NODULE,))


def request(zyx: tuple[int, int, int] = NODULE.zyx, **changed: Any) -> Request:
    result = nodule(series_uid="a", centre_mm=SCAN.world(zyx), diameter_mm=9.0, **changed)
    return Request("worst", "a", result=result)


def drawn(folder: Path, wanted: Request, prediction: Any = None) -> dict[str, str]:
    files = write_judged(folder, SCAN, prediction)
    (picture,) = draw_scan(files, [wanted], SPACING_MM)
    return {name: str(svg) for name, svg in picture.panels}


def path_of(svg: str, name: str) -> str:
    found = re.search(rf'<path class="{name}" d="([^"]*)"', svg)
    assert found
    return found[1]


def image(svg: str) -> Any:
    found = re.search(r'href="data:image/\w+;base64,([^"]*)"', svg)
    assert found
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))


def place(svg: str) -> list[float]:
    """Left, top, width and height of the image in mm."""
    found = re.search(r'<image x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"', svg)
    assert found
    return [float(value) for value in found.groups()]


def test_three_planes_and_the_whole_slice(tmp_path: Path) -> None:
    panels = drawn(tmp_path, request())

    assert list(panels) == ["axial", "coronal", "sagittal", "whole slice"]
    assert all('viewBox="0 0 40 40"' in panels[name] for name in ("axial", "coronal", "sagittal"))
    assert 'viewBox="0 0 64 128"' in panels["whole slice"]


def test_axial_plane_around_the_nodule(tmp_path: Path) -> None:
    panels = drawn(tmp_path, request())

    # 20 mm on each side are 10 rows and 20 columns: rows 20..40, columns 20..60.
    assert image(panels["axial"]).shape == (21, 41)
    # Half a pixel more than 20 mm on each side.
    assert place(panels["axial"]) == [-0.5, -1.0, 41.0, 42.0]
    # The truth lies around the middle: the lowest column is 4 left of voxel 20 of the cut.
    assert "M16 " in path_of(panels["axial"], "truth")
    # What is predicted is one column to the right.
    assert "M16 " not in path_of(panels["axial"], "prediction")
    assert "M17 " in path_of(panels["axial"], "prediction")


def test_head_is_at_the_top(tmp_path: Path) -> None:
    prediction = np.zeros(SCAN.shape, bool)
    prediction[11] = True  # the slice nearest to the head

    panels = drawn(tmp_path, request(), prediction)

    for name in ("coronal", "sagittal"):
        # All 12 slices are within 20 mm of the nodule's; the only edge is under the first line.
        assert (
            path_of(panels[name], "prediction")
            == {"coronal": "M0 1h41", "sagittal": "M0 1h21"}[name]
        )
        # Slices 5..11 are above the middle: 6.5 of 2.5 mm from the middle at 20 mm.
        assert place(panels[name])[1] == pytest.approx(20 - 6.5 * 2.5)
        assert place(panels[name])[3] == 30.0


def test_front_is_on_the_left_in_the_sagittal_plane(tmp_path: Path) -> None:
    prediction = np.zeros(SCAN.shape, bool)
    prediction[:, :30] = True  # in front of the nodule

    panels = drawn(tmp_path, request(), prediction)

    # Rows 20..40 from left to right: the edge is after the tenth.
    assert path_of(panels["sagittal"], "prediction") == "M10 0v12"


def test_whole_slice_has_a_box_around_what_is_seen(tmp_path: Path) -> None:
    panels = drawn(tmp_path, request())

    # Voxel (30, 40) has its middle at 61 and 40.5 mm.
    box = '<rect class="box" x="20.5" y="41" width="40" height="40"/>'
    assert box in panels["whole slice"]
    assert path_of(panels["whole slice"], "region")


def test_a_place_outside_of_the_scan_is_moved_to_its_edge(tmp_path: Path) -> None:
    panels = drawn(tmp_path, request((40, -9, 70)))

    # Row 0, column 63: rows 0..10, columns 43..63.
    assert image(panels["axial"]).shape == (11, 21)
    assert place(panels["axial"])[:2] == [-0.5, 19.0]


def test_middle_of_a_scan_without_nodules(tmp_path: Path) -> None:
    files = write_judged(tmp_path, MadeScan("a", "eval"))

    (picture,) = draw_scan(files, [Request("scan", "a")], SPACING_MM)

    assert picture.slice_index == 6


def test_large_nodules_are_seen_from_further_away() -> None:
    sizes = [zoom_mm(Request("x", "a", result=nodule(diameter_mm=mm))) for mm in (5, 30, 90)]

    assert sizes == [40.0, 60.0, 120.0]
    assert zoom_mm(Request("x", "a")) == 40.0


def test_mask_of_another_scan(tmp_path: Path) -> None:
    files = write_judged(tmp_path, SCAN, np.zeros((1, 2, 3), bool))

    with pytest.raises(ValueError, match=r"expected a mask of shape \(12, 64, 64\)"):
        draw_scan(ScanFiles(files.folder, files.rows, files.mask), [request()], SPACING_MM)
