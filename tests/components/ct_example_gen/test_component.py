"""CtExampleGen: the whole executor, and its wiring."""

import json
import random
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import Quarantine, ScanRecords, SplitManifest
from components.ct_example_gen import executor as ct_example_gen
from components.ct_example_gen.component import CtExampleGen
from components.ct_example_gen.executor import Executor
from components.ct_example_gen.request import Request
from lungct.grid import Grid
from lungct.readers.checksums import sha256_of
from lungct.record import ScanRecord
from lungct.roots import DataRoot
from schema.hyperparameters import Intensity
from schema.model_facts import DataFacts
from schema.slices import read_index
from schema.splits import SplitRule
from tests.lungct.luna16 import make_root, upload

GRID = Grid((6.0, 5.0, 4.0), margin_mm=6.0)
SPLIT = SplitRule(eval_fraction=0.5)


def request_of(root: str, split: SplitRule = SPLIT) -> Request:
    return Request((DataRoot(root),), split, GRID, Intensity())


def execute(request: Request, out: Path | str) -> dict[str, Any]:
    """Runs the whole executor, and gives its artifacts by output key."""
    component = CtExampleGen(request, "hash")
    made = {
        "examples": standard_artifacts.Examples(),
        "scans": ScanRecords(),
        "quarantine": Quarantine(),
        "manifest": SplitManifest(),
    }
    for key, artifact in made.items():
        artifact.uri = f"{out}/{key}"
    outputs = {key: [artifact] for key, artifact in made.items()}
    Executor().Do({}, outputs, component.exec_properties)
    return made


def records(out: Path) -> list[ScanRecord]:
    lines = (out / "scans" / "scans.jsonl").read_text().splitlines()
    return [ScanRecord.from_json(line) for line in lines]


def warnings(out: Path) -> list[str]:
    found = json.loads((out / "scans" / "warnings.json").read_text())
    assert set(found) == {"warnings"}
    return list(found["warnings"])


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, without what names the time."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "scans.jsonl"
    }


def test_wiring() -> None:
    component = CtExampleGen(request_of("/data"), "hash")
    assert set(component.outputs) == {"examples", "scans", "quarantine", "manifest"}
    assert component.exec_properties["code_hash"] == "hash"
    assert Request.from_json(component.exec_properties["request"]) == request_of("/data")


def test_the_executor_itself_reads_no_records() -> None:
    with pytest.raises(NotImplementedError, match="Executor writes one file per scan in Do"):
        Executor().GetInputSourceToExamplePTransform()


def test_the_executor_accounts_for_every_scan(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i // 2}" for i in range(4)})
    voxels = tmp_path / "data" / "subset0" / "1.3.raw"
    voxels.write_bytes(b"")
    # With a hundredth the test split is there, but no patient of these falls into it.
    rule = SplitRule(eval_fraction=0.5, test_fraction=1e-9)
    made = execute(request_of(root, rule), tmp_path)

    assert [record.outcome for record in records(tmp_path)] == ["accepted"] * 3 + ["quarantined"]
    assert not any(record.phantom for record in records(tmp_path))
    counts = json.loads((tmp_path / "quarantine" / "counts.json").read_text())
    assert counts == {"found": 4, "accepted": 3, "repaired": 0, "quarantined": 1}
    assert made["quarantine"].get_int_custom_property("quarantined") == 1
    (lost,) = (tmp_path / "quarantine" / "quarantine.jsonl").read_text().splitlines()
    assert json.loads(lost)["series_uid"] == "1.3"
    assert len((tmp_path / "manifest" / "manifest.csv").read_text().splitlines()) == 5
    splits = ["train", "eval", "test", "train-index", "eval-index", "test-index"]
    assert artifact_utils.decode_split_names(made["examples"].split_names) == splits
    files = {
        split: sorted(path.name for path in (tmp_path / "examples" / f"Split-{split}").iterdir())
        for split in splits
    }
    assert sorted(files["train"] + files["eval"]) == [f"1.{i}.tfrecord" for i in range(3)]
    # A split without a scan still has files, so that what reads it finds one.
    assert (files["test"], files["test-index"]) == (["empty.tfrecord"], ["empty.tfrecord.gz"])
    assert read_index([str(tmp_path / "examples" / "Split-test-index" / "empty.tfrecord.gz")]) == []
    for split in splits[:3]:
        assert files[f"{split}-index"] == [f"{name}.gz" for name in files[split]]
    assert warnings(tmp_path) == []
    facts = DataFacts.from_json((tmp_path / "examples" / "data.json").read_text())
    assert (facts.truths, facts.regions) == (("spheres",), ("lung",))
    assert facts.data_sha256 == sha256_of(str(tmp_path / "manifest" / "manifest.csv"))


def test_phantoms_are_told_by_the_note_of_their_root(tmp_path: Path) -> None:
    roots = [make_root(tmp_path / name, {f"1.{name}": name}) for name in "ab"]
    (tmp_path / "b" / "PHANTOM.json").write_text("{}")
    execute(Request(tuple(map(DataRoot, roots)), SPLIT, GRID, Intensity()), tmp_path)
    told = {record.series_uid: (record.phantom, record.source) for record in records(tmp_path)}
    assert told == {"1.a": (False, "a"), "1.b": (True, "b")}


def test_a_list_of_checksums_reaches_the_workers(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i}" for i in range(3)})
    voxels = tmp_path / "data" / "subset0" / "1.1.raw"
    listed = sha256_of(str(voxels))
    (tmp_path / "data" / "SHA256SUMS").write_text(f"{listed}  subset0/1.1.raw\n")
    data = bytearray(voxels.read_bytes())
    data[200_000] ^= 1
    voxels.write_bytes(data)
    execute(request_of(root), tmp_path)
    (lost,) = (tmp_path / "quarantine" / "quarantine.jsonl").read_text().splitlines()
    assert f"expected SHA-256 {listed} of 1.1.raw" in json.loads(lost)["reason"]
    assert warnings(tmp_path) == ["2 of 3 scans are in no list of checksums, such as 1.0"]


@pytest.mark.parametrize("runner", ["other order", "two processes"])
def test_order_and_workers_change_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i}" for i in range(5)})
    (tmp_path / "data" / "subset0" / "1.2.raw").write_bytes(b"")
    request = request_of(root)
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
    # Four files of examples and of their index; facts, warnings, quarantine, counts, manifest.
    assert len(contents(tmp_path / "one")) >= 2 * 4 + 5


def test_scans_of_a_bucket_give_the_examples_of_the_same_scans_here(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i}" for i in range(3)})
    (tmp_path / "data" / "subset0" / "1.2.raw").write_bytes(b"")
    place = upload(tmp_path / "data", "test-component/data")
    execute(request_of(root), tmp_path / "here")
    execute(request_of(place), tmp_path / "there")
    here, there = contents(tmp_path / "here"), contents(tmp_path / "there")
    lost = "quarantine/quarantine.jsonl"
    assert {**here, lost: b""} == {**there, lost: b""}
    # The copy that was read is named nowhere.
    assert here[lost].decode().replace(root, place) == there[lost].decode()
    assert [record.path for record in records(tmp_path / "there")] == [
        f"{place}/subset0/1.{i}.mhd" for i in range(3)
    ]


def test_a_manifest_gives_the_same_splits_again(tmp_path: Path) -> None:
    root = make_root(tmp_path / "data", {f"1.{i}": f"p{i}" for i in range(6)})
    execute(request_of(root), tmp_path / "one")
    manifest = tmp_path / "one" / "manifest" / "manifest.csv"
    execute(request_of(root, SplitRule(table=str(manifest))), tmp_path / "two")
    assert (tmp_path / "two" / "manifest" / "manifest.csv").read_bytes() == manifest.read_bytes()
