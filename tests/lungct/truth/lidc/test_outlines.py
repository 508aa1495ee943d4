import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.truth.lidc import outlines as outlines_module
from lungct.truth.lidc.outlines import (
    ImageStack,
    check_heights,
    enclosed,
    image_stack,
    render_finding,
)
from lungct.truth.lidc.reads import Finding, LidcError, Outline, Reads, Session
from tests.lungct.truth.lidc import xml

GEOMETRY = Geometry((4, 20, 30), (-10.0, -20.0, -100.0), (0.7, 0.8, 2.5))
STACK = image_stack(GEOMETRY)


def outline(points, z_mm=-100.0, inclusion=True):
    return Outline(z_mm, inclusion, tuple(points))


def render(*outlines):
    return render_finding(0, Finding("N", tuple(outlines)), STACK)


def pixels(points):
    """All enclosed pixels as (x, y)."""
    (row, column), mask = enclosed(points)
    return {(int(x) + column, int(y) + row) for y, x in np.argwhere(mask)}


def test_the_pixels_of_the_line_lie_outside():
    assert pixels(xml.square(3, 5, 2)) == {(4, 6), (5, 6), (4, 7), (5, 7)}


def test_an_outline_at_the_corner_of_the_image():
    assert pixels(xml.square(0, 0, 1)) == {(1, 1)}


def test_four_pixels_enclose_one():
    # As the smallest outlines are: steps over corners, 8-connected.
    assert pixels([(5, 4), (6, 5), (5, 6), (4, 5), (5, 4)]) == {(5, 5)}


def test_an_open_line_with_gaps_is_closed():
    # The corners alone of a square that encloses 4 x 4 pixels.
    assert len(pixels([(0, 0), (5, 0), (5, 5), (0, 5)])) == 16


@pytest.mark.parametrize("points", [[(3, 3)], [(3, 3), (4, 3)], [(3, 3), (4, 3), (4, 4)]])
def test_points_that_enclose_nothing(points):
    assert pixels(points) == set()


def test_a_line_that_crosses_itself_encloses_both_loops():
    # Both squares have the pixel (4, 4), where the line changes over.
    lower = xml.square(0, 0, 3)[:-1]
    middle = lower.index((4, 4))
    eight = [*xml.square(4, 4, 3), *lower[middle:], *lower[:middle]]
    assert len(pixels(eight)) == 9 + 9


def test_a_spur_encloses_nothing_more():
    spur = [(9, 1), (10, 1), (11, 1), (10, 1), (9, 1)]
    line = [(x, y) for x, y in xml.square(0, 0, 2)]
    assert len(pixels([*line, *spur])) == 4


def test_mask_and_box():
    found, warnings = render(outline(xml.square(3, 5, 2)), outline(xml.square(4, 5, 1), z_mm=-97.5))
    assert warnings == ()
    assert found.box == (slice(0, 2), slice(6, 8), slice(4, 6))
    # 4 pixels in the lower slice; in the upper one the pixel (5, 6).
    np.testing.assert_array_equal(found.mask, [[[1, 1], [1, 1]], [[0, 1], [0, 0]]])


def test_exclusions_are_cut_out_without_their_line():
    # 5 x 5 pixels without the 1 that the four pixels around it enclose.
    hole = [(5, 4), (6, 5), (5, 6), (4, 5)]
    found, _ = render(outline(xml.square(2, 2, 5)), outline(hole, inclusion=False))
    assert found.mask.sum() == 24
    assert not found.mask[0, 5 - found.box[1].start, 5 - found.box[2].start]


def test_exclusions_count_in_their_slice_only_and_in_any_order():
    hole = outline(xml.square(3, 3, 3), inclusion=False)
    found, _ = render(hole, outline(xml.square(2, 2, 5)), outline(xml.square(2, 2, 5), z_mm=-97.5))
    assert found.mask.sum(axis=(1, 2)).tolist() == [25 - 9, 25]


def test_two_parts_in_one_slice_are_one_nodule():
    found, _ = render(outline(xml.square(0, 0, 2)), outline(xml.square(8, 0, 3)))
    assert found.mask.sum() == 4 + 9


@pytest.mark.parametrize(
    ("z_mm", "expected"),
    [(-100.0, 0), (-101.2, 0), (-98.8, 0), (-98.7, 1), (-92.5, 3), (-91.3, 3)],
)
def test_z_is_matched_within_half_a_slice(z_mm, expected):
    found, warnings = render(outline(xml.square(3, 3, 2), z_mm))
    assert (found.box[0].start, warnings) == (expected, ())


@pytest.mark.parametrize("z_mm", [-101.3, -91.2, 1e300])
def test_z_on_no_slice_is_reported(z_mm):
    found, warnings = render(outline(xml.square(3, 3, 2), z_mm))
    assert found is None
    assert warnings == (f"nodule 'N' of reader 1: z of {z_mm:g} mm is on no slice",)


def test_what_encloses_nothing_is_reported():
    found, warnings = render(outline([(3, 3), (4, 3)]))
    assert found is None
    assert warnings == ("nodule 'N' of reader 1: its outlines enclose no pixel",)


def test_the_other_outlines_of_a_nodule_stay():
    found, warnings = render(outline(xml.square(3, 3, 2)), outline(xml.square(3, 3, 2), 0.0))
    assert found.mask.sum() == 4 and len(warnings) == 1


@pytest.mark.parametrize("place", [(27, 5), (5, 17)])
def test_refuses_lines_that_leave_the_image(place):
    # 30 columns and 20 rows; the line reaches 3 pixels further than its first one.
    assert render(outline(xml.square(26, 16, 2)))[0] is not None
    with pytest.raises(LidcError, match="within 30 columns and 20 rows, got column .* 'N'"):
        render(outline(xml.square(*place, 2)))


def test_refuses_a_box_that_no_lung_holds(monkeypatch):
    monkeypatch.setattr(outlines_module, "MAX_BOX_VOXELS", 31)
    # Two slices of 4 x 4 pixels, lines included.
    with pytest.raises(LidcError, match=r"at most 31 voxels .* got \(2, 4, 4\) for nodule 'N'"):
        render(outline(xml.square(3, 5, 2)), outline(xml.square(3, 5, 2), z_mm=-97.5))


def test_slices_stored_from_head_to_feet():
    flipped = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    stack = image_stack(Geometry((4, 20, 30), (0.0, 0.0, 50.0), (0.7, 0.8, 2.5), flipped))
    assert [stack.slice_of(z) for z in (50.0, 47.5, 42.5, 52.5)] == [0, 1, 3, None]
    assert stack.shape_yx == (20, 30)


def grid_of(*rows):
    """A scan of 30 columns of 0.7 mm, 20 rows of 0.8 mm and 4 slices of 2.5 mm."""
    direction = tuple(float(cosine) for row in rows for cosine in row)
    return Geometry((4, 20, 30), (0.0, 0.0, 50.0), (0.7, 0.8, 2.5), direction)


@pytest.mark.parametrize(
    "rows",
    [
        [(-1, 0, 0), (0, -1, 0), (0, 0, 1)],
        [(-1, 0, 0), (0, -1, 0), (0, 0, -1)],
        [(1, 0, 0), (0, 1, 0), (0, 0, -1)],
        [(1, 0.0005, 0), (-0.0005, 1, 0), (0, 0, 1)],
    ],
    ids=["turned by half a circle", "and slices reversed", "slices reversed", "rounded"],
)
def test_accepts_the_grids_of_axial_images(rows):
    assert image_stack(grid_of(*rows)).shape_yx == (20, 30)


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 0, 1), (0, 1, 0), (-1, 0, 0)],
        [(0, 1, 0), (1, 0, 0), (0, 0, 1)],
        [(0, -1, 0), (1, 0, 0), (0, 0, 1)],
        [(0.8, -0.6, 0), (0.6, 0.8, 0), (0, 0, 1)],
        [(1, 0, 0), (0, 0.8, -0.6), (0, 0.6, 0.8)],
        [(0.8, 0, 0.6), (0, 1, 0), (-0.6, 0, 0.8)],
    ],
    ids=["sagittal", "transposed", "quarter turn", "turned", "tilted over x", "tilted over y"],
)
def test_refuses_permuted_and_oblique_axes(rows):
    with pytest.raises(LidcError, match="slices along x, y and z for .* got direction"):
        image_stack(grid_of(*rows))


@pytest.mark.parametrize(
    "rows",
    [
        [(-1, 0, 0), (0, 1, 0), (0, 0, 1)],
        [(1, 0, 0), (0, -1, 0), (0, 0, 1)],
        [(1, 0, 0), (0, -1, 0), (0, 0, -1)],
    ],
    ids=["x backwards", "y backwards", "y and z backwards"],
)
def test_refuses_mirrored_columns_or_rows(rows):
    with pytest.raises(LidcError, match="as in a DICOM image for .* got mirrored ones"):
        image_stack(grid_of(*rows))


def reads_at(*heights):
    outlines = tuple(outline(xml.square(3, 3, 2), z_mm) for z_mm in heights)
    session = Session((Finding("N", outlines),), ())
    return Reads("1.2.3", (session, Session((), ())), ("1.2.3.xml",))


@pytest.mark.parametrize("heights", [(), (-100.0,), (-100.0, 400.0)])
def test_accepts_outlines_of_which_a_slice_shows_any(heights):
    reads = reads_at(*heights) if heights else Reads("1.2.3", (Session((), ()),), ("1.2.3.xml",))
    check_heights(reads, STACK)


def test_refuses_outlines_that_no_slice_shows():
    with pytest.raises(LidcError, match="got all 2 of z 100 to 102.5 mm on none in 1.2.3.xml"):
        check_heights(reads_at(100.0, 102.5), STACK)


def test_stack_is_any_slices():
    stack = ImageStack(lambda z_mm: int(z_mm), (30, 30))
    found, _ = render_finding(2, Finding("N", (outline(xml.square(1, 1, 1), 7.0),)), stack)
    assert (found.reader, found.box[0]) == (2, slice(7, 8))
