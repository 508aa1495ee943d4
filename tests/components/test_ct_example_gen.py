"""CtExampleGen: what it watches for changes, and the whole executor."""

import json
import os
from pathlib import Path

import pytest
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import ScanReport
from components.ct_example_gen import (
    CtExampleGen,
    Driver,
    Executor,
    Ingest,
    input_config,
    write_scan_records,
)
from tests.components.luna16 import make_root

GRID = {"spacing_mm": [6.0, 5.0, 4.0], "slice_size": 64, "context": 1, "lung_margin_mm": 6.0}
SPLIT = {"eval_fraction": 0.5, "test_fraction": 0.0, "salt": ""}


def fingerprint(roots: list[str]) -> str:
    base, files = input_config(roots)
    processor = Driver(None).get_input_processor(files.splits, None, base)
    span, version = processor.resolve_span_and_version()
    return str(processor.get_input_fingerprint(span, version))


def test_any_change_of_the_inputs_is_seen(tmp_path: Path) -> None:
    roots = [make_root(tmp_path / name, {f"1.{name}": "p"}) for name in "ab"]
    seen = {fingerprint(roots)}
    assert fingerprint(roots) in seen
    voxels = tmp_path / "b" / "subset0" / "1.b.raw"
    stat = voxels.stat()
    # The same size in the same second.
    os.utime(voxels, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1000))
    seen.add(fingerprint(roots))
    table = tmp_path / "a" / "annotations.csv"
    table.write_text(table.read_text() + "9.9,0,0,0,5\n")
    seen.add(fingerprint(roots))
    table.rename(tmp_path / "a" / "annotation.csv")
    seen.add(fingerprint(roots))
    assert len(seen) == 4


def test_no_root_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"at least one data root, got \[\]"):
        input_config([])


def test_records_are_ordered_by_series(tmp_path: Path) -> None:
    write_scan_records([{"series_uid": "b"}, {"series_uid": "a"}], str(tmp_path / "x.jsonl"))
    lines = (tmp_path / "x.jsonl").read_text().splitlines()
    assert [json.loads(line)["series_uid"] for line in lines] == ["a", "b"]


def test_the_executor_itself_reads_no_records() -> None:
    with pytest.raises(NotImplementedError, match="one file per scan"):
        Executor().GetInputSourceToExamplePTransform()


def test_the_executor_accounts_for_every_scan(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i // 2}" for i in range(4)})
    voxels = tmp_path / "data" / "subset0" / "1.3.raw"
    voxels.write_bytes(b"")
    splits = ["train", "eval", "test"]
    component = CtExampleGen(Ingest([root], GRID, SPLIT, splits, "hash"))
    examples, report = standard_artifacts.Examples(), ScanReport()
    examples.uri, report.uri = str(tmp_path / "examples"), str(tmp_path / "scans")
    Executor().Do({}, {"examples": [examples], "scans": [report]}, component.exec_properties)

    records = [json.loads(x) for x in (tmp_path / "scans" / "scans.jsonl").read_text().splitlines()]
    assert [record["outcome"] for record in records] == ["accepted"] * 3 + ["quarantined"]
    assert artifact_utils.decode_split_names(examples.split_names) == splits
    files = {
        split: sorted(path.name for path in (tmp_path / "examples" / f"Split-{split}").iterdir())
        for split in splits
    }
    written = [name for names in files.values() for name in names if name != "empty.tfrecord.gz"]
    assert sorted(written) == [f"1.{i}.tfrecord.gz" for i in range(3)]
    # A split without a scan still has a file, so that what reads it finds one.
    assert files["test"] == ["empty.tfrecord.gz"]
    assert json.loads((tmp_path / "scans" / "notes.json").read_text())["phantom"] is False
