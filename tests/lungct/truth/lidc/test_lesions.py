import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.truth.lidc import lesions as lesions_module
from lungct.truth.lidc.lesions import find_lesions, match, same_lesion
from lungct.truth.lidc.outlines import FindingMask, image_stack
from lungct.truth.lidc.reads import Finding, LidcError, parse_reads
from tests.lungct.truth.lidc import xml

# Slices at z of 0, 2 and 4 mm.
STACK = image_stack(Geometry((3, 20, 30), (0.0, 0.0, 0.0), (0.7, 0.8, 2.0)))


def box(reader, z, x, size=(1, 2, 2)):
    """A block of voxels that begins at (z, 5, x)."""
    start = (z, 5, x)
    place = tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))
    return FindingMask(reader, Finding(f"{reader}", ()), place, np.ones(size, bool))


def lesions(*sessions):
    reads = parse_reads(xml.message(*(xml.session(*nodules) for nodules in sessions)), "a.xml")
    return find_lesions(reads, STACK)


def squares(*places, side=2, name="N1"):
    """A nodule of squares at (z, x)."""
    return xml.nodule(*(xml.roi(z, xml.square(x, 4, side)) for z, x in places), name=name)


def test_a_shared_pixel_is_enough():
    assert same_lesion(box(0, 0, 5), box(1, 0, 6))
    assert not same_lesion(box(0, 0, 5), box(1, 0, 7))


def test_neighbouring_slices_join_and_farther_ones_do_not():
    assert same_lesion(box(0, 0, 5), box(1, 1, 5))
    assert same_lesion(box(0, 1, 5), box(1, 0, 6))
    assert not same_lesion(box(0, 0, 5), box(1, 2, 5))


def test_boxes_that_overlap_are_not_enough():
    # Diagonals of the same 2 x 2 pixels.
    one, other = box(0, 0, 5), box(1, 0, 5)
    one.mask[0] = np.eye(2)
    other.mask[0] = 1 - np.eye(2)
    assert not same_lesion(one, other)


def test_nodules_of_one_reader_are_different_lesions():
    assert not same_lesion(box(0, 0, 5), box(0, 0, 5))
    assert match([box(0, 0, 5), box(0, 0, 5)]) != match([box(0, 0, 5), box(1, 0, 5)])


def test_groups_are_joined_through_another_reader():
    a, b, c, d = box(0, 0, 5), box(0, 0, 8), box(1, 0, 6, (1, 2, 3)), box(2, 2, 20)
    assert match([a, b, c, d]) == [[a, b, c], [d]]
    assert match([]) == []


def test_reader_count_by_hand():
    # Squares of 2 x 2 pixels at columns 5-6, 6-7 and 6-7: the middle column has 3 readers.
    found, warnings = lesions([squares((0, 4))], [squares((0, 5))], [], [squares((0, 5))])
    assert warnings == ()
    (lesion,) = found
    assert lesion.box == (slice(0, 1), slice(5, 7), slice(5, 8))
    assert lesion.readers == (0, 1, 3)
    np.testing.assert_array_equal(lesion.reader_count, [[[1, 3, 2], [1, 3, 2]]])


def test_one_reader_never_counts_twice():
    # The second reader outlines as one what the first saw as two.
    first = [squares((0, 4), side=3, name="a"), squares((0, 8), side=2, name="b")]
    second = [xml.nodule(xml.roi(0, xml.square(4, 4, 6)))]
    ((lesion,), _) = lesions(first, second)
    assert lesion.reader_count.max() == 2
    assert lesion.readers == (0, 1)


def test_lesions_are_numbered_from_the_feet():
    found, _ = lesions([squares((4, 4)), squares((0, 15)), squares((0, 4))])
    assert [(lesion.lesion_id, lesion.box[0].start, lesion.box[2].start) for lesion in found] == [
        ("1", 0, 5),
        ("2", 0, 16),
        ("3", 2, 5),
    ]


def test_marks_are_no_lesions_and_what_is_lost_is_reported():
    mark = xml.nodule(xml.roi(0, [(5, 5)]))
    found, warnings = lesions([mark, squares((0, 4))], [squares((50, 4), name="far")])
    assert len(found) == 1
    assert warnings == ("nodule 'far' of reader 2: z of 50 mm is on no slice",)


def test_refuses_more_voxels_than_nodules_have(monkeypatch):
    monkeypatch.setattr(lesions_module, "MAX_VOXELS", 7)
    with pytest.raises(
        LidcError, match="at most 7 voxels in all nodules, got 8 up to 'b' of a.xml"
    ):
        lesions([squares((0, 4), name="a"), squares((0, 14), name="b")])
