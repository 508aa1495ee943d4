"""The report's page: one HTML file with everything inline."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from lungct.words import noun
from report import tables
from report.captions import facts, heading
from report.content import ReportContent, sum_up_nodules
from report.gallery import GROUPS, WRONG
from report.plots.figures import by_size, froc
from report.plots.nodules import dice_against_diameter, reliability, volume_agreement
from report.plots.training import dice_curve, loss_curve
from report.words import (
    count,
    counted,
    decimal,
    interval_text,
    minus,
    ratio,
    sentence,
    truth_text,
    two_lines,
)
from schema import features
from schema.gate import Verdict
from schema.metrics import (
    FROC,
    HEADLINES,
    LESION_SENSITIVITY,
    METRICS,
    NODULE_DICE,
    POOLED_DICE,
    TABLE_METRICS,
    figure_text,
    find_row,
    signed_text,
)
from schema.slice_keys import ALL, bucket_text

TEMPLATES: Final = Path(__file__).parent / "templates"
TEMPLATE: Final = "page.html.j2"
# Of the train split fewer figures are shown.
TRAIN_METRICS: Final = tuple(metric for metric in HEADLINES if metric.by_bucket)
# Sections in the order of the page: name, heading.
SECTIONS: Final = (
    ("overview", "Overview"),
    ("gate", "Gate"),
    ("size", "By size"),
    ("detection", "Detection"),
    ("volumes", "Volumes"),
    ("calibration", "Calibration"),
    ("gallery", "Pictures"),
    ("training", "Training"),
    ("sources", "Data roots"),
    ("data", "Data"),
    ("card", "Model card"),
    ("lineage", "Lineage"),
)


def render(content: ReportContent, card: Mapping[str, Any]) -> str:
    """The page as HTML.

    Args:
        content: What it says.
        card: The model card, which it shows too.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        bucket_text=bucket_text,
        count=count,
        counted=counted,
        decimal=decimal,
        facts=facts,
        figure=figure_text,
        heading=heading,
        interval=interval_text,
        minus=minus,
        noun=noun,
        ratio=ratio,
        sentence=sentence,
        signed=signed_text,
        truth_text=truth_text,
        two_lines=two_lines,
    )
    return environment.get_template(TEMPLATE).render(
        content=content,
        card=card,
        sections=SECTIONS,
        plots=_plots(content),
        **_tables(content),
        **_names(content),
    )


def pretty(configuration: str) -> str:
    """The configuration indented."""
    return json.dumps(json.loads(configuration), indent=2, ensure_ascii=False)


def train_patients(configuration: str) -> int:
    """Of how many patients of the train split figures are; 0 for all."""
    evaluation = json.loads(configuration).get("evaluation") or {}
    return int(evaluation.get("train_patients", 0))


def data_roots(configuration: str) -> list[str]:
    """The folders that the scans lie in."""
    data = json.loads(configuration).get("data") or {}
    return [str(root["path"]) for root in data.get("roots", ())]


def judged_on(content: ReportContent) -> str:
    """What the scans are, as crops are easier than whole scans."""
    data = content.data
    if not data.crops:
        return "whole scans"
    crops = "nodule-centred crops, not whole scans"
    return (
        crops
        if data.crops == data.used
        else f"whole scans and nodule-centred crops ({data.crops} of {data.used})"
    )


def _plots(content: ReportContent) -> dict[str, Markup]:
    """The plots by the names that the templates know; a plot without data is left out."""
    rows, findings = content.evaluation.metrics, content.findings
    nodules = findings.eval_nodules
    drawn = {
        metric.key: by_size(metric, rows, content.evaluation.gate)
        for metric in (POOLED_DICE, NODULE_DICE, LESION_SENSITIVITY)
    }
    if findings.curves:
        drawn["froc"] = froc(findings.curves, rows)
    if any(one.dice is not None for one in nodules):
        drawn["diameter"] = dice_against_diameter(nodules)
        drawn["volumes"] = volume_agreement(nodules, findings.agreement)
    if any(one.voxels for one in findings.calibration):
        drawn["calibration"] = reliability(findings.calibration)
    if content.history and content.history.epochs:
        drawn["loss"] = loss_curve(content.history)
        drawn["dice"] = dice_curve(content.history)
    return drawn


def _tables(content: ReportContent) -> dict[str, Any]:
    evaluation = content.evaluation
    rows = evaluation.metrics
    return {
        "cards": tables.cards(content),
        "gate": tables.gate_lines(evaluation),
        "eval_sizes": tables.size_rows(content, features.SPLIT_EVAL, TABLE_METRICS),
        "train_sizes": tables.size_rows(content, features.SPLIT_TRAIN, TRAIN_METRICS),
        "further": tables.further_rows(rows),
        "changes": tables.change_rows(evaluation),
        "changed_nodules": tables.changed_nodules(content.findings.eval_nodules),
        "sources": tables.source_rows(content),
        "cpm": find_row(rows, "cpm", features.SPLIT_EVAL, ALL),
    }


def _names(content: ReportContent) -> dict[str, Any]:
    """What else the templates ask for."""
    shown = [picture.request.kind for picture in content.pictures]
    return {
        "buckets": features.BUCKETS,
        "metrics": METRICS,
        "table_metrics": TABLE_METRICS,
        "headlines": HEADLINES,
        "train_metrics": TRAIN_METRICS,
        "froc_keys": [metric.key for metric in FROC],
        "verdicts": {verdict.name.lower(): content.gate_rows(verdict) for verdict in Verdict},
        "groups": {kind: text for kind, text in GROUPS.items() if kind in shown},
        "wrong_group": WRONG,
        "judged_on": judged_on(content),
        "data_roots": data_roots(content.making.configuration),
        "has_train": any(row.split == features.SPLIT_TRAIN for row in content.evaluation.metrics),
        "drawn": {picture.request.anchor for picture in content.pictures},
        "summary": sum_up_nodules(content.findings.eval_nodules),
        "configuration": pretty(content.making.configuration),
        "train_patients": train_patients(content.making.configuration),
        "style": Markup((TEMPLATES / "style.css").read_text()),
        "script": Markup((TEMPLATES / "script.js").read_text()),
    }
