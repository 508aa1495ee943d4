"""A bucket that is slow, fails, and loses connections: tried again, and never half a file."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from lungct.storage import (
    StorageError,
    exists,
    fingerprint,
    is_folder,
    list_files,
    local_copies,
    open_file,
)
from tests.bucket import CORRUPT, CUT, SLOW, Bucket, Fault, running_bucket

HEADER, VOXELS = "gs://scans/luna16/1.2.mhd", "gs://scans/luna16/1.2.raw"
BYTES = bytes(range(256)) * 2000
DOWNLOAD = r"1\.2\.raw\?alt=media"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with running_bucket(tmp_path, monkeypatch) as made:
        system = fsspec.filesystem("gs")
        system.pipe("scans/luna16/1.2.mhd", b"header")
        system.pipe("scans/luna16/1.2.raw", BYTES)
        made.paths.clear()
        yield made


def test_a_bucket_is_read_as_a_folder(bucket: Bucket) -> None:
    listing, _ = list_files("gs://scans/luna16")
    assert listing.files == (HEADER, VOXELS)
    assert exists(VOXELS) and not exists(f"{VOXELS}.gz") and not is_folder(VOXELS)
    assert is_folder("gs://scans/luna16") and not is_folder("gs://scans/luna")
    with open_file(VOXELS) as file:
        assert file.read(3) == BYTES[:3] and file.seek(-2, 2) == len(BYTES) - 2
        assert file.read() == BYTES[-2:]
    before = fingerprint(HEADER)
    fsspec.filesystem("gs").pipe("scans/luna16/1.2.mhd", b"other")
    list_files("gs://scans/luna16")
    assert fingerprint(HEADER) != before


@pytest.mark.parametrize("kind", [503, 429, CUT, CORRUPT, SLOW])
def test_a_fault_in_a_download_is_tried_again(bucket: Bucket, kind: int | str) -> None:
    fault = Fault(DOWNLOAD, kind, times=2)
    bucket.faults.append(fault)
    with local_copies([HEADER, VOXELS]) as places:
        assert Path(places[HEADER]).read_bytes() == b"header"
        assert Path(places[VOXELS]).read_bytes() == BYTES
    assert fault.seen == (1 if kind == SLOW else 2)


def test_what_came_whole_is_not_asked_for_again_with_what_did_not(bucket: Bucket) -> None:
    bucket.faults.append(Fault(DOWNLOAD, CORRUPT, times=2))
    with local_copies([HEADER, VOXELS]):
        asked = [sum(f"1.2.{end}?alt=media" in p for p in bucket.paths) for end in ("mhd", "raw")]
    assert asked == [1, 3]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        # Newer gcsfs gives the status, older what the bucket says.
        (503, "expected to reach gs://scans/luna16/1.2.mhd and 1 more, got '(a refusal|, 503)'"),
        (CUT, "expected to reach gs://scans/luna16/1.2.mhd and 1 more, got .Response payload"),
        (CORRUPT, "expected the bytes of gs://scans/luna16/1.2.raw as they are there, got others"),
    ],
)
def test_a_fault_that_stays_names_the_scan(bucket: Bucket, kind: int | str, message: str) -> None:
    bucket.faults.append(Fault(DOWNLOAD, kind, times=1000))
    with pytest.raises(OSError, match=message), local_copies([HEADER, VOXELS]):
        pytest.fail("half a scan")


def test_a_bucket_that_falls_silent_is_given_up(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than other requests take on a busy machine.
    monkeypatch.setattr("lungct.remote_files._SILENCE_S", 1.0)
    fault = Fault(DOWNLOAD, SLOW, times=2, pause_s=3.0)
    bucket.faults.append(fault)
    with local_copies([VOXELS]) as places:
        assert Path(places[VOXELS]).read_bytes() == BYTES
    assert fault.seen == 2


def test_a_bucket_that_does_not_say_is_no_file_that_is_not_there(bucket: Bucket) -> None:
    bucket.faults.append(Fault("/o", 503, times=1000))
    for ask in (exists, is_folder, fingerprint):
        with pytest.raises(OSError, match=r"expected to reach gs://scans/luna16/1\.2\.mhd, got"):
            ask(HEADER)
    with pytest.raises(OSError, match="expected to reach gs://scans/luna16, got"):
        list_files("gs://scans/luna16")


def test_a_folder_that_fails_while_it_is_listed_is_named(bucket: Bucket) -> None:
    assert is_folder("gs://scans/luna16")
    fsspec.filesystem("gs").invalidate_cache()
    bucket.faults.append(Fault("delimiter|prefix", 503, times=1000))
    with pytest.raises((StorageError, OSError), match="gs://scans/luna16"):
        list_files("gs://scans/luna16")


def test_reading_that_fails_names_the_file(bucket: Bucket) -> None:
    with open_file(VOXELS) as file:
        bucket.faults.append(Fault("alt=media", 503, times=1000))
        with pytest.raises(OSError, match=f"expected to reach {VOXELS}, got"):
            file.read()


def test_a_file_of_a_bucket_that_is_not_there_is_said_as_one_here(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError), local_copies(["gs://scans/luna16/gone.raw"]):
        pass
    with pytest.raises(FileNotFoundError):
        open_file("gs://scans/luna16/gone.raw")
