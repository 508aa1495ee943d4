"""The model card, from facts made by hand."""

import json
from dataclasses import replace
from typing import Any

from lungct.grid import Grid
from lungct.record import NoduleRecord, ScanRecord
from report.content import Lineage, Making, ReportContent
from report.history import History
from report.model_card import model_card, warnings
from report.scans import sum_up
from schema.gate import GateRow, Verdict
from schema.metrics import MetricRow
from schema.model_facts import DataFacts, ModelFacts
from tests.components.made_evaluation import at_least
from tests.report.facts import content, evaluation, nodule

MODEL = ModelFacts(
    Grid((3.0, 2.0, 1.0)),
    (-1000, 400),
    probability_threshold=0.5,
    stride=8,
    data=DataFacts(("spheres",), ("lung",), "5p117", "da7a"),
    code_hash="c0de",
    versions={"tensorflow": "2.16", "keras": "3.12"},
    nodule_threshold=0.9,
)
CONFIGURATION = json.dumps({"model": {"levels": 4}, "training": {"epochs": 3}})


def scan(uid: str, split: str, **more: Any) -> ScanRecord:
    nodules = (NoduleRecord("1", (1.0, 2.0, 3.0), 5.0, 65.0, "3-6"),)
    known = {"patient_id": uid, "split": split, "source": "here", "nodules": nodules}
    return ScanRecord(uid, "accepted", **{**known, "truth": "spheres", **more})


def card_content(*scans: ScanRecord, **more: Any) -> ReportContent:
    rows = (
        MetricRow("eval", "all", "pooled_dice", 0.75, 0.5, 0.8),
        MetricRow("eval", "15+", "pooled_dice", 0.5),
        MetricRow("eval", "15+", "iou", 0.5),
        MetricRow("eval", "all", "patients", 2.0),
        MetricRow("eval", "15+", "nodules", 40.0),
        MetricRow("eval", "6-8", "nodules", 1.0),
    )
    gate = (GateRow(at_least(0.5), 0.75, Verdict.PASS),)
    return content(
        **{
            "evaluation": evaluation(*rows, gate=gate),
            "data": sum_up(scans, ()),
            "making": Making(CONFIGURATION, "c0ffee", 0.5, "2026"),
            **more,
        }
    )


def test_data_of_training_and_evaluation() -> None:
    one = card_content(
        scan("a", "train"),
        scan("b", "train", patient_id="a", source="there", phantom=True, truth="label masks"),
        scan("c", "eval"),
        ScanRecord("d", "quarantined", split="eval"),
    )

    card = model_card(one)

    assert card["training_data"] == {
        "splits": ["train"],
        "sources": ["here", "there"],
        "truths": ["label masks", "spheres"],
        "patients": 1,
        "scans": 2,
        "phantom_scans": 1,
        "nodules": {"3-6": 2, "6-8": 0, "8-15": 0, "15+": 0},
    }
    assert (card["evaluation_data"]["splits"], card["evaluation_data"]["scans"]) == (["eval"], 1)


def test_figures_have_intervals_and_counts() -> None:
    card = model_card(card_content())

    assert card["figures"] == [
        {
            **{"split": "eval", "bucket": "all", "metric": "pooled_dice", "value": 0.75},
            **{"lower": 0.5, "upper": 0.8, "patients": 2.0, "nodules": None, "source": "all"},
        },
        {
            **{"split": "eval", "bucket": "15+", "metric": "pooled_dice", "value": 0.5},
            **{"lower": None, "upper": None, "patients": None, "nodules": 40.0, "source": "all"},
        },
    ]
    assert card["gate"][0]["verdict"] == "pass"
    labels = {one["metric"]: one["protocol"] for one in card["protocols"]}
    assert "over all voxels" in labels["pooled_dice"]


def test_model_and_lineage() -> None:
    history = History((), None, (), 1234, "float32")
    one = card_content(history=history, lineage=Lineage(MODEL, replace(MODEL, code_hash="0ld")))

    card = model_card(one)

    assert card["model"]["parameters"] == 1234
    assert card["model"]["network"] == {"levels": 4}
    assert card["model"]["grid"]["spacing_mm"] == (3.0, 2.0, 1.0)
    assert card["model"]["nodule_threshold"] == 0.9
    assert card["lineage"]["model"] == {
        **{"code_hash": "c0de", "split_sha256": "5p117", "data_sha256": "da7a"},
    }
    assert card["lineage"]["compared_with"]["code_hash"] == "0ld"
    assert list(card["versions"]) == ["keras", "tensorflow"]


def test_a_model_of_which_nothing_is_known() -> None:
    card = model_card(card_content())

    assert (card["lineage"]["model"], card["versions"]) == (None, {})
    assert "grid" not in card["model"] and card["model"]["parameters"] is None
    assert "Not a medical device" in card["not_for"]


def test_limits_are_those_of_the_run() -> None:
    one = card_content(
        scan("a", "train", region="volume"),
        scan("b", "eval"),
        nodules=(nodule(1, diameter_mm=4.0), nodule(2, diameter_mm=21.5)),
    )

    limits = model_card(one)["limits"]

    assert limits == [
        "Judged on nodules of 4.0 to 21.5 mm; nothing is known of others.",
        "Judged on 2 patients: with so few the intervals are too narrow.",
        "0 nodules of 3–6 mm judged: too few to tell.",
        "1 nodule of 6–8 mm judged: too few to tell.",
        "0 nodules of 8–15 mm judged: too few to tell.",
        "1 of 2 scans is a crop around a nodule; such figures can't be compared with those of "
        "whole scans.",
        "Truth is spheres of the annotated diameters: no outline can agree with it wholly.",
        "All scans are from one data root (here).",
        "Not compared with an earlier model: no baseline.",
    ]


def test_spheres_are_the_truth_of_phantoms() -> None:
    limits = model_card(card_content(scan("a", "train", phantom=True)))["limits"]
    assert not [line for line in limits if "spheres" in line]


def test_phantoms_and_seen_patients_are_said_loudly() -> None:
    made, real = scan("a", "train", phantom=True), scan("b", "eval")

    assert list(warnings(card_content(made)))[0].startswith("PHANTOM DATA: every scan")
    (mixed,) = warnings(card_content(made, real))
    assert mixed.startswith("PHANTOMS AND PATIENTS ARE MIXED: 1 of the 2 scans is ")
    (seen,) = warnings(card_content(real, lineage=Lineage(MODEL, None, 1)))
    assert seen.startswith("SEEN IN TRAINING: 1 patient of those judged was in")
    assert list(warnings(card_content(real))) == []
