import keras
import numpy as np
import pytest

from models.networks.unet import build_unet, float32_copy
from schema.hyperparameters import UNet

SIZE = UNet(base_filters=4, levels=3, dropout=0.3)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_unet(SIZE, channels=3)


def test_gives_one_logit_per_pixel_at_any_size(model: keras.Model) -> None:
    for height, width in ((16, 16), (24, 8)):
        image = np.zeros((2, height, width, 3), np.float32)
        logits = model(image)
        assert logits.shape == (2, height, width, 1)
        assert keras.backend.standardize_dtype(logits.dtype) == "float32"


def test_starts_from_the_prior_of_a_rare_class(model: keras.Model) -> None:
    probability = keras.ops.sigmoid(model(np.zeros((1, 16, 16, 3), np.float32)))
    np.testing.assert_allclose(probability, 0.01, atol=1e-5)


def test_levels_double_the_filters_up_to_the_maximum() -> None:
    deep = build_unet(UNet(base_filters=4, levels=4, max_filters=10), channels=1)
    filters = [deep.get_layer(f"{name}_a").filters for name in ("down0", "down1", "down2")]
    assert [*filters, deep.get_layer("bottom_a").filters] == [4, 8, 10, 10]


def test_dropout_acts_in_training_only(model: keras.Model) -> None:
    image = np.random.default_rng(1).normal(size=(1, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(image), model(image))
    assert model.get_layer("dropout").rate == 0.3


def test_inference_depends_on_neither_batch_nor_surroundings(model: keras.Model) -> None:
    random = np.random.default_rng(2)
    images = random.normal(size=(3, 64, 64, 3)).astype(np.float32)
    alone = model(images[:1])
    np.testing.assert_allclose(model(images)[:1], alone, atol=1e-5)
    # The receptive field of three levels is below 24 pixels to each side: the centre of a crop
    # at a multiple of the stride is that of the whole slice.
    crop = model(images[:1, 4:60, 4:60])
    np.testing.assert_allclose(crop[:, 24:32, 24:32], alone[:, 28:36, 28:36], atol=1e-5)


def test_float32_copy_of_a_mixed_model_computes_in_float32() -> None:
    keras.utils.set_random_seed(3)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = build_unet(SIZE, channels=3)
    copy = float32_copy(mixed, SIZE, channels=3)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    keras.config.set_dtype_policy(policy)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    for mine, theirs in zip(copy.get_weights(), mixed.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
