"""A pushed model on two phantom scans: judged, its page made again, compared with itself.

The tests build on each other in the order in which they stand: they share one evaluation.
"""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import local_runner
from lungct.grid import Grid
from phantom.order import Order
from phantom.writer import make_phantoms
from schema.files import MODEL_FILE
from schema.model_facts import DataFacts, ModelFacts, patient_hash
from tests.components.made_models import save_model

ROOT = Path(__file__).resolve().parent.parent
# Of this seed some large nodules lie free of the chest wall, and some vessels of the lungs too.
ORDER = Order(2, seed=3, nodules=6, shape=(24, 64, 64))
# The model predicts all that is no air.
GATE = (
    "gate={recall: {at_least: 0.5}, precision: {at_least: 0.0}, "
    "here: {metric: recall, source: data, bucket: 15+, at_least: 0.5}, "
    "elsewhere: {metric: recall, source: msd, at_least: 1}}"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds scans, a model that was trained on one of their patients, and what is made of them."""
    place = tmp_path_factory.mktemp("evaluation")
    make_phantoms(str(place / "data"), ORDER)
    with (place / "data" / "patients.csv").open() as file:
        patients = sorted(row["patient_id"] for row in csv.DictReader(file))
    pushed = Path(save_model(place / "model", -500, Grid((6.0, 5.0, 5.0)))) / "Format-Serving"
    facts = ModelFacts.from_json((pushed / MODEL_FILE).read_text())
    known = DataFacts(("masks",), ("lung",), patients={"train": (patient_hash(patients[0]),)})
    (pushed / MODEL_FILE).write_text(dataclasses.replace(facts, data=known).to_json())
    return place


def evaluate(place: Path, gate: str) -> tuple[int, dict[str, Any]]:
    arguments = ["evaluate", "--model", str(place / "model" / "Format-Serving")]
    arguments += ["--data", str(place / "data"), "--output", str(place / "out"), "--set", gate]
    status = local_runner.main([*arguments, "--config", str(ROOT / "configs" / "demo.yaml")])
    return status, json.loads((place / "out" / "run.json").read_text())


@pytest.fixture(scope="module")
def first(place: Path) -> tuple[int, dict[str, Any]]:
    return evaluate(place, GATE)


def test_a_model_that_reaches_the_gate_ends_with_0_and_is_not_pushed(
    first: tuple[int, dict[str, Any]], place: Path
) -> None:
    status, record = first
    assert (status, record["error"]) == (0, None)
    assert {row["split"] for row in record["metrics"]} == {"all", "eval"}
    # That on another data root is left out.
    assert [row["source"] for row in record["gate"]] == ["all", "all", "data"]
    assert record["gate"][2]["criterion"].startswith("voxel recall, eval split, data root data, no")
    assert record["configuration"]["grid"]["spacing_mm"] == [6.0, 5.0, 5.0]
    assert "Trainer" not in record["components"] and record["pushed_path"] is None
    assert not (place / "out" / "serving").exists()


def test_the_patient_that_it_was_trained_on_is_counted(
    first: tuple[int, dict[str, Any]],
) -> None:
    assert first[1]["evaluated_model"]["seen_patients"] == {"train": 1}
    assert first[1]["warnings"][0].startswith("1 of 2 patients was in the data of the model")


def test_the_page_can_be_made_again(
    first: tuple[int, dict[str, Any]], place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = Path(first[1]["report_path"])
    page.unlink()
    assert local_runner.main(["report", str(place / "out")]) == 0
    assert page.is_file() and capfd.readouterr().out == f"{page}\n"


def test_compared_with_itself_nothing_differs(
    first: tuple[int, dict[str, Any]], place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert local_runner.main(["compare", str(place / "out"), str(place / "out")]) == 0
    shown = capfd.readouterr().out
    assert "eval split: 2 in both" in shown and "Nothing differs: each of " in shown


def test_a_model_that_misses_the_gate_ends_with_3(
    first: tuple[int, dict[str, Any]], place: Path
) -> None:
    status, record = evaluate(
        place, GATE.replace("precision: {at_least: 0.0}", "cpm: {at_least: 1}")
    )
    assert (status, record["blessed"]) == (3, False)
    assert [row["verdict"] for row in record["gate"]] == ["pass", "fail", "pass"]
    assert record["components"]["SegmentScans"]["cached"] is True
    assert record["components"]["ModelImport"]["cached"] is True


def false_positives(record: dict[str, Any]) -> float:
    """Per scan, of the eval split."""
    wanted = ("false_positives_per_scan", "eval", "all", "all")
    keys = ("metric", "split", "bucket", "source")
    (row,) = [row for row in record["metrics"] if tuple(row[key] for key in keys) == wanted]
    return float(row["value"])


def test_what_is_found_on_excluded_findings_is_no_false_positive(
    first: tuple[int, dict[str, Any]], place: Path
) -> None:
    assert false_positives(first[1]) > 0
    with (place / "data" / "annotations.csv").open() as file:
        centres = {row["seriesuid"]: row for row in csv.DictReader(file)}
    with (place / "data" / "annotations_excluded.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(next(iter(centres.values()))))
        writer.writeheader()
        # As large as a table may say: about all of the small chests.
        writer.writerows({**row, "diameter_mm": "150"} for row in centres.values())
    _, record = evaluate(place, GATE)
    assert record["components"]["CtExampleGen"]["cached"] is False
    assert false_positives(record) < false_positives(first[1])
