"""Models judged on crops and whole scans: whose they are, what is held out, what is printed."""

import json
from pathlib import Path

import pytest

from benchmarks import sim_to_real, source_trainings
from benchmarks.nodule_crops import Crop
from benchmarks.nodule_figures import measured_line
from benchmarks.sim_to_real import Data, Judgement, held_out_crops, parse_arguments, shown
from benchmarks.source_trainings import SEEN, HeldOutCrops, phantom_splits, training_config
from benchmarks.whole_scan import OfNodule, OfScan, OutlinedScan
from lungct.grid import Grid
from lungct.inventory import FoundScan
from lungct.limits import LUNG, VOLUME
from lungct.readers.layout import ScanFiles
from lungct.roots import MASKS
from lungct.truth.labels import Truth
from phantom.order import Order
from pipeline.config import Config
from pipeline.loading import load_config
from schema.model_facts import DataFacts, patient_hash
from schema.splits import SplitRule
from tests.benchmarks.made_crops import GEOMETRY, write_balls, write_table
from tests.components.made_models import save_model

CROPS = {name: Crop(name, f"P{name}", f"1.{name}", 3, "solid") for name in "abcdefghij"}


def data_of(root: Path, crops: dict[str, Crop] = CROPS, scans: bool = True) -> Data:
    """Crops, and the whole scan that crop b was cut out of."""
    found = FoundScan(ScanFiles("1.b", "1.b.mhd", ()), "luna16", "made", LUNG, Truth(), "1.b")
    return Data(root, crops, (OutlinedScan(found, root),) if scans else ())


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config("configs/demo.yaml", output=str(tmp_path))


def test_a_fold_and_the_patients_of_whole_scans_are_held_out(tmp_path: Path) -> None:
    data = data_of(tmp_path)
    assert data.scan_patients == {"Pb", "1.b"}
    held_out = [held_out_crops(data, fold) for fold in range(5)]
    assert all("Pb" in one.held_out for one in held_out)
    assert frozenset().union(*(one.held_out for one in held_out)) >= held_out[0].patients
    splits = held_out[0].splits()
    assert {patient for patient, split in splits.items() if split == "eval"} == {
        patient for patient in held_out[0].held_out if patient in splits
    }


@pytest.mark.parametrize("name", SEEN)
def test_a_training_has_its_data_and_its_split(
    name: str, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(folder: str, order: Order) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_table(Path(folder) / "patients.csv", ("seriesuid", "patient_id"), [("1", "F1")])

    monkeypatch.setattr(source_trainings, "make_phantoms", make)
    crops = HeldOutCrops(tmp_path / "crops", frozenset({"Pa", "Pb"}), frozenset({"Pb"}))
    found = training_config(name, config, crops, tmp_path)
    regions = [root.region for root in found.data.roots]
    table = Path(found.split.table).read_text()
    with_phantoms, with_crops = SEEN[name]
    sources = [root.source for root in found.data.roots]
    assert sources == ["phantom"] * with_phantoms + ["crops"] * with_crops
    assert regions == [LUNG] * with_phantoms + [VOLUME] * with_crops
    # A phantom has its exact shares, which its layout takes by itself.
    truths = [root.truth for root in found.data.roots]
    assert truths == [""] * with_phantoms + [MASKS] * with_crops
    assert ("F1," in table, "Pa,train" in table) == (with_phantoms, with_crops)
    assert ("Pb,eval" in table) == with_crops and found.output == str(tmp_path / name)


def test_phantoms_are_split_by_a_hash(tmp_path: Path) -> None:
    rows = [(str(number), f"F{number}") for number in range(200)]
    write_table(tmp_path / "patients.csv", ("seriesuid", "patient_id"), rows)
    splits = phantom_splits(tmp_path, SplitRule(eval_fraction=0.25))
    assert len(splits) == 200 and 30 < list(splits.values()).count("eval") < 70


def test_options_name_models_and_trainings(capsys: pytest.CaptureFixture[str]) -> None:
    given = parse_arguments(["DATA", "--model", "one=a/b", "--model", "two=c", "--mixed", "m.yaml"])
    assert given.model == [("one", "a/b"), ("two", "c")]
    assert given.trained == [("mixed", "m.yaml")]
    with pytest.raises(SystemExit):
        parse_arguments(["DATA", "--model", "a/b"])
    assert "expected NAME=DIR, got 'a/b'" in capsys.readouterr().err


def test_without_a_model_there_is_nothing_to_judge(tmp_path: Path) -> None:
    given = parse_arguments(["DATA", "--output", str(tmp_path)])
    with pytest.raises(ValueError, match="expected a model or a configuration"):
        sim_to_real.judged(given, data_of(tmp_path), lambda text: None)


def test_crops_of_patients_that_a_model_saw_are_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = {
        "one": frozenset(map(patient_hash, ("Pa", "Pb"))),
        "two": frozenset(map(patient_hash, ("Pc",))),
    }
    monkeypatch.setattr(sim_to_real, "newest_version", lambda folder: folder)
    monkeypatch.setattr(sim_to_real, "trained_on", hashes.__getitem__)
    monkeypatch.setattr(sim_to_real, "on_scans", lambda *_: ())
    monkeypatch.setattr(
        sim_to_real, "on_crops", lambda name, folder, given, data, held_out, tell: held_out
    )
    given = parse_arguments(["DATA", "--model", "one=one", "--model", "two=two"])
    first, second = sim_to_real.judged(given, data_of(tmp_path), lambda text: None)
    assert first.lines == second.lines == {f"P{name}" for name in "defghij"}
    assert first.saw_a_scan and not second.saw_a_scan

    hashes["two"] = frozenset(patient_hash(f"P{name}") for name in "cdefghij")
    with pytest.raises(ValueError, match="expected patients that no model saw, got 10 that one"):
        sim_to_real.judged(given, data_of(tmp_path), lambda text: None)


def test_the_table_has_crops_and_whole_scans(tmp_path: Path) -> None:
    nodules = (OfNodule(23.4, True, 0.8125), OfNodule(4.0, False, 0.0))
    one = Judgement(
        "mixed", "model", (measured_line("mixed", (), 0),), (OfScan("1.b", nodules, 3, 1),), True
    )
    lines = shown([one]).splitlines()
    assert lines[-2].split() == (
        "mixed 23.4 mm yes 0.812 3 (1 on excluded) its patient was trained on".split()
    )
    assert lines[-1].split() == "mixed 4.0 mm no 0.000".split()
    assert json.loads(json.dumps(sim_to_real.described(one)))["scans"][0]["false_positives"] == 3


@pytest.mark.slow
def test_a_model_of_a_threshold_is_judged_on_balls(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    write_balls(data / "lidc_nodules", 3)
    (data / "luna16_sample").mkdir()
    monkeypatch.setattr(sim_to_real, "outlined_scans", lambda root: iter(()))
    facts = DataFacts(patients={"train": (patient_hash("P00"),)})
    grid = Grid(GEOMETRY.spacing_zyx_mm)
    model = save_model(tmp_path / "model", -400, grid, facts)
    arguments = ["sim_to_real", str(data), "--model", f"bound={model}/Format-Serving"]
    arguments += ["--output", str(tmp_path / "out"), "--json", str(tmp_path / "figures.json")]
    monkeypatch.setattr("sys.argv", arguments)
    sim_to_real.main()
    assert "bound" in capfd.readouterr().out
    (one,) = json.loads((tmp_path / "figures.json").read_text())
    first = one["crops"][0]
    assert (first["patients"], first["nodules"]) == (2, 4)
    assert first["nodule_dice"]["value"] > 0.95 and first["touched"]["value"] == 1
