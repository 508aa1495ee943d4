import zlib
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from models.export import export
from models.segmenter import Segmenter, _float_png, _packable, _png
from schema import features
from tests.models import synthetic
from tests.models.made_model import CONTEXT, FACTS, SIZE, made_network

RANDOM = np.random.default_rng(3)


def noise(*shape: int) -> npt.NDArray[np.int16]:
    return RANDOM.integers(-1024, 600, shape).astype(np.int16)


HU = noise(5, 21, 30)


def pack(volume: npt.NDArray[np.int16]) -> bytes:
    return zlib.compress(volume.astype("<i2").tobytes())


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return made_network()


@pytest.fixture(scope="module")
def loaded(network: keras.Model, layer: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The model as it comes back from disk, one slice of HU a slab."""
    directory = str(tmp_path_factory.mktemp("model"))
    segmenter = Segmenter(network, layer, CONTEXT, SIZE.stride, slab_pixels=1000)
    export(segmenter, directory, FACTS)
    return tf.saved_model.load(directory)


def by_signature(loaded: Any, hu: Any) -> npt.NDArray[np.float32]:
    call = loaded.signatures[features.SIGNATURE_HU]
    found: npt.NDArray[np.float32] = call(hu=tf.constant(hu))["probability"].numpy()
    return found


def by_hand(network: keras.Model, hu: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Slice by slice with the Keras model; mean and deviation are those of the transform graph."""
    window = np.clip(hu.astype(np.float32), -1000, 400)
    image = (window - synthetic.MEAN_HU) / synthetic.DEVIATION_HU
    depth, rows, columns = hu.shape
    more = [(0, 0), (0, -rows % SIZE.stride), (0, -columns % SIZE.stride)]
    image = np.pad(image, more, mode="edge")
    found = []
    for z in range(depth):
        around = np.clip(np.arange(z - CONTEXT, z + CONTEXT + 1), 0, depth - 1)
        logits = network(image[around].transpose(1, 2, 0)[None], training=False)
        found.append(keras.ops.sigmoid(logits)[0, :rows, :columns, 0])
    return np.stack(found)


# Of the stride, beside it, smaller than it; one slice; fewer slices than the context.
@pytest.mark.parametrize(
    "shape", [(5, 21, 30), (3, 16, 20), (4, 1, 3), (1, 9, 8), (2, 3, 17), (1, 1, 1)]
)
def test_a_volume_of_any_size_is_segmented_as_slice_by_slice(
    loaded: Any, network: keras.Model, shape: tuple[int, int, int]
) -> None:
    hu = noise(*shape)
    found = by_signature(loaded, hu)
    assert found.shape == shape and found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(network, hu), atol=1e-5)


def test_the_network_tells_slices_and_pixels_apart(network: keras.Model) -> None:
    """Otherwise the comparisons here would show nothing."""
    assert np.std(by_hand(network, HU)) > 0.02


@pytest.mark.parametrize("slab_pixels", [1, 24 * 32 * 2, 1 << 20])
def test_slabs_make_no_difference(network: keras.Model, layer: Any, slab_pixels: int) -> None:
    segmenter = Segmenter(network, layer, CONTEXT, SIZE.stride, slab_pixels)
    signature = segmenter.signatures()[features.SIGNATURE_HU]
    found = signature(hu=tf.constant(HU))["probability"]
    np.testing.assert_allclose(found, by_hand(network, HU), atol=1e-5)


@pytest.mark.parametrize(("budget", "slices"), [(1, 1), (24 * 32 * 3 - 1, 2), (24 * 32 * 3, 3)])
def test_a_slab_holds_as_many_padded_slices_as_fit(budget: int, slices: int) -> None:
    segmenter = Segmenter(None, None, CONTEXT, 4, budget)
    assert int(segmenter._slab_slices(tf.constant([9, 21, 30]))) == slices  # 24 by 32, padded


@pytest.mark.parametrize("shape", [(0, 8, 8), (3, 0, 8), (3, 8, 0), (0, 0, 0)])
def test_an_empty_volume_gives_an_empty_one(loaded: Any, shape: tuple[int, ...]) -> None:
    found = by_signature(loaded, np.zeros(shape, np.int16))
    assert found.shape == shape and found.dtype == np.float32


@pytest.mark.parametrize("shape", [(), (30,), (21, 30), (2, 21, 30, 3)])
def test_another_rank_is_refused(loaded: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        by_signature(loaded, np.zeros(shape, np.int16))
    given = str(list(shape)).replace(" ", "")
    message = f"Shape of tensor hu {given} is not compatible with expected shape [?,?,?]"
    assert message in str(caught.value)


def test_another_type_is_refused(loaded: Any) -> None:
    message = "was expected to be a int16 tensor but is a float tensor"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        by_signature(loaded, HU.astype(np.float32))


def compressed(loaded: Any, packed: Any, shape: Any) -> Any:
    call = loaded.signatures[features.SIGNATURE_COMPRESSED]
    given = {"hu_packed": tf.constant(packed, tf.string), "shape": tf.constant(shape, tf.int64)}
    return call(**given)["probability_png_bytes"].numpy()


def test_compressed_volumes_give_pictures_of_the_same_probabilities(loaded: Any) -> None:
    volumes = [HU, noise(*HU.shape)]
    pictures = compressed(loaded, [pack(one) for one in volumes], [HU.shape] * 2)
    assert pictures.shape == (2, 5)
    for volume, row in zip(volumes, pictures, strict=True):
        found = np.stack([tf.io.decode_png(one)[..., 0] for one in row])
        assert found.dtype == np.uint8
        exact = by_signature(loaded, volume) * 255
        np.testing.assert_allclose(found, exact, atol=0.501)


@pytest.mark.parametrize(("count", "depth"), [(0, 3), (2, 0)])
def test_no_volume_and_no_slice_give_no_picture(loaded: Any, count: int, depth: int) -> None:
    packed = [pack(np.zeros((depth, 8, 8), np.int16))] * count
    pictures = compressed(loaded, packed, np.reshape([[depth, 8, 8]] * count, (count, 3)))
    assert pictures.shape == (count, 0)


def test_a_slice_without_pixels_gives_empty_bytes(loaded: Any) -> None:
    assert compressed(loaded, [pack(HU[:0])], [[2, 0, 8]]).tolist() == [[b"", b""]]


@pytest.mark.parametrize(
    ("packed", "shape", "message"),
    [
        ([pack(HU)], [[5, 21, 31]], "expected volumes of] [6510] [bytes for shape] [5 21 31] "),
        ([pack(HU[:4]), pack(HU)], [HU.shape] * 2, "[5 21 30] [got] [5040 6300]"),
        ([pack(HU)] * 2, [HU.shape, (5, 30, 21)], "expected one shape, not negative, for all"),
        ([pack(HU)], [[-5, -21, 30]], "expected one shape, not negative, for all"),
        ([pack(HU)], [HU.shape] * 2, "expected shape of] [1 3] [numbers, got] [2 3]"),
        ([pack(HU)], [[5, 630]], "expected shape of] [1 3] [numbers, got] [1 2]"),
        ([pack(HU)], [5, 21, 30], "shape [3] is not compatible with expected shape [?,?]"),
        (pack(HU), [HU.shape], "hu_packed [] is not compatible with expected shape [?]"),
    ],
)
def test_bytes_that_do_not_fit_their_shape_are_refused(
    loaded: Any, packed: Any, shape: Any, message: str
) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        compressed(loaded, packed, shape)
    assert message in str(caught.value)


@pytest.mark.parametrize("packed", [b"no stream", b"", pack(HU)[:-200]])
def test_bytes_that_are_no_whole_stream_are_refused(loaded: Any, packed: bytes) -> None:
    with pytest.raises((tf.errors.DataLossError, tf.errors.InvalidArgumentError)):
        compressed(loaded, [packed], [HU.shape])


def test_half_a_probability_is_128_and_what_is_less_is_not() -> None:
    half = np.float32(0.5)
    below = np.nextafter(half, np.float32(0))
    values = np.array([[[0, below, half, 1, 128 / 255, 127 / 255]]], np.float32)
    [picture] = _png(tf.constant(values)).numpy()
    assert tf.io.decode_png(picture)[0, :, 0].numpy().tolist() == [0, 127, 128, 255, 128, 127]


def slab(loaded: Any, packed: Any, shape: Any, kept: Any, name: str = "segment_slab") -> Any:
    given = {"hu_packed": tf.constant(packed, tf.string), "shape": tf.constant(shape, tf.int64)}
    call = loaded.signatures[name]
    return call(**given, kept=tf.constant(kept, tf.int64))["probability_float_bytes"].numpy()


def floats(picture: bytes) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = tf.io.decode_png(picture).numpy().view("<f4")[..., 0]
    return found


@pytest.mark.parametrize("name", [features.SIGNATURE_SLAB, features.SIGNATURE_DEFAULT])
def test_slabs_with_their_neighbours_give_the_probabilities_of_the_whole(
    loaded: Any, name: str
) -> None:
    volumes = [HU, noise(*HU.shape)]
    rows = slab(loaded, [pack(one) for one in volumes], [HU.shape] * 2, [[2, 5]] * 2, name)
    assert rows.shape == (2, 3)
    for volume, row in zip(volumes, rows, strict=True):
        found = np.stack([floats(one) for one in row])
        np.testing.assert_array_equal(found, by_signature(loaded, volume)[2:])
    # The first two slices need two more.
    (row,) = slab(loaded, [pack(HU[:4])], [(4, *HU.shape[1:])], [[0, 2]], name)
    found = np.stack([floats(one) for one in row])
    np.testing.assert_array_equal(found, by_signature(loaded, HU)[:2])


def test_small_probabilities_are_rounded_and_others_are_exact() -> None:
    # 2^-9 is the first exact one; 3 / 2^17 is half way between two steps of 2^-16.
    exact = np.array([2**-9, 1 / 3, 0.5, 1], np.float32)
    values = np.concatenate((exact, [1e-6, 3 / 2**17, 1e-3])).astype(np.float32)
    found = _packable(tf.constant(values)).numpy()
    np.testing.assert_array_equal(found[:4], exact)
    np.testing.assert_array_equal(found[4:], [0, 2 / 2**16, round(1e-3 * 2**16) / 2**16])


def test_a_picture_holds_every_bit_of_a_probability() -> None:
    values = np.array([[[0, 2**-16, 1e-3, 1 / 3, 1]]], np.float32)
    [picture] = _float_png(tf.constant(values)).numpy()
    np.testing.assert_array_equal(floats(picture), values[0])


class Faint(keras.layers.Layer):  # type: ignore[misc]
    """A network that says little: logits from -13 to -5, probabilities around 2^-9 and below."""

    def call(self, images: Any, training: bool = False) -> Any:
        return images[..., CONTEXT : CONTEXT + 1] * 2.0 - 9.0


def test_all_signatures_give_the_same_small_probabilities() -> None:
    """Otherwise the masks that are interpolated from them to a scan's own grid may differ."""

    def transform(raw: dict[str, Any]) -> dict[str, Any]:
        return {features.IMAGE: (tf.cast(raw[features.HU], tf.float32) + 212.0) / 406.0}

    signatures = Segmenter(Faint(), transform, CONTEXT, SIZE.stride).signatures()
    whole = signatures[features.SIGNATURE_HU](hu=tf.constant(HU))["probability"].numpy()
    given = {"hu_packed": tf.constant([pack(HU)]), "shape": tf.constant([HU.shape], tf.int64)}
    kept = tf.constant([[0, len(HU)]], tf.int64)
    (row,) = signatures[features.SIGNATURE_SLAB](**given, kept=kept)[features.OUTPUT_SLAB].numpy()
    np.testing.assert_array_equal(np.stack([floats(one) for one in row]), whole)
    small = whole[whole < 2**-9]
    assert 0 < small.size < whole.size and np.unique(small).size > 20
    np.testing.assert_array_equal(small, np.round(small * 2**16) / 2**16)


@pytest.mark.parametrize(
    ("shape", "kept", "message"),
    [
        (HU.shape, [[0, 6]], "expected first and stop of] [5] [slices, got] [0 6]"),
        (HU.shape, [[3, 2]], "expected first and stop of] [5] [slices, got] [3 2]"),
        (HU.shape, [[-1, 2]], "expected one kept, not negative, for all volumes"),
        (HU.shape, [[0, 1, 2]], "expected kept of] [1 2] [numbers, got] [1 3]"),
        ((5, 21, 31), [[0, 5]], "expected volumes of] [6510] [bytes"),
    ],
)
def test_slices_that_are_not_there_are_refused(
    loaded: Any, shape: Any, kept: Any, message: str
) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        slab(loaded, [pack(HU)], [shape], kept)
    assert message in str(caught.value)


def test_no_slice_that_is_asked_for_gives_no_answer(loaded: Any) -> None:
    assert slab(loaded, [pack(HU)], [HU.shape], [[2, 2]]).shape == (1, 0)
    assert slab(loaded, [pack(HU[:0])], [[2, 0, 8]], [[0, 2]]).tolist() == [[b"", b""]]


def test_no_signature_takes_examples(loaded: Any) -> None:
    names = {features.SIGNATURE_HU, features.SIGNATURE_COMPRESSED}
    names |= {features.SIGNATURE_SLAB, features.SIGNATURE_DEFAULT}
    assert set(loaded.signatures) == names
