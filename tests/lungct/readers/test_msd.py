import io
import json

import numpy as np
import pytest

from lungct.readers import msd
from lungct.readers.layout import Listing
from lungct.readers.msd import READER
from lungct.readers.tables import TableError
from lungct.scan import ScanError
from tests.lungct.readers.nifti_files import HU, content, write


def listing(*names, dataset=None, root="gs://bucket/Task06"):
    """A root with files of these names below it, and any content of dataset.json."""
    files = {f"{root}/{name}": b"" for name in names}
    if dataset is not None:
        data = dataset if isinstance(dataset, bytes) else json.dumps(dataset).encode()
        files[f"{root}/dataset.json"] = data
    return Listing(root, tuple(sorted(files)), lambda path: io.BytesIO(files[path]))


def pair(name, ending=".nii.gz"):
    """A row of dataset.json as the Decathlon writes it."""
    return {"image": f"./imagesTr/{name}{ending}", "label": f"./labelsTr/{name}{ending}"}


def found(*names, training=None, **more):
    """Scans found as (series, path below the root, label below the root)."""
    dataset = None if training is None else {"training": training}
    files = listing(*names, dataset=dataset, **more)
    return [
        (scan.series_uid, files.relative(scan.path), files.relative(scan.label))
        for scan in READER.find(files)
    ]


def test_finds_the_pairs_of_the_list():
    names = [f"{folder}/lung_{n}.nii.gz" for folder in ("imagesTr", "labelsTr") for n in (1, 2)]
    files = listing(*names, dataset={"training": [pair("lung_2"), pair("lung_1")]})
    one, two = READER.find(files)
    assert (one.series_uid, two.series_uid) == ("lung_1", "lung_2")
    assert one.path == "gs://bucket/Task06/imagesTr/lung_1.nii.gz"
    assert one.files == (one.path,)
    assert (one.label, one.patient_id) == ("gs://bucket/Task06/labelsTr/lung_1.nii.gz", "")


def test_the_list_says_which_label_is_whose():
    training = [{"image": "imagesTr/a.nii", "label": "other/b.nii.gz"}]
    names = ("imagesTr/a.nii", "labelsTr/a.nii", "other/b.nii.gz")
    assert found(*names, training=training) == [("a", "imagesTr/a.nii", "other/b.nii.gz")]


def test_finds_images_without_a_list_and_labels_by_their_names():
    names = ("imagesTr/a.nii.gz", "imagesTr/b.nii", "labelsTr/a.nii", "labelsTr/c.nii")
    assert found(*names) == [
        ("a", "imagesTr/a.nii.gz", "labelsTr/a.nii"),
        ("b", "imagesTr/b.nii", ""),
    ]


def test_finds_images_that_the_list_leaves_out():
    names = ("imagesTr/a.nii.gz", "imagesTr/b.nii.gz", "labelsTr/b.nii.gz")
    assert found(*names, training=[pair("a")]) == [
        # Its label is not there: that refuses the scan when it is read.
        ("a", "imagesTr/a.nii.gz", "labelsTr/a.nii.gz"),
        ("b", "imagesTr/b.nii.gz", "labelsTr/b.nii.gz"),
    ]


def test_a_listed_image_without_label_has_none():
    assert found("imagesTr/a.nii", training=[{"image": "imagesTr/a.nii"}]) == [
        ("a", "imagesTr/a.nii", "")
    ]


def test_ignores_what_is_no_training_image():
    names = [
        *("imagesTs/t.nii.gz", "imagesTr/._a.nii.gz", "imagesTr/a.txt", "imagesTr/deep/x.nii"),
        *("labelsTr/a.nii.gz", "readersTr/a.nii.gz", "a.nii"),
    ]
    assert found(*names) == []
    assert found(*names, training=[]) == []


@pytest.mark.parametrize(
    "names", [(), ("subset0/1.2.mhd", "subset0/1.2.raw"), ("x/imagesTr/a.nii",)]
)
def test_finds_nothing_in_another_layout(names):
    assert found(*names) == []


def test_a_root_with_a_slash_at_its_end():
    (scan,) = READER.find(listing("imagesTr/a.nii"))
    files = Listing("gs://bucket/Task06/", (scan.path,), lambda path: io.BytesIO())
    assert READER.find(files)[0].path == scan.path


BAD_LISTS = {
    "empty": (b"", "expected readable JSON, got Expecting value"),
    "cut short": (b'{"training": [', "expected readable JSON, got Expecting value"),
    "no text": (b"\xff\xfe\x00", "expected readable JSON, got 'utf-8' codec"),
    "nested without end": (b"[" * 200_000, "expected readable JSON, got maximum recursion"),
    "a list": ([], r"an object with a list 'training', got \[\] in"),
    "no training": ({"test": []}, r"a list 'training', got {'test': \[\]} in"),
    "training is none": (
        {"training": {"a": 1}},
        "a list 'training', got {'training': {'a': 1}} in",
    ),
    "no pair": ({"training": ["a.nii"]}, "expected an image and a label, got 'a.nii' in entry 1"),
    "no image": ({"training": [{"label": "a.nii"}]}, "as image a file .* got None in entry 1"),
    "a number": ({"training": [{"image": 3}]}, "as image a file .* got 3 in entry 1"),
    "another ending": ({"training": [{"image": "a.mhd"}]}, "as image a file .*, got 'a.mhd' in"),
    "out of the root": (
        {"training": [{"image": "a/../../b.nii"}]},
        r"root, got 'a/\.\./\.\./b.nii'",
    ),
    "absolute": ({"training": [{"image": "/etc/b.nii"}]}, "below the root, got '/etc/b.nii' in"),
    "label absolute": (
        {"training": [pair("a"), {"image": "b.nii", "label": "/etc/b.nii"}]},
        "as label a file .nii or .nii.gz below the root, got '/etc/b.nii' in entry 2",
    ),
    "two labels": (
        {"training": [pair("a"), {**pair("a"), "label": "b.nii"}]},
        "one label of imagesTr/a.nii.gz, got 'labelsTr/a.nii.gz' and 'b.nii' in entry 2",
    ),
    "very long": ({"training": ["x" * 10_000]}, "got 'xxx.*xxx... in entry 1 of"),
}


@pytest.mark.parametrize(("dataset", "message"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_refuses_a_damaged_list(dataset, message):
    with pytest.raises(TableError, match=message) as caught:
        READER.find(listing("imagesTr/a.nii", dataset=dataset))
    text = str(caught.value)
    assert text.endswith("Task06/dataset.json") and "\n" not in text and len(text) < 300


def test_accepts_a_byte_order_mark_and_a_pair_twice():
    data = b"\xef\xbb\xbf" + json.dumps({"training": [pair("a"), pair("a")]}).encode()
    assert len(READER.find(listing(dataset=data))) == 1


def test_refuses_a_list_beyond_its_bound(monkeypatch):
    monkeypatch.setattr(msd, "_MAX_LIST_BYTES", 10)
    with pytest.raises(TableError, match="expected at most 10 bytes, got more in .*dataset.json"):
        READER.find(listing(dataset={"training": []}))


def test_refuses_a_list_that_cannot_be_opened():
    def fail(path):
        raise PermissionError(13, "Permission denied", path)

    with pytest.raises(TableError, match="readable JSON, got Permission denied in .*dataset.json"):
        READER.find(Listing("/data", ("/data/dataset.json",), fail))


@pytest.mark.parametrize("training", [None, [pair("a"), pair("a", ".nii")]])
def test_refuses_two_images_of_one_name(training):
    names = ("imagesTr/a.nii", "imagesTr/a.nii.gz")
    with pytest.raises(TableError, match="one image of name a, got .*/a.nii and .*/a.nii.gz"):
        found(*names, training=training)


def test_reads_what_it_finds_and_refuses_what_is_not_there(tmp_path):
    (tmp_path / "imagesTr").mkdir()
    path = write(tmp_path / "imagesTr" / "a.nii.gz", content())
    dataset = {"training": [pair("a"), pair("gone")]}
    good, gone = READER.find(listing("imagesTr/a.nii.gz", dataset=dataset, root=str(tmp_path)))
    assert good.path == path
    np.testing.assert_array_equal(READER.read(good).hu, HU)
    with pytest.raises(ScanError, match="got No such file or directory in .*imagesTr/gone.nii.gz"):
        READER.read(gone)


def test_says_what_it_is():
    assert READER.layout == "msd"
    assert READER.expected == "DIR/imagesTr/NAME.nii.gz and DIR/dataset.json"


def test_finds_all_real_crops(real_data):
    root = str(real_data / "lidc_nodules")
    files = tuple(sorted(map(str, (real_data / "lidc_nodules").rglob("*.*"))))
    scans = READER.find(Listing(root, files, lambda path: open(path, "rb")))
    assert len(scans) == 669 and all(scan.label for scan in scans)
    assert scans[0].series_uid == "LIDC-IDRI-0001_R_1"
