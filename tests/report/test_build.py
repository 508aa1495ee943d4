"""The whole report from a made-up run."""

import gzip
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lungct.grid import Grid
from lungct.record import ScanRecord
from report.build import gather, write_report
from schema.files import MODEL_FILE
from schema.model_facts import DataFacts, ModelFacts, patient_hash
from tests.components.made_run import (
    MISSED,
    PARAMETERS,
    PASSED,
    MadeNodule,
    MadeScan,
    write_run,
)

NODULE = MadeNodule("1", (5, 30, 30), 4.2, "3-6")
EVAL = MadeScan(
    "1.2.840.1",
    "eval",
    (NODULE, MadeNodule("2", (5, 30, 46), 9.0, "8-15")),
    false_positives=((0.75, (3, 20, 20)), (0.625, (4, 40, 20))),
)
TRAIN = MadeScan("1.2.840.2", "train", (NODULE,))
LOST = ScanRecord("1.2.840.3", "quarantined", "no <lung> found")


class Page(HTMLParser):
    """Text, and everything that a page could load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Links within the page load nothing.
        named = [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        self.loads += [value for value in named if not value.startswith("#")]

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def write(folder: Path, scans: list[MadeScan], **how: Any) -> tuple[Page, dict[str, Any]]:
    inputs = write_run(folder / "run", scans, **how)
    criteria = PASSED if how.get("passed", True) else MISSED
    write_report(inputs, replace(PARAMETERS, criteria=criteria), str(folder / "report"))
    summary: dict[str, Any] = json.loads((folder / "report" / "summary.json").read_text())
    return Page((folder / "report" / "report.html").read_text()), summary


def test_report_of_a_blessed_model(tmp_path: Path) -> None:
    page, summary = write(tmp_path, [EVAL, TRAIN], more=[LOST])

    assert "✓ Blessed" in page.text
    assert "The model met the only criterion of the gate and may be pushed." in page.text
    assert "Phantom data. Every figure on this page was measured on computer-made" in page.text
    assert "3 scans found: 2 accepted, 0 repaired, 1 quarantined." in page.text
    assert "no <lung> found" in page.text  # escaped in the source
    assert "n = 1 patient, 2 nodules" in page.text and "0.625 to 0.875" in page.text
    assert "Among the worst · eval split, phantom · bucket 3–6 mm" in page.text
    assert "The 2 of highest probability, of 2 false positives in the eval split." in page.text
    assert page.loads and all(load.startswith(("data:image/", "data:,")) for load in page.loads)

    assert summary["blessed"] is summary["phantom"] is True
    assert summary["scans"] == {"found": 3, "accepted": 2, "repaired": 0, "quarantined": 1}
    assert [row["split"] for row in summary["data"]["splits"]] == ["train", "eval"]
    assert [row for row in summary["metrics"] if row["lower"]] == [
        {
            **{"split": "eval", "bucket": "all", "metric": "pooled_dice"},
            **{"value": 0.75, "lower": 0.625, "upper": 0.875, "source": "all"},
        }
    ]
    assert [(row["split"], row["value"]) for row in summary["gaps"]] == [("eval", 0.05)]
    assert summary["gate"][0]["verdict"] == "pass"
    assert summary["gate"][0]["margin"] == pytest.approx(0.25)
    assert {one["split"] for one in summary["nodules"]} == {"train", "eval"}
    # At (2.5, 2, 1) mm a ball of 4.2 mm is seven voxels, of which four are predicted; 5 mm³ each.
    small = next(one for one in summary["nodules"] if one["split"] == "eval")
    assert small["dice"] == pytest.approx(8 / 14)
    assert (small["truth_mm3"], small["predicted_mm3"]) == (35.0, 35.0)
    assert summary["nodule_summary"]["nodules"] == 2
    assert summary["history"]["kept_epoch"] == 2
    assert [one["kind"] for one in summary["pictures"]] == [
        *("among the worst", "among the best", "false positive", "false positive"),
    ]
    assert {one["series_uid"] for one in summary["pictures"]} == {EVAL.series_uid}


def test_model_card_lies_beside_the_page(tmp_path: Path) -> None:
    write(tmp_path, [EVAL, TRAIN])

    card = json.loads((tmp_path / "report" / "model_card.json").read_text())

    assert card["warnings"][0].startswith("PHANTOM DATA")
    assert card["figures"][0]["lower"] == 0.625
    assert card["training_data"]["scans"] == 1


def test_report_of_a_refused_model_says_why(tmp_path: Path) -> None:
    page, summary = write(tmp_path, [EVAL], passed=False)

    assert "✗ Not blessed" in page.text
    missed = "pooled Dice, eval split ≥ 0.9: measured 0.750, 0.150 below the bound of 0.900"
    assert missed in page.text
    assert summary["blessed"] is False


def test_real_scan_among_phantoms_is_shown(tmp_path: Path) -> None:
    page, summary = write(tmp_path, [EVAL, replace(TRAIN, phantom=False)])

    assert "1 of the 2 scans used is a computer-made phantom, 1 comes from patients" in page.text
    assert "train split (the model has learned from this scan), patient" in page.text
    (real,) = (one for one in summary["pictures"] if one["kind"] == "scan of a patient")
    assert real["series_uid"] == TRAIN.series_uid
    # Nodules of the train split are listed, but not among the eval nodules.
    assert [one["split"] for one in summary["nodules"]] == ["train", "eval", "eval"]
    assert summary["nodule_summary"]["nodules"] == 2


def test_patients_only_have_no_banner(tmp_path: Path) -> None:
    page, summary = write(tmp_path, [replace(scan, phantom=False) for scan in (EVAL, TRAIN)])

    assert "computer-made" not in page.text
    assert "Not a medical device" in page.text
    assert "scan of a patient" not in [one["kind"] for one in summary["pictures"]]


def test_eval_without_nodules_and_no_history(tmp_path: Path) -> None:
    inputs = write_run(tmp_path / "run", [MadeScan("a", "eval")])
    (tmp_path / "run" / "model_run" / "history.json").unlink()

    content = write_report(inputs, PARAMETERS, str(tmp_path / "report"))

    page = Page((tmp_path / "report" / "report.html").read_text())
    assert (content.pictures, content.history) == ((), None)
    assert "No history of training." in page.text
    assert "No nodule of the eval split could be measured." in page.text


def test_nothing_was_trained(tmp_path: Path) -> None:
    inputs = replace(write_run(tmp_path, [EVAL]), model_run=None)

    assert gather(inputs, PARAMETERS).history is None


def write_model(folder: Path, *learned: str) -> str:
    folder.mkdir()
    patients = {"train": tuple(patient_hash(name) for name in learned)}
    facts = ModelFacts(Grid((2.5, 2.0, 1.0)), (-1000, 400), 0.5, 8, DataFacts(patients=patients))
    (folder / MODEL_FILE).write_text(facts.to_json())
    return str(folder)


def test_models_and_patients_that_one_has_seen(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [EVAL, TRAIN])
    seen = f"patient of {EVAL.series_uid}"
    model = write_model(tmp_path / "model", seen, f"patient of {TRAIN.series_uid}")
    baseline = write_model(tmp_path / "baseline")

    lineage = gather(replace(run, model=model, baseline=baseline), PARAMETERS).lineage
    other = gather(replace(run, model=baseline), PARAMETERS).lineage

    # Who is in the train split is meant to have been seen.
    assert lineage.seen_patients == 1
    assert lineage.baseline is not None
    assert (other.seen_patients, other.baseline) == (0, None)


def test_evaluation_counts_patients_of_every_split_of_the_model(tmp_path: Path) -> None:
    run = replace(write_run(tmp_path / "run", [EVAL]), model_run=None)
    model = write_model(tmp_path / "model", f"patient of {EVAL.series_uid}")
    facts = json.loads((tmp_path / "model" / MODEL_FILE).read_text())
    facts["data"]["patients"] = {"eval": facts["data"]["patients"]["train"]}
    (tmp_path / "model" / MODEL_FILE).write_text(json.dumps(facts))

    lineage = gather(replace(run, model=model), PARAMETERS).lineage
    unknown = gather(run, PARAMETERS).lineage

    assert lineage.is_evaluation and lineage.seen_patients == 1
    assert (
        "1 of 1 patient was in the data of the model (1 in its eval split)" in (lineage.warnings[0])
    )
    assert unknown.is_evaluation and unknown.warnings == ()


def test_series_that_the_records_of_the_scans_lack(tmp_path: Path) -> None:
    inputs = write_run(tmp_path, [EVAL])
    (tmp_path / "scans" / "scans.jsonl").write_text("")

    with pytest.raises(ValueError, match=r"expected series 1\.2\.840\.1 of the judged rows"):
        gather(inputs, PARAMETERS)


def test_blessing_that_contradicts_the_gate(tmp_path: Path) -> None:
    inputs = write_run(tmp_path, [EVAL])
    (tmp_path / "blessing" / "BLESSED").unlink()

    with pytest.raises(ValueError, match="got blessed=False in .* and a gate that was passed"):
        gather(inputs, PARAMETERS)


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("{}", "expected a section 'grid' in custom_config, got None"),
        ('{"grid": {"context": 1}}', "expected all values of Grid"),
        ('{"grid": {"spacing_mm": [1, 0, 1]}}', "expected 3 spacings"),
        ('{"grid": {"spacing_mm": [3, 2, 1]}}', "expected evaluation.replicates in .* 'evaluation"),
        ('{"grid": {"spacing_mm": [3, 2, 1]}, "evaluation": {}}', "expected evaluation.replicates"),
    ],
)
def test_configuration_without_what_is_read_of_it(
    tmp_path: Path, configuration: str, expected: str
) -> None:
    inputs = write_run(tmp_path, [EVAL])
    with pytest.raises(ValueError, match=expected):
        gather(inputs, replace(PARAMETERS, configuration=configuration))


def test_empty_split_is_passed_over(tmp_path: Path) -> None:
    inputs = write_run(tmp_path, [EVAL])
    for folder in ("examples/Split-eval-index", "rows/Split-eval"):
        (tmp_path / folder / "empty.tfrecord.gz").write_bytes(gzip.compress(b""))

    assert len(gather(inputs, PARAMETERS).findings.eval_nodules) == 2


def test_slices_of_any_size(tmp_path: Path) -> None:
    wide = replace(EVAL, shape=(12, 44, 70))
    long = MadeScan("1.2.840.4", "eval", (replace(NODULE, zyx=(19, 70, 30)),), shape=(22, 81, 41))

    content = gather(write_run(tmp_path, [wide, long]), PARAMETERS)

    shown = [one.request.series_uid for one in content.pictures]
    assert set(shown) == {wide.series_uid, long.series_uid}
    assert all(len(one.panels) == 4 for one in content.pictures)
