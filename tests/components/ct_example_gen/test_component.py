"""CtExampleGen: what it watches for changes, and the whole executor."""

import json
import os
import random
from pathlib import Path

import apache_beam as beam
import pytest
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import Quarantine, ScanReport, SplitManifest
from components.ct_example_gen import component as ct_example_gen
from components.ct_example_gen.component import (
    CtExampleGen,
    Driver,
    Executor,
    Ingest,
    input_config,
    parse_request,
)
from components.ct_example_gen.inventory import Request, TruthRule
from components.ct_example_gen.splits import SplitRule
from lungct.readers.checksums import sha256_of
from tests.components.luna16 import make_root
from tests.lungct.truth.lidc import xml

GRID = {"spacing_mm": [6.0, 5.0, 4.0], "slice_size": 64, "context": 1, "lung_margin_mm": 6.0}
SPLIT = SplitRule(eval_fraction=0.5)


def fingerprint(request: Request) -> str:
    base, files = input_config(request)
    processor = Driver(None).get_input_processor(files.splits, None, base)
    span, version = processor.resolve_span_and_version()
    return str(processor.get_input_fingerprint(span, version))


def execute(request: Request, out: Path, splits: tuple[str, ...] = ("train", "eval")) -> dict:
    """Runs the whole executor, and gives its artifacts by output key."""
    component = CtExampleGen(Ingest(request, GRID, splits, "hash"))
    made = {
        "examples": standard_artifacts.Examples(),
        "scans": ScanReport(),
        "quarantine": Quarantine(),
        "manifest": SplitManifest(),
    }
    for key, artifact in made.items():
        artifact.uri = str(out / key)
    outputs = {key: [artifact] for key, artifact in made.items()}
    Executor().Do({}, outputs, component.exec_properties)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, without what names the time."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "scans.jsonl"
    }


def test_any_change_of_the_inputs_is_seen(tmp_path: Path) -> None:
    roots = [make_root(tmp_path / name, {f"1.{name}": "p"}) for name in "ab"]
    request = Request(roots, SPLIT)
    seen = {fingerprint(request)}
    assert fingerprint(request) in seen
    voxels = tmp_path / "b" / "subset0" / "1.b.raw"
    stat = voxels.stat()
    # The same size in the same second.
    os.utime(voxels, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1000))
    seen.add(fingerprint(request))
    table = tmp_path / "a" / "annotations.csv"
    table.write_text(table.read_text() + "9.9,0,0,0,5\n")
    seen.add(fingerprint(request))
    table.rename(tmp_path / "a" / "annotation.csv")
    seen.add(fingerprint(request))
    (tmp_path / "a" / "SHA256SUMS").write_text("")
    seen.add(fingerprint(request))
    assert len(seen) == 5


def test_tables_and_outlines_elsewhere_are_watched_too(tmp_path: Path) -> None:
    root = make_root(tmp_path / "a", {"1.1": "p"})
    table, sums = tmp_path / "splits" / "table.csv", tmp_path / "sums" / "list"
    for path in (table, sums):
        path.parent.mkdir()
        path.write_text("")
    named, deep = tmp_path / "xml" / "157", tmp_path / "a" / "lidc"
    request = Request(
        [root],
        SplitRule(table=str(table)),
        TruthRule("lidc", outlines=[str(named.parent)]),
        str(sums),
    )
    seen = {fingerprint(request)}
    table.write_text("x")
    seen.add(fingerprint(request))
    sums.write_text("x")
    seen.add(fingerprint(request))
    for folder in (named, deep):
        xml.write(folder, b"x", "1.xml")
        seen.add(fingerprint(request))
    assert len(seen) == 5


def test_no_root_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"at least one data root, got \[\]"):
        input_config(Request([], SPLIT))


def test_a_request_travels_as_json() -> None:
    truth = TruthRule("lidc", 3, ["/xml"], "refuse")
    request = Request(["/a"], SplitRule(fold=3, table_splits=["train"]), truth, "/sums")
    component = CtExampleGen(Ingest(request, GRID, ("train", "eval"), "hash"))
    assert parse_request(component.exec_properties["request"]) == request


def test_the_executor_itself_reads_no_records() -> None:
    with pytest.raises(NotImplementedError, match="one file per scan"):
        Executor().GetInputSourceToExamplePTransform()


def test_the_executor_accounts_for_every_scan(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i // 2}" for i in range(4)})
    voxels = tmp_path / "data" / "subset0" / "1.3.raw"
    voxels.write_bytes(b"")
    splits = ("train", "eval", "test")
    made = execute(Request([root], SPLIT), tmp_path, splits)

    records = [json.loads(x) for x in (tmp_path / "scans" / "scans.jsonl").read_text().splitlines()]
    assert [record["outcome"] for record in records] == ["accepted"] * 3 + ["quarantined"]
    counts = json.loads((tmp_path / "quarantine" / "counts.json").read_text())
    assert counts == {"found": 4, "accepted": 3, "repaired": 0, "quarantined": 1}
    assert made["quarantine"].get_int_custom_property("quarantined") == 1
    (lost,) = (tmp_path / "quarantine" / "quarantine.jsonl").read_text().splitlines()
    assert json.loads(lost)["series_uid"] == "1.3"
    assert len((tmp_path / "manifest" / "manifest.csv").read_text().splitlines()) == 5
    assert artifact_utils.decode_split_names(made["examples"].split_names) == list(splits)
    files = {
        split: sorted(path.name for path in (tmp_path / "examples" / f"Split-{split}").iterdir())
        for split in splits
    }
    written = [name for names in files.values() for name in names if name != "empty.tfrecord.gz"]
    assert sorted(written) == [f"1.{i}.tfrecord.gz" for i in range(3)]
    # A split without a scan still has a file, so that what reads it finds one.
    assert files["test"] == ["empty.tfrecord.gz"]
    assert json.loads((tmp_path / "scans" / "notes.json").read_text())["phantom"] is False


def test_a_list_of_sums_reaches_the_workers(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i}" for i in range(3)})
    voxels = tmp_path / "data" / "subset0" / "1.1.raw"
    listed = sha256_of(str(voxels))
    (tmp_path / "data" / "SHA256SUMS").write_text(f"{listed}  subset0/1.1.raw\n")
    data = bytearray(voxels.read_bytes())
    data[200_000] ^= 1
    voxels.write_bytes(data)
    execute(Request([root], SPLIT), tmp_path)
    (lost,) = (tmp_path / "quarantine" / "quarantine.jsonl").read_text().splitlines()
    assert f"expected SHA-256 {listed} of 1.1.raw" in json.loads(lost)["reason"]
    (note,) = json.loads((tmp_path / "scans" / "notes.json").read_text())["warnings"]
    assert note == "2 of 3 scans are in no list of sums, such as 1.0.mhd"


@pytest.mark.parametrize("runner", ["other order", "two processes"])
def test_order_and_workers_change_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i}" for i in range(5)})
    (tmp_path / "data" / "subset0" / "1.2.raw").write_bytes(b"")
    request = Request([root], SPLIT)
    execute(request, tmp_path / "one")
    if runner == "other order":
        create = beam.Create
        shuffled = random.Random(3)
        monkeypatch.setattr(
            ct_example_gen.beam, "Create", lambda x: create(shuffled.sample(list(x), len(x)))
        )
    else:
        options = [
            "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
            "--direct_num_workers=2",
            "--direct_running_mode=multi_processing",
        ]
        monkeypatch.setattr(
            Executor,
            "_make_beam_pipeline",
            lambda self: beam.Pipeline(
                options=beam.options.pipeline_options.PipelineOptions(options)
            ),
        )
    execute(request, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) >= 4 + 4


def test_a_manifest_gives_the_same_splits_again(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i}" for i in range(6)})
    execute(Request([root], SPLIT), tmp_path / "one")
    manifest = tmp_path / "one" / "manifest" / "manifest.csv"
    execute(Request([root], SplitRule(table=str(manifest))), tmp_path / "two")
    assert (tmp_path / "two" / "manifest" / "manifest.csv").read_bytes() == manifest.read_bytes()
