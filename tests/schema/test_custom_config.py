import pytest

from schema.custom_config import parse, parse_grid, parse_intensity
from schema.hyperparameters import Augmentation, Loss
from tests.models.synthetic import changed


def test_reads_all_sections_and_keeps_defaults() -> None:
    settings = parse(changed("training", augmentation={"flip": False}))
    assert settings.grid.channels == 3
    assert settings.intensity.window_hu == (-1000, 400)
    assert {type(bound) for bound in settings.intensity.window_hu} == {int}
    assert settings.model.stride == 4  # three levels
    assert settings.training.crop_size == 16
    assert settings.training.augmentation == Augmentation(flip=False)


def test_passes_over_keys_of_others() -> None:
    settings = parse({**changed("grid", none_of_ours=5.0), "code_hash": "abc"})
    assert settings.grid.spacing_mm == (2.5, 1.5, 1.5)


def test_refuses_a_missing_section_and_a_missing_value() -> None:
    with pytest.raises(ValueError, match="section 'grid' in custom_config, got None"):
        parse_grid({})
    with pytest.raises(ValueError, match="section 'intensity' in custom_config, got 'x'"):
        parse_intensity({"intensity": "x"})
    with pytest.raises(ValueError, match="all values of Grid, got {'context': 8}"):
        parse_grid({"grid": {"context": 8}})


def test_the_loss_is_a_section() -> None:
    settings = parse(changed("training", loss={"kind": "dice_focal", "gamma": 3.0}))
    assert settings.training.loss == Loss("dice_focal", gamma=3.0)
