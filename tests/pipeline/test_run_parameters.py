"""Parameters of a job stand for keys of the configuration."""

from pathlib import Path

import pytest

from pipeline.cloud_names import CLOUD
from pipeline.loading import load_config
from pipeline.run_parameters import ParameterError, overrides_of, run_parameters
from tests.runner.cloud.values import OVERRIDES

VERTEX = str(Path(__file__).resolve().parents[2] / "configs/vertex.yaml")


def test_parameters_have_the_values_of_the_configuration_and_give_them_back() -> None:
    config = load_config(VERTEX, OVERRIDES, CLOUD)
    values = run_parameters(config)
    assert values["epochs"] == 120 and values["push"] == "true"
    given = {name: str(value) for name, value in values.items()}
    kept = [one for one in OVERRIDES if not one.startswith("data.roots")]
    again = load_config(VERTEX, [*kept, *overrides_of(config, given)], CLOUD)
    assert again == config


def test_pushing_can_be_off_by_the_configuration() -> None:
    config = load_config(VERTEX, [*OVERRIDES, "vertex.push.enabled=false"], CLOUD)
    assert run_parameters(config)["push"] == "false"


def test_a_data_root_keeps_what_is_said_of_it() -> None:
    root = "data.roots=[{path: gs://abc/d, layout: msd, truth: masks}]"
    config = load_config(VERTEX, [root, *OVERRIDES[1:]], CLOUD)
    overrides = overrides_of(config, {"data_root": "gs://abc/e"})
    changed = load_config(VERTEX, [*overrides, *OVERRIDES[1:]], CLOUD)
    (before,), (after,) = config.data.roots, changed.data.roots
    assert (after.path, after.layout, after.truth) == ("gs://abc/e", "msd", "masks")
    assert before.path == "gs://abc/d"


def test_of_several_data_roots_none_is_a_parameter() -> None:
    roots = "data.roots=[gs://abc/d, gs://abc/e]"
    config = load_config(VERTEX, [roots, *OVERRIDES[1:]], CLOUD)
    assert "data_root" not in run_parameters(config)
    with pytest.raises(ParameterError, match="expected one of epochs, gate_bounds, push, got data"):
        overrides_of(config, {"data_root": "gs://abc/f"})


def test_bounds_go_to_the_side_that_a_criterion_has() -> None:
    config = load_config(VERTEX, OVERRIDES, CLOUD)
    given = {"gate_bounds": '{"gap": 0.3, "pooled_dice": 1}'}
    assert overrides_of(config, given) == ["gate.gap.at_most=0.3", "gate.pooled_dice.at_least=1.0"]
    assert overrides_of(config, {"gate_bounds.gap": "0.2"}) == ["gate.gap.at_most=0.2"]
