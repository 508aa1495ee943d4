"""The configuration: every wrong value is named with the nearest valid key."""

import json
from pathlib import Path

import pytest

from lungct.roots import DataRoot
from pipeline.config import Config
from pipeline.loading import ConfigError, load_config, nearest_key, valid_keys

ROOT = Path(__file__).resolve().parent.parent.parent
DEMO = str(ROOT / "configs" / "demo.yaml")
MINIMAL = """
grid: {spacing_mm: [3, 2, 1]}
training: {crop_size: 32}
gate: {pooled_dice: {at_least: 0.5}, low: {metric: iou, at_most: 0.4}}
"""


def write(folder: Path, text: str) -> str:
    path = folder / "config.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", ["demo", "luna16", "mixed", "nodules", "vertex"])
def test_the_configurations_that_come_along_are_valid(name: str) -> None:
    config = load_config(str(ROOT / "configs" / f"{name}.yaml"))
    assert config.name == f"noduleflow-{name}"


def test_phantoms_and_crops_are_mixed_on_the_grid_of_the_crops() -> None:
    mixed, nodules = (
        load_config(str(ROOT / f"configs/{name}.yaml"), data__roots=["/data/crops"])
        for name in ("mixed", "nodules")
    )
    assert mixed.data.sources == ("crops", "phantom") and nodules.data.sources == ("crops",)
    assert mixed.training.shares == {"phantom": 0.35}
    assert mixed.grid == nodules.grid
    assert mixed.data.roots == (DataRoot("/data/crops", region="volume", truth="masks"),)


@pytest.mark.parametrize("section", ["grid", "split", "model", "training", "gate"])
def test_on_vertex_ai_the_configuration_of_luna16_runs(section: str) -> None:
    luna16, vertex = (
        load_config(str(ROOT / f"configs/{name}.yaml")) for name in ("luna16", "vertex")
    )
    assert getattr(vertex, section) == getattr(luna16, section)


def test_the_gate_of_the_demo_asks_for_the_published_validation_dice() -> None:
    gate = load_config(DEMO).gate
    assert (gate["pooled_dice"].at_least or 0) >= 0.69
    assert (gate["mean_slice_dice"].at_least or 0) >= 0.69
    assert {one.bucket for one in gate.values()} >= {"8-15", "15+"}


def test_overrides_and_runner_values_win(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    config = load_config(path, ["training.epochs=3"], output="/out", data__roots=["/a", "/b"])
    assert (config.training.epochs, config.output) == (3, "/out")
    assert [root.path for root in config.data.roots] == ["/a", "/b"]
    assert config.grid.spacing_mm == (3.0, 2.0, 1.0)


def test_a_criterion_can_be_changed_and_added(tmp_path: Path) -> None:
    given = ["gate.pooled_dice.at_least=0.25", "gate.pooled_dice.bucket=6-8"]
    given += ["gate.small={metric: recall, bucket: 3-6, at_least: 0.1}"]
    gate = load_config(write(tmp_path, MINIMAL), given).gate
    assert list(gate) == ["pooled_dice", "low", "small"]
    assert (gate["pooled_dice"].at_least, gate["pooled_dice"].bucket) == (0.25, "6-8")
    assert gate["small"].metric == "recall"


def test_a_gate_can_be_replaced(tmp_path: Path) -> None:
    gate = load_config(write(tmp_path, MINIMAL), ["gate={iou: {at_least: 0.1}}"]).gate
    assert list(gate) == ["iou"]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("training.epoch=3", "unknown key training.epoch; nearest valid key: training.epochs"),
        ("trainin.epochs=3", "nearest valid key: training.epochs"),
        ("training.augmentation.flips=1", "nearest valid key: training.augmentation.flip"),
        ("at_least=3", "nearest valid key: gate.NAME.at_least"),
        ("gate.mine.at_leest=3", "unknown key gate.mine.at_leest; nearest valid key: gate.mine.at"),
        ("gate.pooled_dice.at_least.x=3", "unknown key gate.pooled_dice.at_least.x"),
        ("training.epochs", "expected key=value, got 'training.epochs'"),
        ("training.epochs=many", "training.epochs: input should be a valid integer"),
        ("training.epochs=[3", "--set training.epochs=[3: expected YAML, got: while parsing"),
        ("training.epochs.x=3", "unknown key training.epochs.x"),
        ("training=3", "--set training=3: training: expected a section, got 3"),
        ("grid.slice_size=100", "unknown key grid.slice_size; nearest valid key: "),
        ("training.crop_size=100", "expected a crop_size divisible by 8, got 100"),
        ("intensity.window_hu=[400, -1000]", "got (400, -1000)"),
        ("split.eval_fraction=0", "got 0.0 + 0.0"),
        ("split.eval_fraction=1", "split: expected patients to train on, got eval_fraction 1.0"),
        ("split.fold=10", "split: expected a fold from 0 to 9, got 10"),
        ("split.fold=many", "split.fold: input should be a valid integer"),
        ("split.folds=1", "unknown key split.folds; nearest valid key: split.fold"),
        (
            "split.table_splits=[train]",
            "expected train, eval and perhaps test in table_splits, got ('train',)",
        ),
        ("evaluation.probability_threshold=1", "expected probability_threshold in (0, 1), got 1"),
        ("evaluation.probability_threshold=.nan", "expected probability_threshold in (0, 1), got"),
        ("data.phantom.scans=0", "data.phantom: expected 1 to 999999 scans, got 0"),
        ("data.phantom.seed=-1", "data.phantom: expected a seed from 0 to 4294967295, got -1"),
        ("data.phantom.shape=[24, 48, 47]", "data.phantom: expected a shape of at least (24, 48, "),
        (
            "data.phantom.scan=1",
            "unknown key data.phantom.scan; nearest valid key: data.phantom.sc",
        ),
        ("data.truht=lidc", "unknown key data.truht; nearest valid key: data.truth"),
        ("data.truth=xml", "data: expected truth spheres, lidc, masks, got 'xml'"),
        ("data.min_readers=0", "expected min_readers from 1 to 12, got 0"),
        ("data.without_outlines=skip", "without_outlines spheres, refuse, got 'skip'"),
        ("training.learning_rate=.nan", "training: expected a positive learning_rate, got nan"),
        ("training.epochs=yes", "training.epochs: input should be a valid integer, got 'yes'"),
        ("training.epochs=true", "training.epochs: input should be a valid integer, got True"),
        ("training.epochs=1:30", "training.epochs: input should be a valid integer, got '1:30'"),
        ("training.epochs=010", "training.epochs: input should be a valid integer, got '010'"),
        ("training.epochs='3'", "training.epochs: input should be a valid integer, got '3'"),
        ("training.learning_rate=on", "training.learning_rate: input should be a valid number"),
        ("training.augmentation.flip=yes", "flip: input should be a valid boolean, got 'yes'"),
        ("gate={a: {on: lower}, a: {on: upper}}", "expected each key once, got a in line"),
        ("gate={15: {at_least: 0.1}}", "expected a text as key, got 15 in line 1"),
        (
            "intensity.window_hu=[-1000, .inf]",
            "window_hu.1: input should be a valid integer, got inf",
        ),
        (
            "intensity.window_hu=[-.inf, 400]",
            "window_hu.0: input should be a valid integer, got -inf",
        ),
        ("name=\udcff", "expected YAML, got: unacceptable character"),
    ],
)
def test_wrong_overrides_are_named(tmp_path: Path, override: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, MINIMAL), [override])
    assert expected in str(caught.value)
    assert str(caught.value).startswith("--set")
    assert len(str(caught.value).splitlines()) == 1


def test_numbers_in_every_form_that_is_one(tmp_path: Path) -> None:
    given = ["training.learning_rate=1e-3", "training.cache_bytes=2_000_000_000"]
    given += ["training.weight_decay=0", "intensity.window_hu=[-1_200, +400]"]
    config = load_config(write(tmp_path, MINIMAL), given)
    assert (config.training.learning_rate, config.training.weight_decay) == (0.001, 0.0)
    assert config.training.cache_bytes == 2_000_000_000
    assert config.intensity.window_hu == (-1200, 400)


def test_what_the_runner_sets_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    for root, expected in (
        ("/a*", "expected a path without"),
        ("/\udcff", "expected text in UTF-8"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_config(write(tmp_path, MINIMAL), data__roots=[root])
        assert str(caught.value).startswith("command line: ") and expected in str(caught.value)


def test_a_key_set_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, MINIMAL), ["training.epochs=3", "training.epochs=4"])
    assert str(caught.value) == (
        "--set training.epochs=4: expected each key once, got --set training.epochs=3 too"
    )


def test_a_fault_of_the_file_is_not_blamed_on_an_override(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "model:\n  levels: many\n  dropout: 2\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, ["model.base_filters=8", "training.epochs=3"])
    assert str(caught.value).startswith(f"{path}, line 6: model.levels: input should be a valid")


def test_of_several_overrides_the_one_at_fault_is_named(tmp_path: Path) -> None:
    given = ["training.epochs=3", "training.crop_size=30", "model.levels=3"]
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, MINIMAL), given)
    assert str(caught.value) == (
        "--set training.crop_size=30: expected a crop_size divisible by 4, got 30"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected a mapping of sections, got nothing"),
        ("- a", "expected a mapping of sections, got list"),
        ("a: [", "expected YAML"),
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3", "each key once, got b.c in line 3 and line 5"),
        (MINIMAL + "gate: {iou: {at_least: 0}}", "each key once, got gate in line 4 and line 5"),
        ("a: &a [*a]", "expected a value, got a.0, which holds itself"),
        ("a: &a {b: 1}\n<<: *a\n<<: *a", "each key once, got << in line 2 and line 3"),
        (MINIMAL + "model:\n  levels: yes", "config.yaml, line 6: model.levels: input should be a"),
        (
            MINIMAL + "model:\n  levels: 1:30",
            "line 6: model.levels: input should be a valid integer",
        ),
        (
            MINIMAL + "data: {phantom: {shape: [24, 48, true]}}",
            "line 5: data.phantom.shape.2: input",
        ),
        (
            MINIMAL + "intensity:\n  window_hu: [-.inf, 0]",
            "line 6: intensity.window_hu.0: input should",
        ),
        ("gate: {pooled_dice: {at_least: 0.5}}", "missing key grid"),
        (MINIMAL + "modle: {levels: 3}", "unknown key modle; nearest valid key: model"),
        (MINIMAL + "model: {level: 3}", "unknown key model.level; nearest valid key: model.levels"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert expected in str(caught.value)


def test_a_value_where_a_section_is_expected(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL.replace("training: {crop_size: 32}", "training: 5"))
    with pytest.raises(ConfigError, match="expected training to be a section, got the value 5"):
        load_config(path, ["training.epochs=3"])


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"name: \xff")
    with pytest.raises(ConfigError, match="config.yaml: expected YAML in UTF-8, got: "):
        load_config(str(tmp_path / "config.yaml"))


def test_anchors_are_read(tmp_path: Path) -> None:
    text = MINIMAL.replace("0.4", "*half").replace("0.5", "&half 0.5")
    assert load_config(write(tmp_path, text)).gate["low"].at_most == 0.5


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match="nowhere.yaml: expected a YAML file"):
        load_config("nowhere.yaml")


def test_every_valid_key_is_its_own_nearest() -> None:
    for key in valid_keys():
        assert nearest_key(key) == key


def test_the_configuration_is_frozen() -> None:
    config = load_config(DEMO)
    with pytest.raises(ValueError, match="frozen"):
        config.name = "other"  # type: ignore[misc]
    assert isinstance(config, Config)


def test_what_learning_sees_is_plain_json() -> None:
    learning = load_config(DEMO).learning()
    sections = {"grid", "split", "intensity", "model", "training"}
    assert set(learning) == {*sections, "probability_threshold", "nodule_threshold"}
    assert json.loads(json.dumps(learning)) == learning
    assert learning["grid"]["spacing_mm"] == [2.5, 1.5, 1.5]


def test_a_test_split_appears_when_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    assert load_config(path).splits == ("train", "eval")
    assert load_config(path, ["split.test_fraction=0.1"]).splits == ("train", "eval", "test")


def test_splits_by_fold_and_by_table(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    tested = "split.test_fraction=0.1"
    assert load_config(path, ["split.fold=3", tested]).splits == ("train", "eval")
    assert load_config(path, ["split.table=t.csv", tested]).splits == ("train", "eval")
    three = "split.table_splits=[test, eval, train]"
    assert load_config(path, ["split.table=t.csv", three]).splits == ("train", "eval", "test")
    with pytest.raises(ConfigError, match="expected fold or table, got both: 3 and t.csv"):
        load_config(path, ["split.table=t.csv", "split.fold=3"])


def test_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, MINIMAL)
    given = ["data.roots=[a, /b/c]", "data.outlines=[xml]", "data.checksums=../s"]
    data = load_config(path, given).data
    assert [root.path for root in data.roots] == [str(tmp_path / "a"), "/b/c"]
    assert data.outlines == (str(tmp_path / "xml"),)
    assert data.checksums == str(tmp_path.parent / "s")
    assert load_config(path).data.checksums == ""
