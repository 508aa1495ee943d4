"""The page: whole, escaped, and saying what there is and what there is not."""

import re
from dataclasses import replace
from typing import Any

from lungct.grid import Grid
from report.content import Lineage, Making, ReportContent
from report.model_card import model_card
from report.page import SECTIONS, TEMPLATES, data_roots, pretty, render, train_patients
from report.scans import SourceFacts
from schema.gate import GateRow, Verdict
from schema.metrics import MetricRow
from schema.model_facts import ModelFacts
from tests.components.made_evaluation import at_least, change_of_at_least
from tests.report.facts import content, evaluation, nodule


def page(one: ReportContent) -> str:
    return render(one, model_card(one))


def words(one: ReportContent) -> str:
    """The page without markup."""
    text = re.sub(r"<(style|script)>.*?</\1>", "", page(one), flags=re.S)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_configuration_is_indented() -> None:
    assert pretty('{"a": {"b": "µ"}}') == '{\n  "a": {\n    "b": "µ"\n  }\n}'


def test_how_many_patients_of_train() -> None:
    assert train_patients('{"evaluation": {"train_patients": 7}}') == 7
    assert train_patients("{}") == 0


def test_the_folders_of_the_data() -> None:
    assert data_roots('{"data": {"roots": [{"path": "a/b", "name": "c"}]}}') == ["a/b"]
    assert data_roots("{}") == data_roots('{"data": {}}') == []


def test_the_page_of_a_run_without_scans_is_whole_and_escaped() -> None:
    text = page(content())
    assert text.rstrip().endswith("</html>")
    assert "&lt;b&gt;" in text and '"<b>"' not in text
    assert [name for name, _ in SECTIONS if f'<section id="{name}">' not in text] == []


def test_every_section_has_its_template_and_every_template_is_used() -> None:
    expected = {f"{name}.j2" for name, _ in SECTIONS}
    others = {"page.html.j2", "macros.j2", "style.css", "script.js"}
    assert {path.name for path in TEMPLATES.iterdir()} == expected | others


def test_nothing_can_be_loaded_from_anywhere() -> None:
    text = page(content())
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)
    assert policy and policy[1] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'unsafe-inline'"
    )
    assert not re.search(r"https?:|url\(|@import", text)


def test_what_there_is_not_is_said() -> None:
    text = words(content())
    for line in (
        "No criterion was set, so nothing can be blessed.",
        "No baseline: there was no earlier blessed model",
        "The eval split has no nodules, so there is no curve.",
        "No nodule of the eval split could be measured.",
        "No scan of the eval split was judged.",
        "No history of training.",
        "No figures by data root.",
        "No scan was quarantined.",
    ):
        assert line in text


def gate(*rows: GateRow) -> Any:
    return evaluation(
        MetricRow("eval", "all", "pooled_dice", 0.75, 0.5, 0.8), gate=rows, changes=None
    )


PASS = GateRow(at_least(0.5), 0.75, Verdict.PASS)
FEW = GateRow(at_least(0.5, "15+", min_nodules=9), None, Verdict.NOT_JUDGED, "2 nodules of 9")
FIRST = GateRow(change_of_at_least(0.0), None, Verdict.NOT_APPLICABLE, "no baseline")


def test_blessed_by_what_could_be_judged() -> None:
    text = words(content(evaluation=gate(PASS, FEW, FIRST), blessed=True))

    assert "✓ Blessed The model met the only criterion of the gate that could be judged" in text
    assert "1 not judged for want of nodules, 1 without a baseline to compare with; see" in text
    assert "2 nodules of 9 – – ≥ 0.500 – – not judged" in text
    assert "– not applicable" in text
    # Measured, interval, bound, margin.
    assert "0.750 0.500 to 0.800 ≥ 0.500 +0.250 ✓ pass" in text


def test_nothing_could_be_judged() -> None:
    text = words(content(evaluation=gate(FEW)))
    assert "No criterion of the gate could be judged, so nothing can be blessed." in text


def test_models_that_were_passed_over_are_named_below_the_gate() -> None:
    reason = "not compared with the blessed model in <m>/7: expected region lung, got volume"
    text = page(content(evaluation=gate(PASS, FIRST), lineage=Lineage(passed_over=(reason,))))
    section = text[text.index('<section id="gate">') : text.index('<section id="size">')]
    assert f"<li>N{reason[1:]}</li>".replace("<m>", "&lt;m&gt;") in section
    assert "Passed over" not in page(content())


def test_an_evaluation_says_which_model_was_judged_on_which_data() -> None:
    configuration = '{"data": {"roots": [{"path": "/data/a"}, {"path": "/data/b"}]}}'
    one = content(
        lineage=Lineage(is_evaluation=True, folder="/models/lung/1796027094"),
        making=Making(configuration, "c0ffee", 0.5, "2026-01-01T00:00:00+00:00"),
    )
    data = replace(one.data, sources=(SourceFacts("a", "eval", 1, 2, 3),), used=2)
    text = page(replace(one, data=data))
    title = "lung, version 1796027094, on a"
    assert f"<title>{title} · evaluation</title>" in text and f"<h1>{title}</h1>" in text
    assert "Model <code>" not in text and "<code>/models/lung/1796027094</code>" in text
    said = words(replace(one, data=data))
    assert "Its version 1796027094; code not known" in said
    assert "Judged on /data/a , /data/b : 2 scans of 0 patients with 0 nodules" in said


def test_what_a_nodule_must_reach_is_said_where_there_is_such_a_threshold() -> None:
    facts = ModelFacts(Grid((3.0, 2.0, 1.0)), (-1000, 400), 0.5, 8, nodule_threshold=0.9)
    said = words(content(nodules=(nodule(1),), lineage=Lineage(facts)))
    assert "and some voxel has at least 0.9" in said
    assert "some voxel has at least" not in words(content())


def test_a_run_is_called_by_its_configuration() -> None:
    assert "<title>run · report</title>" in page(content())


def test_a_model_that_has_seen_the_patients() -> None:
    text = words(content(lineage=Lineage(None, None, 2)))
    assert "2 patients of those judged here were in the model’s training data." in text


def test_a_point_of_a_plot_leads_to_its_row_where_there_is_no_picture() -> None:
    text = page(content(nodules=(nodule(1),)))
    assert '<a href="#nodule-1"' in text
    assert '<tr id="nodule-1" tabindex="-1">' in text


def test_sizes_of_train_are_said_to_be_of_some_patients() -> None:
    one = content(MetricRow("train", "all", "pooled_dice", 0.5))
    configured = replace(one.making, configuration='{"evaluation": {"train_patients": 7}}')
    assert "at most 7 of its patients" in words(replace(one, making=configured))
    assert "Figures of the train split" not in words(one)
