from typing import Any

import pytest

from schema.custom_config import parse
from tests.models.synthetic import CONFIG, changed


@pytest.mark.parametrize(
    ("section", "value", "message"),
    [
        ("grid", {"spacing_mm": [2.5, 0.0, 1.5]}, r"0.1 to 20 mm, got \(2.5, 0.0, 1.5\)"),
        ("grid", {"margin_mm": 101.0}, "expected margin_mm from 0 to 100, got 101.0"),
        ("grid", {"context": -1}, "expected context from 0 to 8, got -1"),
        ("intensity", {"window_hu": [400, -1000]}, r"upper whole number, got \(400, -1000\)"),
        ("intensity", {"window_hu": [-1000, 400.5]}, r"whole number, got \(-1000, 400.5\)"),
        ("intensity", {"window_hu": [1]}, r"two numbers, got \[1\]"),
        ("model", {"base_filters": 0}, "1 base filter, got 0"),
        ("model", {"levels": 0}, "1 level, got 0"),
        ("model", {"max_filters": 0}, "as maximum, got 0"),
        ("model", {"dropout": 1.0}, "dropout in .*, got 1.0"),
        ("model", {"kind": "resnet"}, "expected kind of unet, unet_25d, got 'resnet'"),
        ("model", {"normalisation": "group"}, "normalisation of batch, layer, none, got 'group'"),
        ("model", {"dropout_levels": 4}, "dropout_levels from 0 to the 3 levels, got 4"),
        ("model", {"kind": "unet_25d", "slice_levels": 3}, "1 to less than 3 levels, got 3"),
        ("training", {"epochs": 0}, "epochs of at least 1, got 0"),
        ("training", {"crop_size": 18}, "crop_size divisible by 4, got 18"),
        ("training", {"crops_per_visit": 0}, "crops_per_visit of at least 1, got 0"),
        ("training", {"monitor_slices": 0}, "monitor_slices of at least 1, got 0"),
        ("training", {"monitor_error": 0.0}, "positive monitor_error, got 0.0"),
        ("training", {"balance": {"sources": 1.5}}, r"sources in \[0, 1\], got 1.5"),
        ("training", {"shares": {"a": -0.5}}, r"a share of a in \[0, 1\], got -0.5"),
        ("training", {"shares": {"a": float("nan")}}, r"a share of a in \[0, 1\], got nan"),
        ("training", {"cache_bytes": -1}, "cache_bytes of at least 0, got -1"),
        ("training", {"nodule_fraction": 1.5}, "nodule_fraction in .*, got 1.5"),
        ("training", {"hard_negatives": 1.5}, "hard_negatives in .*, got 1.5"),
        ("training", {"average_weights": 1.0}, "average_weights in .*, got 1.0"),
        ("training", {"patience": -1}, "patience of at least 0, got -1"),
        ("training", {"learning_rate": 0.0}, "positive learning_rate, got 0.0"),
        ("training", {"learning_rate": float("nan")}, "positive learning_rate, got nan"),
        ("training", {"learning_rate": float("inf")}, "positive learning_rate, got inf"),
        ("training", {"monitor_fraction": 1.0}, "monitor_fraction in .*, got 1.0"),
        ("training", {"mixed_precision": "half"}, "mixed_float16, got 'half'"),
        ("training", {"augmentation": {"noise_hu": -1}}, "noise_hu of at least 0, got -1"),
        ("training", {"augmentation": {"jitter": 0.6}}, "at most 0.5 crop sizes, got 0.6"),
        ("training", {"augmentation": {"zoom": 0.4}}, "zoom of at most 0.3, got 0.4"),
        ("training", {"augmentation": {"turn_degrees": 50}}, "degrees of at most 45, got 50"),
        ("training", {"augmentation": {"elastic_pixels": 4}}, "pixels of at most 3, got 4"),
        ("training", {"augmentation": {"thickness": 0.7}}, "thickness of at most 0.667, got 0.7"),
        ("training", {"augmentation": {"bend": 1}}, "bend of at most 0.9, got 1"),
        ("training", {"augmentation": {"blur_pixels": float("inf")}}, "at least 0, got inf"),
        ("training", {"loss": {"kind": "dice"}}, "kind of dice_cross_entropy, .*, got 'dice'"),
        ("training", {"loss": {"alpha": 0.0}}, "a positive alpha, got 0.0"),
        ("training", {"loss": {"beta": 0.0}}, "a positive beta, got 0.0"),
        ("training", {"loss": {"gamma": 0.5}}, "gamma of at least 1, got 0.5"),
    ],
)
def test_refuses_values_out_of_range(section: str, value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(changed(section, **value))


def test_refuses_a_threshold_outside_0_to_1() -> None:
    with pytest.raises(ValueError, match="probability_threshold in .*, got 1.0"):
        parse({**CONFIG, "probability_threshold": 1.0})
    with pytest.raises(ValueError, match="nodule_threshold in .*, got -0.5"):
        parse({**CONFIG, "nodule_threshold": -0.5})


def test_thick_slices_need_neighbours() -> None:
    config = changed("training", augmentation={"thickness": 0.5})
    config["grid"]["context"] = 0
    with pytest.raises(ValueError, match="context of at least 1 for .*thickness, got 0"):
        parse(config)
    config["grid"]["context"] = 1
    assert parse(config).training.augmentation.thickness == 0.5
