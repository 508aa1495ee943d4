"""A configuration on top of others: what is joined, and where a fault is said to stand."""

from pathlib import Path

import pytest

from pipeline.layers import read_layers
from pipeline.loading import ConfigError, load_config

BASE = """
name: below
grid: {spacing_mm: [3, 2, 1]}
training:
  crop_size: 32
  epochs: 7
data: {roots: [/a, /b]}
gate:
  pooled_dice: {at_least: 0.5}
"""
TOP = """
base: lower/base.yaml
name: above
training:
  epochs: 9
data: {roots: [/c]}
gate:
  iou: {at_least: 0.1}
"""


def write(folder: Path, top: str = TOP, base: str = BASE) -> str:
    (folder / "lower").mkdir(exist_ok=True)
    (folder / "lower" / "base.yaml").write_text(base)
    (folder / "top.yaml").write_text(top)
    return str(folder / "top.yaml")


def test_sections_are_joined_and_lists_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    monkeypatch.chdir("/")
    config = load_config(path, ["training.batch_size=4"])
    assert config.name == "above"
    assert (config.training.crop_size, config.training.epochs) == (32, 9)
    assert config.training.batch_size == 4
    assert [root.path for root in config.data.roots] == ["/c"]
    assert list(config.gate) == ["pooled_dice", "iou"]


def test_a_base_may_have_a_base(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "highest.yaml").write_text("base: top.yaml\nname: highest\n")
    config = load_config(str(tmp_path / "highest.yaml"))
    assert (config.name, config.training.epochs, config.training.crop_size) == ("highest", 9, 32)
    names = [Path(layer.path).name for layer in read_layers(path).layers]
    assert names == ["top.yaml", "base.yaml"]


@pytest.mark.parametrize(
    ("top", "base", "expected"),
    [
        (TOP + "model: {levels: many}", BASE, "top.yaml, line 9: model.levels: input should be"),
        (TOP, BASE + "model:\n  levels: many", "lower/base.yaml, line 11: model.levels: input"),
        (TOP, BASE + "  low: {at_most: x}", "base.yaml, line 10: gate.low.at_most: input should"),
        (TOP + "  low: {at_most: x}", BASE, "top.yaml, line 9: gate.low.at_most: input should"),
        (TOP, BASE.replace("crop_size", "crop_sise"), "base.yaml, line 5: unknown key training.cr"),
        (TOP + "modle: {}", BASE, "top.yaml, line 9: unknown key modle; nearest valid key: model"),
        (TOP, BASE.replace("grid", "grit"), "top.yaml: missing key grid"),
        (TOP, BASE.replace("spacing_mm", "spacing"), "base.yaml, line 3: missing key grid.spacing"),
        (TOP, BASE.replace("32", "30"), "top.yaml: expected a crop_size divisible by 8, got 30"),
        ("base: 3", BASE, "top.yaml, line 1: expected base to be the name of a file, got 3"),
        ("name: a\nbase:", BASE, "top.yaml, line 2: expected base to be the name of a file, got N"),
        ("base: none.yaml", BASE, "top.yaml, line 1: base: "),
        ("base: none.yaml", BASE, "none.yaml: expected a YAML file, got: No such file"),
        (TOP, "- a", "lower/base.yaml: expected a mapping of sections, got list"),
        (TOP, "a: [", "lower/base.yaml: expected YAML, got: while parsing"),
        (TOP, "a: 1\na: 2", "lower/base.yaml: expected each key once, got a in line 1 and line 2"),
        (
            TOP,
            "base: ../top.yaml",
            "base.yaml, line 1: expected a base that ends, got top.yaml on base.yaml on ../top.ya",
        ),
        ("base: top.yaml", BASE, "top.yaml, line 1: expected a base that ends, got top.yaml on to"),
    ],
)
def test_a_fault_names_the_file_and_line_that_it_comes_from(
    top: str, base: str, expected: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, top, base))
    assert expected in caught.value.faults[0]
    assert len(str(caught.value).splitlines()) == 1


def test_a_base_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "lower" / "base.yaml").write_bytes(b"name: \xff")
    with pytest.raises(ConfigError, match="line 2: base: .*base.yaml: expected YAML in UTF"):
        load_config(path)


def test_every_fault_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, TOP + "model: {levels: many}", BASE + "  low: {at_most: x}")
    with pytest.raises(ConfigError) as caught:
        load_config(path, ["evaluation.replicates=some"])
    model, evaluation, gate = sorted(caught.value.faults, key=lambda fault: "gate" in fault)
    assert "top.yaml, line 9: model.levels" in model
    assert evaluation.startswith("--set evaluation.replicates=some: evaluation.replicates: input")
    assert "base.yaml, line 10: gate.low.at_most" in gate
    assert str(caught.value) == f"{caught.value.faults[0]} (and 2 more)"


def test_base_is_no_key_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--set: unknown key base"):
        load_config(write(tmp_path), ["base=other.yaml"])
