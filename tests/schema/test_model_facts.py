"""Facts travel as JSON, and what is none is refused."""

import json

import pytest

from lungct.grid import Grid
from lungct.record import ScanRecord
from schema.model_facts import DataFacts, ModelFacts, facts_of, patient_hash

PATIENTS = {"eval": (patient_hash("c"),), "train": (patient_hash("a"), patient_hash("b"))}
DATA = DataFacts(("label masks", "spheres"), ("lung",), "12ab", "34cd", PATIENTS)
MODEL = ModelFacts(
    grid=Grid((2.5, 1.5, 1.25), context=2, margin_mm=7.5),
    window_hu=(-1000, 400),
    probability_threshold=0.5,
    stride=8,
    data=DATA,
    code_hash="56ef",
    versions={"tensorflow": "2.15.1"},
)


def test_facts_of_scans_that_can_be_used() -> None:
    known = {"patient_id": "a", "split": "eval", "truth": "spheres", "region": "volume"}
    lost = ScanRecord("c", "quarantined", patient_id="c", truth="other")
    found = facts_of([ScanRecord("a", "accepted", **known), lost])

    assert (found.truths, found.regions) == (("spheres",), ("volume",))
    assert found.patients == {"eval": (patient_hash("a"),)}
    assert (found.split_sha256, found.data_sha256) == ("", "")


def test_facts_come_back() -> None:
    assert DataFacts.from_json(DATA.to_json()) == DATA
    assert ModelFacts.from_json(MODEL.to_json()) == MODEL
    assert ModelFacts.from_json(MODEL.to_json()).to_json() == MODEL.to_json()


def test_patients_come_back_by_split() -> None:
    assert DataFacts.from_json(DATA.to_json()).patients == PATIENTS
    assert ModelFacts.from_json(MODEL.to_json()).data.patients == PATIENTS
    assert DataFacts.from_json(DataFacts().to_json()).patients == {}


def test_a_patient_is_hashed() -> None:
    assert patient_hash("LIDC-IDRI-0001") == "3bb5d67ab4619662"
    assert patient_hash("a") != patient_hash("b")


@pytest.mark.parametrize("text", ["[]", "1", "null"])
def test_what_is_no_object_is_refused(text: str) -> None:
    for kind in (DataFacts, ModelFacts):
        with pytest.raises(ValueError, match="expected a JSON object of facts, got"):
            kind.from_json(text)


@pytest.mark.parametrize("kind", [DataFacts, ModelFacts])
def test_what_is_no_json_is_refused(kind: type[DataFacts] | type[ModelFacts]) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        kind.from_json("")


@pytest.mark.parametrize(
    "change",
    [
        {"truths": 1},
        {"regions": None},
        {"colour": "red"},
        {"patients": None},
        {"patients": ["a"]},
        {"patients": {"train": 1}},
    ],
)
def test_other_facts_of_data_are_refused(change: dict[str, object]) -> None:
    text = json.dumps({**json.loads(DATA.to_json()), **change})
    with pytest.raises(ValueError, match="expected the facts of a data set, got {"):
        DataFacts.from_json(text)
    with pytest.raises(ValueError, match="expected the facts of a data set, got {'truths'"):
        DataFacts.from_json('{"truths": []}')


@pytest.mark.parametrize(
    "change", [{"grid": 1}, {"window_hu": 5}, {"window_hu": None}, {"colour": "red"}]
)
def test_other_facts_of_a_model_are_refused(change: dict[str, object]) -> None:
    text = json.dumps({**json.loads(MODEL.to_json()), **change})
    with pytest.raises(ValueError, match="expected the facts of a model, got"):
        ModelFacts.from_json(text)


@pytest.mark.parametrize("name", ["grid", "window_hu", "data", "stride"])
def test_a_missing_fact_of_a_model_is_refused(name: str) -> None:
    content = json.loads(MODEL.to_json())
    del content[name]
    with pytest.raises(ValueError, match="expected the facts of a model, got"):
        ModelFacts.from_json(json.dumps(content))


def test_a_grid_that_is_none_is_refused() -> None:
    content = json.loads(MODEL.to_json())
    content["grid"]["spacing_mm"] = [2.5, 0.0, 1.5]
    with pytest.raises(ValueError, match="expected 3 spacings"):
        ModelFacts.from_json(json.dumps(content))
