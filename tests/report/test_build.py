"""The whole report from a made-up run."""

import gzip
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lungct.record import ScanRecord
from report.build import gather, write_report
from tests.components.made_run import (
    MISSED,
    PARAMETERS,
    PASSED,
    MadeNodule,
    MadeScan,
    write_run,
)

NODULE = MadeNodule("1", (5, 30, 30), 4.2, "3-6")
EVAL = MadeScan("1.2.840.1", "eval", (NODULE, MadeNodule("2", (5, 30, 46), 9.0, "8-15")))
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
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]

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
    assert "Best of 2 eval nodules" in page.text
    assert page.loads and all(load.startswith("data:image/") for load in page.loads)

    assert summary["blessed"] is summary["phantom"] is True
    assert summary["scans"] == {"found": 3, "accepted": 2, "repaired": 0, "quarantined": 1}
    assert [row["split"] for row in summary["data"]["splits"]] == ["train", "eval"]
    assert summary["metrics"][0] == {
        "split": "train",
        "bucket": "all",
        "metric": "pooled_dice",
        "value": 0.8,
        "lower": None,
        "upper": None,
    }
    assert summary["gate"][0]["verdict"] == "pass"
    assert summary["gate"][0]["margin"] == pytest.approx(0.25)
    assert summary["nodules"][0]["dice"] == pytest.approx(8 / 14)
    assert summary["nodule_summary"]["nodules"] == 2
    assert summary["history"]["best_epoch"] == 2
    assert [one["kind"] for one in summary["pictures"]] == [
        "best of 2 eval nodules",
        "worst of 2 eval nodules",
    ]


def test_report_of_a_refused_model_says_why(tmp_path: Path) -> None:
    page, summary = write(tmp_path, [EVAL], passed=False)

    assert "✗ Not blessed" in page.text
    missed = "pooled Dice, eval split ≥ 0.9: measured 0.750, 0.150 below the bound of 0.900"
    assert missed in page.text
    assert summary["blessed"] is False


def test_real_scan_among_phantoms_is_shown(tmp_path: Path) -> None:
    page, summary = write(tmp_path, [EVAL, replace(TRAIN, phantom=False)])

    assert "1 of the 2 scans used are computer-made phantoms, 1 comes from patients" in page.text
    assert "train split (the model has learned from this scan) · patient scan" in page.text
    last = summary["pictures"][-1]
    assert (last["kind"], last["series_uid"]) == ("real scan", TRAIN.series_uid)
    # Nodules of the train split are listed, but not among the eval nodules.
    assert [one["split"] for one in summary["nodules"]] == ["eval", "eval", "train"]
    assert summary["nodule_summary"]["nodules"] == 2


def test_patients_only_have_no_banner(tmp_path: Path) -> None:
    page, summary = write(tmp_path, [replace(scan, phantom=False) for scan in (EVAL, TRAIN)])

    assert "computer-made" not in page.text
    assert "Not a medical device" in page.text
    assert len(summary["pictures"]) == 2


def test_eval_without_nodules_and_no_history(tmp_path: Path) -> None:
    inputs = write_run(tmp_path / "run", [MadeScan("a", "eval")])
    (tmp_path / "run" / "model_run" / "history.json").unlink()

    content = write_report(inputs, PARAMETERS, str(tmp_path / "report"))

    page = Page((tmp_path / "report" / "report.html").read_text())
    assert (content.pictures, content.history) == ((), None)
    assert "The Trainer left no history." in page.text
    assert "so there is nothing to show" in page.text


def test_series_that_the_records_of_the_scans_lack(tmp_path: Path) -> None:
    inputs = write_run(tmp_path, [EVAL])
    (tmp_path / "scans" / "scans.jsonl").write_text("")

    with pytest.raises(ValueError, match=r"expected series 1\.2\.840\.1 of .* got none"):
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
    ],
)
def test_configuration_without_the_working_grid(
    tmp_path: Path, configuration: str, expected: str
) -> None:
    inputs = write_run(tmp_path, [EVAL])
    with pytest.raises(ValueError, match=expected):
        gather(inputs, replace(PARAMETERS, configuration=configuration))


def test_empty_split_is_passed_over(tmp_path: Path) -> None:
    inputs = write_run(tmp_path, [EVAL])
    empty = tmp_path / "examples" / "Split-eval-index" / "empty.tfrecord.gz"
    empty.write_bytes(gzip.compress(b""))

    assert len(gather(inputs, replace(PARAMETERS, trainer_code_hash="other")).eval_nodules) == 2


def test_real_scan_of_train_that_was_not_judged_is_not_shown(tmp_path: Path) -> None:
    real = replace(TRAIN, phantom=False)
    inputs = write_run(tmp_path, [EVAL, real])
    (tmp_path / "predictions" / f"{real.series_uid}.npz").unlink()

    content = gather(inputs, PARAMETERS)

    assert {one.series_uid for one in content.nodules} == {EVAL.series_uid}
    assert all(one.kind != "real scan" for one in content.pictures)


def test_it_is_said_of_how_many_patients_train_figures_are(tmp_path: Path) -> None:
    inputs = write_run(tmp_path / "run", [EVAL])
    facts = {**json.loads(PARAMETERS.configuration), "evaluation": {"train_patients": 7}}
    for name, parameters in {
        "some": replace(PARAMETERS, configuration=json.dumps(facts)),
        "all": PARAMETERS,
    }.items():
        write_report(inputs, parameters, str(tmp_path / name))

    said = "Figures of the train split are of at most 7 of its patients"
    assert said in Page((tmp_path / "some" / "report.html").read_text()).text
    assert "Figures of the train" not in (tmp_path / "all" / "report.html").read_text()


def test_slices_of_any_size(tmp_path: Path) -> None:
    wide = replace(EVAL, shape=(12, 44, 70))
    long = MadeScan("1.2.840.4", "eval", (replace(NODULE, zyx=(19, 70, 30)),), shape=(22, 81, 41))

    content = gather(write_run(tmp_path, [wide, long]), PARAMETERS)

    dice = {(one.series_uid, one.nodule_id): one.dice for one in content.eval_nodules}
    assert dice[EVAL.series_uid, "1"] == dice["1.2.840.4", "1"] == pytest.approx(8 / 14)
