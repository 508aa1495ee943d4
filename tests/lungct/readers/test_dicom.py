"""What the reader of DICOM finds, and voxels at their places in the world."""

import dataclasses
import lzma
import os
import tarfile

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.readers.dicom import READER
from lungct.scan import ScanError
from tests.lungct.readers.dicom_asserts import assert_reads, assert_refused
from tests.lungct.readers.dicom_files import (
    GEOMETRY,
    PATIENT_ID,
    SERIES_UID,
    change,
    encoded,
    enhanced,
    find_one,
    hu,
    listing,
    series,
    store,
    write,
)

# What is found.


def test_finds_a_folder_for_each_series_at_any_depth_and_the_root(tmp_path):
    root = tmp_path / "root"
    other = [change(image, SeriesInstanceUID="9.9", PatientID="P 2") for image in series()]
    write(root / "a" / "b" / "c", series())
    write(root / "a", other)
    (root / "top.IMA").write_bytes(encoded(series()[0]))
    found = READER.find(listing(root))
    assert [files.path for files in found] == [str(root), f"{root}/a", f"{root}/a/b/c"]
    assert [files.series_uid for files in found] == [SERIES_UID, "9.9", SERIES_UID]
    assert [files.patient_id for files in found] == [PATIENT_ID, "P 2", PATIENT_ID]
    assert found[1].files == tuple(f"{root}/a/slice-{z:02}.dcm" for z in range(6))


def test_finds_files_without_a_known_suffix_by_their_bytes(tmp_path):
    files = write(tmp_path, series(), ["IM0", "IM1", "1.2.3", "d.DCM", "e.dicom", "f.ima"])
    for name in ("README", "short"):
        (tmp_path / name).write_text(name * 40 if name == "README" else "x")
    assert find_one(tmp_path).files == files.files
    assert_reads(find_one(tmp_path))


@pytest.mark.parametrize(
    "name",
    ["DICOMDIR", "dicomdir.dcm", "a.xml", "a.csv", "a.json", "a.txt", "a.png", "a.mhd", "a.raw"]
    + ["a.nii", "a.dcm.gz"],
)
def test_ignores_files_of_other_names(tmp_path, name):
    (tmp_path / name).write_bytes(encoded(series()[0]))
    assert READER.find(listing(tmp_path)) == ()


def test_a_file_that_cannot_be_opened_to_look_is_none_of_dicom(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert READER.find(listing(tmp_path)) == ()


def test_takes_the_name_from_the_first_file_that_can_be_read(tmp_path):
    write(tmp_path, series())
    (tmp_path / "slice-00.dcm").write_bytes(b"")
    (tmp_path / "slice-01.dcm").unlink()
    os.mkfifo(tmp_path / "slice-01.dcm")
    assert find_one(tmp_path).series_uid == SERIES_UID


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("uid", ["../../etc", "a b", ""])
def test_a_series_without_a_usable_uid_is_named_by_its_folder(tmp_path, uid):
    images = [change(image, SeriesInstanceUID=uid) for image in series()]
    (tmp_path / "x" / "scan 1").mkdir(parents=True)
    for number, image in enumerate(images):
        (tmp_path / "x" / "scan 1" / f"{number}.dcm").write_bytes(encoded(image))
    (files,) = READER.find(listing(tmp_path))
    assert files.series_uid == "x_scan 1"


def test_a_folder_of_damaged_files_is_found_by_its_name_and_refused(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"\x30\x82" * 400)
    files = find_one(tmp_path)
    assert (files.series_uid, files.patient_id) == (tmp_path.name, "")
    with pytest.raises(ScanError, match=r"DICM at byte 128.*a\.dcm"):
        READER.read(files)


SR, SEG = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.66.4"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"


def others(count=3, **elements):
    """Files that are no CT, which other elements may hide."""
    kinds = [(SR, "SR"), (SEG, "SEG"), (RTSTRUCT, "RTSTRUCT")]
    images = (series() * count)[:count]
    for number, image in enumerate(images):
        kind, modality = kinds[number % 3]
        change(image, SOPClassUID=kind, Modality=modality, **elements)
    return images


def write_all(folder, images):
    """Writes a folder of files, whatever is found there."""
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        (folder / f"slice-{number:02}.dcm").write_bytes(encoded(image))


def test_a_folder_without_ct_is_no_scan(tmp_path):
    write(tmp_path / "ct", series())
    write_all(tmp_path / "others", others())
    write_all(tmp_path / "report", others(1))
    write_all(tmp_path / "mr", [change(i, SOPClassUID=None, Modality="MR") for i in series()])
    write_all(tmp_path / "nothing", [change(i, Modality=None) for i in others()])
    (tmp_path / "others" / "aa.dcm").write_bytes(b"damaged")
    assert [files.path for files in READER.find(listing(tmp_path))] == [str(tmp_path / "ct")]


@pytest.mark.parametrize(
    "elements", [{"Modality": None}, {"Modality": "SEG"}, {"SOPClassUID": SEG}]
)
def test_a_folder_that_says_one_thing_of_ct_is_a_scan(tmp_path, elements):
    write_all(tmp_path / "ct", [change(image, **elements) for image in series()])
    (files,) = READER.find(listing(tmp_path))
    assert len(files.files) == 6


def test_a_folder_that_does_not_say_what_it_is_is_a_scan(tmp_path):
    write_all(tmp_path / "ct", [change(i, Modality=None, SOPClassUID=None) for i in series()])
    assert find_one(tmp_path / "ct").series_uid == SERIES_UID


@pytest.mark.parametrize("ct_first", [True, False])
def test_a_folder_that_mixes_ct_with_others_is_refused_by_name(tmp_path, ct_first):
    images = [*series()[:3], *others()] if ct_first else [*others(), *series()[:3]]
    write_all(tmp_path / "mixed", images)
    odd = "slice-03.dcm" if ct_first else "slice-00.dcm"
    assert_refused(find_one(tmp_path / "mixed"), "expected a CT image (SOPClassUID), got ", odd)


def test_few_files_of_a_folder_are_opened_to_find_out(tmp_path):
    write_all(tmp_path / "ct", series() * 4)
    write_all(tmp_path / "others", others(24))
    opened = []
    files = listing(tmp_path)
    counted = dataclasses.replace(files, open=lambda p: (opened.append(p), files.open(p))[1])
    assert len(READER.find(counted)) == 1
    folders = [os.path.basename(os.path.dirname(path)) for path in opened]
    assert [folders.count("ct"), folders.count("others")] == [1, 5]


# Voxels and their places.


def test_reads_a_series(tmp_path):
    assert_reads(write(tmp_path, series()))


def test_names_of_files_do_not_matter(tmp_path):
    names = ["10.dcm", "9.dcm", "1.dcm", "z.dcm", "a.dcm", "100.dcm"]
    assert_reads(write(tmp_path, series(), names))


def test_instance_numbers_do_not_matter(tmp_path):
    assert_reads(write(tmp_path, [change(image, InstanceNumber=1) for image in series()]))


@pytest.mark.parametrize(
    "direction",
    [
        (-1, 0, 0, 0, -1, 0, 0, 0, 1),  # prone
        (-1, 0, 0, 0, 1, 0, 0, 0, -1),  # columns and z reversed
        (0, 0, 1, 1, 0, 0, 0, 1, 0),  # sagittal: rows run to the back
        (1, 0, 0, 0, 0, 1, 0, -1, 0),  # coronal
        (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1),
        # Turned by 30 degrees about x, then by 37 about z: no axis stays.
        (0.8, -0.6 * 0.75**0.5, 0.3, 0.6, 0.8 * 0.75**0.5, -0.4, 0, 0.5, 0.75**0.5),
    ],
)
def test_flipped_and_oblique_orientation(tmp_path, direction):
    turned = Geometry(GEOMETRY.shape, GEOMETRY.origin_mm, GEOMETRY.spacing_mm, direction)
    files = write(tmp_path, series(geometry=turned))
    assert_reads(files, geometry=turned)
    scan = READER.read(files)
    index = (5, 2, 3)
    np.testing.assert_allclose(
        scan.geometry.voxel_to_world(index), turned.voxel_to_world(index), atol=1e-6
    )


def test_a_left_handed_stack_is_read_along_the_normal(tmp_path):
    # x to the left and y to the front: the normal points to the feet, the slices to the head.
    left_handed = Geometry(
        GEOMETRY.shape, GEOMETRY.origin_mm, GEOMETRY.spacing_mm, (1, 0, 0, 0, -1, 0, 0, 0, 1)
    )
    # The last slice lies at -300 + 5 * 2.5 mm.
    turned = Geometry(
        GEOMETRY.shape, (-10.5, 20.25, -287.5), GEOMETRY.spacing_mm, (1, 0, 0, 0, -1, 0, 0, 0, -1)
    )
    assert_reads(write(tmp_path, series(geometry=left_handed)), hu()[::-1], turned)


def test_positions_rounded_to_a_tenth_of_a_millimetre(tmp_path):
    fine = Geometry(GEOMETRY.shape, (0, 0, 0), (0.7, 0.8, 0.62))
    images = series(geometry=fine)
    for z, image in enumerate(images):  # 0, 0.6, 1.2, 1.9, 2.5, 3.1
        image.ImagePositionPatient = [0, 0, round(0.62 * z, 1)]
    assert_reads(write(tmp_path, images), geometry=fine)


def test_directions_are_freed_of_rounding(tmp_path):
    cosines = [0.99999, 0.00003, 0, 0, 1, 0]
    images = [change(image, ImageOrientationPatient=cosines) for image in series()]
    direction = np.reshape(READER.read(write(tmp_path, images)).geometry.direction, (3, 3))
    np.testing.assert_allclose(direction @ direction.T, np.eye(3), atol=1e-12)


def test_reads_an_enhanced_file(tmp_path):
    assert_reads(write(tmp_path, [enhanced()]))


def test_frames_of_an_enhanced_file_are_ordered_and_rescaled_one_by_one(tmp_path):
    image, order = enhanced(), [3, 0, 5, 1, 4, 2]
    image.PerFrameFunctionalGroupsSequence = [
        image.PerFrameFunctionalGroupsSequence[z] for z in order
    ]
    rescales = [(1 / 2**z, -1024 - 10 * z) for z in range(6)]
    for z, own in zip(order, image.PerFrameFunctionalGroupsSequence, strict=True):
        own.PixelValueTransformationSequence = [
            change(type(own)(), RescaleSlope=rescales[z][0], RescaleIntercept=rescales[z][1])
        ]
        own.PixelValueTransformationSequence[0].RescaleType = "HU"
    del image.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    stored = np.stack([(hu()[z] - rescales[z][1]) / rescales[z][0] for z in order])
    store(image, stored)
    assert_reads(write(tmp_path, [image]))


# A real series.


@pytest.fixture
def real_series(real_data, tmp_path):
    archive = real_data / "dicom_chest" / "series.tar.xz"
    if not archive.is_file():
        pytest.skip(f"no real series in {archive}")
    with lzma.open(archive) as stream, tarfile.open(fileobj=stream) as tar:
        tar.extractall(tmp_path, filter="data")
    return tmp_path


def test_real_series(real_series):
    (files,) = READER.find(listing(real_series))
    assert len(files.files) == 98
    assert files.patient_id == "LungFCP-01-0001"
    scan = READER.read(files)
    assert scan.geometry.shape == (98, 512, 512)
    np.testing.assert_allclose(scan.geometry.spacing_mm, (0.759765625, 0.759765625, 1.0))
    np.testing.assert_allclose(scan.geometry.origin_mm, (-189.1201171875, -364.1201171875, -5.5))
    assert scan.repairs == ()
    # Two peaks: air of the lungs or the room, and muscle.
    counts = np.bincount((scan.hu + 1024).ravel())
    assert -1010 <= int(counts[1:300].argmax()) + 1 - 1024 <= -950
    assert 20 <= int(counts[1024 - 20 : 1024 + 120].argmax()) - 20 <= 70
