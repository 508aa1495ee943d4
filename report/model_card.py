"""The model card: what the model is, what it was made from, how good it is and what it is not for.

The sections are those of Mitchell et al., Model Cards for Model Reporting (2019), filled from the
run's own facts. The same card is written as JSON and shown on the page.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from lungct.record import ScanRecord
from lungct.words import noun
from report.content import ReportContent
from report.words import SPHERES, counted, decimal, sentence
from schema import features
from schema.metrics import HEADLINES, METRICS, Metric, find_row
from schema.model_facts import ModelFacts
from schema.slice_keys import ALL, bucket_text
from schema.versions import CARD_VERSION

# With fewer patients intervals are too narrow, and with fewer nodules a size says little.
FEW_PATIENTS: Final = 30
FEW_NODULES: Final = 20

INTENDED_USE: Final = (
    "Research and development: outlining pulmonary nodules on chest CT, for those who build and "
    "review such models."
)
NOT_FOR: Final = (
    "Not a medical device. Not for diagnosis, treatment or screening without a validation of its "
    "own on the scanners and patients that it is to be used for, and without the approval that "
    "the law asks for."
)


def model_card(content: ReportContent) -> dict[str, Any]:
    """The card as plain JSON; what is not known is left out or null."""
    configuration = json.loads(content.making.configuration)
    is_evaluation = content.lineage.is_evaluation
    return {
        "version": CARD_VERSION,
        "name": (content.lineage.model_name or None) if is_evaluation else content.name,
        "folder": content.lineage.folder or None,
        "is_evaluation": is_evaluation,
        "written": content.making.written,
        "blessed": content.blessed,
        "intended_use": INTENDED_USE,
        "not_for": NOT_FOR,
        "warnings": list(warnings(content)),
        "model": _model(content, configuration),
        "training_data": _training_data(content),
        "evaluation_data": _data(content, (features.SPLIT_EVAL, features.SPLIT_TEST)),
        "protocols": [_protocol(metric) for metric in METRICS],
        "figures": list(_figures(content)),
        "gate": [row.to_json() for row in content.evaluation.gate],
        "limits": list(_limits(content)),
        "versions": _versions(content.lineage.model),
        "lineage": lineage(content),
    }


def warnings(content: ReportContent) -> Iterator[str]:
    """What must be read before any figure."""
    data = content.data
    if data.all_phantom:
        yield (
            "PHANTOM DATA: every scan is computer-made. The figures say how well the pipeline "
            "works and nothing about how the model would do on people."
        )
    elif data.mixed:
        yield (
            f"PHANTOMS AND PATIENTS ARE MIXED: {data.phantoms} of the {data.used} scans "
            f"{noun(data.phantoms, 'is', 'are')} "
            "computer-made. The figures do not say how the model would do on people."
        )
    seen = content.lineage.seen_patients
    if content.lineage.is_evaluation:
        yield from map(sentence, content.lineage.warnings)
    elif seen:
        yield (
            f"SEEN IN TRAINING: {counted(seen, 'patient')} of those judged "
            f"{noun(seen, 'was', 'were')} in the model's training data. The figures are too "
            "good."
        )


def lineage(content: ReportContent) -> dict[str, Any]:
    """Hashes of code and data, of the model and of the one that it was compared with."""
    model, baseline = content.lineage.model, content.lineage.baseline
    return {
        "trainer_code_hash": content.making.trainer_code_hash,
        "model": None if model is None else _hashes(model),
        "compared_with": None if baseline is None else _hashes(baseline),
    }


def _hashes(model: ModelFacts) -> dict[str, str]:
    return {
        "code_hash": model.code_hash,
        "split_sha256": model.data.split_sha256,
        "data_sha256": model.data.data_sha256,
    }


def _model(content: ReportContent, configuration: dict[str, Any]) -> dict[str, Any]:
    history, facts = content.history, content.lineage.model
    # The configuration of an evaluation says nothing of how the model was made.
    made_by = {} if content.lineage.is_evaluation else configuration
    known: dict[str, Any] = {
        "kind": "2-D network on axial slices with their neighbours",
        "network": made_by.get("model"),
        "training": made_by.get("training"),
        "parameters": history.parameters if history else None,
        "probability_threshold": content.making.probability_threshold,
        "nodule_threshold": facts.nodule_threshold if facts else None,
    }
    if facts is not None:
        known["grid"] = asdict(facts.grid)
        known["window_hu"] = list(facts.window_hu)
        known["truths_learned"] = list(facts.data.truths)
        known["regions"] = list(facts.data.regions)
    return known


def _training_data(content: ReportContent) -> dict[str, Any]:
    """What the model learned from; of an evaluation what `model.json` says, null is not known."""
    if not content.lineage.is_evaluation:
        return _data(content, (features.SPLIT_TRAIN,))
    model = content.lineage.model
    patients = {} if model is None else model.data.patients
    return {
        "splits": [features.SPLIT_TRAIN] if features.SPLIT_TRAIN in patients else [],
        "sources": None,
        "truths": None if model is None else list(model.data.truths),
        "patients": len(patients[features.SPLIT_TRAIN])
        if features.SPLIT_TRAIN in patients
        else None,
        "scans": None,
        "phantom_scans": None,
        "nodules": None,
        "patients_by_split": {split: len(found) for split, found in patients.items()},
    }


def _data(content: ReportContent, splits: Sequence[str]) -> dict[str, Any]:
    """What some splits hold."""
    data = content.data
    members = [scan for name in splits for scan in data.members.get(name, ())]
    found = [facts for facts in data.splits if facts.split in splits]
    return {
        "splits": [facts.split for facts in found],
        "sources": sorted({scan.source for scan in members}),
        "truths": sorted({scan.truth for scan in members if scan.truth}),
        "patients": sum(facts.patients for facts in found),
        "scans": len(members),
        "phantom_scans": sum(scan.phantom for scan in members),
        "nodules": {
            bucket: sum(facts.nodules[bucket] for facts in found) for bucket in features.BUCKETS
        },
    }


def _protocol(metric: Metric) -> dict[str, str]:
    return {
        "metric": metric.key,
        "label": metric.label,
        "protocol": metric.protocol,
        "formula": metric.formula,
        "unit": metric.unit,
    }


def _figures(content: ReportContent) -> Iterator[dict[str, Any]]:
    """Every figure of the eval split, and the headlines by size, with counts."""
    rows = content.evaluation.metrics
    for bucket in (ALL, *features.BUCKETS):
        for metric in METRICS if bucket == ALL else HEADLINES:
            row = find_row(rows, metric.key, features.SPLIT_EVAL, bucket)
            if row is not None:
                counts = {
                    name: None if found is None else found.value
                    for name in ("patients", "nodules")
                    for found in [find_row(rows, name, features.SPLIT_EVAL, bucket)]
                }
                yield {**asdict(row), **counts}


def _limits(content: ReportContent) -> Iterator[str]:
    """What the figures do not say, as far as the run knows."""
    data, rows = content.data, content.evaluation.metrics
    sizes_mm = [one.diameter_mm for one in content.findings.eval_nodules]
    if sizes_mm:
        low, high = decimal(min(sizes_mm), 1), decimal(max(sizes_mm), 1)
        yield f"Judged on nodules of {low} to {high} mm; nothing is known of others."
    patients = find_row(rows, "patients", features.SPLIT_EVAL)
    if patients is not None and (patients.value or 0) < FEW_PATIENTS:
        yield (
            f"Judged on {counted(int(patients.value or 0), 'patient')}: with so few the intervals "
            "are too narrow."
        )
    for bucket in features.BUCKETS:
        found = find_row(rows, "nodules", features.SPLIT_EVAL, bucket)
        nodules = int((found.value if found else None) or 0)
        if nodules < FEW_NODULES:
            yield f"{counted(nodules, 'nodule')} of {bucket_text(bucket)} judged: too few to tell."
    if data.crops:
        crops = noun(data.crops, "is a crop around a nodule", "are crops around nodules")
        yield (
            f"{data.crops} of {counted(data.used, 'scan')} {crops}; such figures can't be compared "
            "with those of whole scans."
        )
    if any(scan.truth == SPHERES and not scan.phantom for scan in _all(content)):
        yield "Truth is spheres of the annotated diameters: no outline can agree with it wholly."
    if len(data.source_names) == 1:
        yield f"All scans are from one data root ({data.source_names[0]})."
    if content.evaluation.changes is None and not content.lineage.is_evaluation:
        yield "Not compared with an earlier model: no baseline."


def _all(content: ReportContent) -> Iterator[ScanRecord]:
    """Every scan used."""
    for scans in content.data.members.values():
        yield from scans


def _versions(model: ModelFacts | None) -> dict[str, str]:
    return {} if model is None else dict(sorted(model.versions.items()))
