from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.networks.build import build_network, float32_copy, training_network
from schema.hyperparameters import UNet

SIZE = UNet(base_filters=4, levels=3, dropout=0.3)
VARIANTS = {
    "unet": SIZE,
    "plain": replace(SIZE, residual=False, normalisation="none"),
    "by pixel": replace(SIZE, normalisation="layer"),
    "attention": replace(SIZE, attention=True),
    "more dropout": replace(SIZE, dropout_levels=2),
    "2.5-D": replace(SIZE, kind="unet_25d"),
    "2.5-D to the deepest level": replace(SIZE, kind="unet_25d", slice_levels=2, attention=True),
}


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_network(SIZE, channels=3)


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_network(request.param, channels=3)


def names(model: keras.Model) -> set[str]:
    return {layer.name for layer in model.layers}


def test_gives_one_logit_per_pixel_at_any_size(variant: keras.Model) -> None:
    for height, width in ((16, 16), (24, 8)):
        image = np.zeros((2, height, width, 3), np.float32)
        logits = variant(image)
        assert logits.shape == (2, height, width, 1)
        assert keras.backend.standardize_dtype(logits.dtype) == "float32"


def test_starts_from_the_prior_of_a_rare_class(variant: keras.Model) -> None:
    probability = keras.ops.sigmoid(variant(np.zeros((1, 16, 16, 3), np.float32)))
    np.testing.assert_allclose(probability, 0.01, atol=1e-5)


def test_the_default_is_the_network_that_it_was() -> None:
    keras.utils.set_random_seed(1)
    default = build_network(UNet(), channels=3)
    image = np.random.default_rng(2).normal(size=(1, 16, 24, 3)).astype(np.float32)
    assert default.count_params() == 451889 and default.name == "unet"
    # As the network gave before it could be configured.
    expected = [
        [-3.280545, -7.4933577, -5.223395],
        [-2.1954527, 3.8756232, 4.5849776],
        [-4.771266, 4.995258, 5.399425],
        [-1.5983062, 4.7190804, 3.351715],
    ]
    np.testing.assert_allclose(np.asarray(default(image))[0, ::5, ::8, 0], expected, rtol=1e-4)


def test_levels_double_the_filters_up_to_the_maximum() -> None:
    deep = build_network(UNet(base_filters=4, levels=4, max_filters=10), channels=1)
    filters = [deep.get_layer(f"{name}_a").filters for name in ("down0", "down1", "down2")]
    assert [*filters, deep.get_layer("bottom_a").filters] == [4, 8, 10, 10]


def test_a_saved_network_is_read_again(variant: keras.Model, tmp_path: Path) -> None:
    variant.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    image = np.random.default_rng(5).normal(size=(1, 8, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(again(image), variant(image))


def test_one_level_is_a_network_too() -> None:
    flat = training_network(UNet(base_filters=4, levels=1, deep_supervision=True), channels=1)
    assert flat(np.zeros((1, 5, 7, 1), np.float32)).shape == (1, 5, 7, 1)


def test_dropout_acts_in_training_only(model: keras.Model) -> None:
    image = np.random.default_rng(1).normal(size=(1, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(image), model(image))
    assert model.get_layer("dropout").rate == 0.3


@pytest.mark.parametrize(
    ("levels", "expected"), [(0, set()), (1, {"dropout"}), (2, {"dropout", "dropout1"})]
)
def test_the_deepest_levels_have_dropout(levels: int, expected: set[str]) -> None:
    for kind in ("unet", "unet_25d"):
        size = replace(SIZE, kind=kind, dropout_levels=levels)
        found = {name for name in names(build_network(size, 2)) if "dropout" in name}
        assert found == expected


def test_parts_are_there_only_where_they_are_configured(model: keras.Model) -> None:
    assert not [name for name in names(model) if "attention" in name]
    plain = names(build_network(VARIANTS["plain"], 3))
    assert not [name for name in plain if "norm" in name or name.startswith("down0_sum")]
    assert {"attention0", "attention1"} <= names(build_network(VARIANTS["attention"], 3))
    by_pixel = build_network(VARIANTS["by pixel"], 3).get_layer("up0_b_norm")
    assert isinstance(by_pixel, keras.layers.LayerNormalization)


def test_attention_weighs_a_skip_connection_by_pixel() -> None:
    attending = build_network(VARIANTS["attention"], 3)
    weight, bias = attending.get_layer("attention0_weight").get_weights()
    outputs = [attending.get_layer(name).output for name in ("down0_sum", "attention0")]
    part = keras.Model(attending.input, outputs)
    attending.get_layer("attention0_weight").set_weights([0 * weight, bias + np.log(3)])
    skip, weighed = part(np.random.default_rng(3).normal(size=(1, 8, 8, 3)).astype(np.float32))
    np.testing.assert_allclose(weighed, 0.75 * np.asarray(skip), rtol=1e-5)  # sigmoid(ln 3)


def test_slices_are_encoded_with_the_same_weights() -> None:
    size = VARIANTS["2.5-D"]
    three, five = build_network(size, 3), build_network(size, 5)
    # The slices' own block sees one channel, whatever the context; the joint sees all.
    assert three.get_layer("slices0_a").kernel.shape == (3, 3, 1, 4)
    assert five.get_layer("joined0").kernel.shape == (1, 1, 5 * 4, 4)
    assert five.count_params() - three.count_params() == 2 * 4 * 4
    block = keras.Model(three.input, three.get_layer("joined0_slices").output)
    image = np.repeat(np.random.default_rng(4).normal(size=(1, 8, 8, 1)), 3, -1)
    alike = np.asarray(block(image.astype(np.float32)))
    np.testing.assert_array_equal(alike[..., :4], alike[..., 4:8])


def test_inference_depends_on_neither_batch_nor_surroundings(variant: keras.Model) -> None:
    random = np.random.default_rng(2)
    images = random.normal(size=(3, 64, 64, 3)).astype(np.float32)
    alone = variant(images[:1])
    # Logits up to 14 here, in float32: TensorFlow 2.21 adds in another order for another batch.
    np.testing.assert_allclose(variant(images)[:1], alone, rtol=1e-5, atol=1e-5)
    # The receptive field of three levels is below 24 pixels to each side: the centre of a crop
    # at a multiple of the stride is that of the whole slice.
    crop = variant(images[:1, 4:60, 4:60])
    inner = alone[:, 28:36, 28:36]
    np.testing.assert_allclose(crop[:, 24:32, 24:32], inner, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("supervised", [False, True])
def test_float32_copy_of_a_mixed_model_computes_in_float32(supervised: bool) -> None:
    keras.utils.set_random_seed(3)
    size = replace(SIZE, deep_supervision=supervised)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = training_network(size, channels=3)
    copy = float32_copy(mixed, size, channels=3)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    keras.config.set_dtype_policy(policy)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    assert (
        len(copy.get_weights()) == len(mixed.get_weights()) - 2 * supervised
    )  # kernel and bias of a head
    assert same_weights(copy, mixed)


def same_weights(copy: keras.Model, model: Any) -> bool:
    """Whether each layer of the copy has the weights of the model's."""
    return all(
        np.array_equal(mine, theirs)
        for layer in copy.layers
        for mine, theirs in zip(
            layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True
        )
    )
