"""Ingest from a bucket into a bucket, which fails in between."""

from pathlib import Path

import fsspec
import pytest

from tests.bucket import CUT, Fault, running_bucket
from tests.components.ct_example_gen.test_component import contents, execute, request_of
from tests.lungct.luna16 import make_root


def test_scans_of_a_bucket_that_fails_give_the_examples_of_those_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i}" for i in range(3)})
    execute(request_of(root), tmp_path / "here")
    with running_bucket(tmp_path, monkeypatch) as bucket:
        place = bucket.upload(tmp_path / "data", "data")
        bucket.faults = [
            Fault(r"1\.0\.raw\?alt=media", CUT),
            Fault(r"1\.1\.raw\?alt=media", 503, times=2),
            Fault(r"annotations\.csv\?alt=media", 503),
            Fault(r"uploadType=resumable.*1\.2", 503),
        ]
        execute(request_of(place), f"gs://{bucket.name}/there")
        assert [fault.seen for fault in bucket.faults] == [1, 2, 1, 1]
        # TensorFlow's file system has no recursive copy.
        fsspec.filesystem("gs").get(f"{bucket.name}/there", str(tmp_path / "there"), recursive=True)
    here, there = contents(tmp_path / "here"), contents(tmp_path / "there")
    assert there == here and len(here) > 10


def test_a_bucket_that_stays_away_in_the_middle_of_a_scan_gives_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_root(tmp_path / "data", {"1.0": "p0"})
    with running_bucket(tmp_path, monkeypatch) as bucket:
        place = bucket.upload(tmp_path / "data", "data")
        bucket.faults = [Fault(r"1\.0\.raw\?alt=media", CUT, times=1000)]
        with pytest.raises(
            Exception, match=f"expected to reach {place}/subset0/1.0.mhd and 1 more"
        ):
            execute(request_of(place), tmp_path / "there")
    assert not list((tmp_path / "there").rglob("1.0*"))
