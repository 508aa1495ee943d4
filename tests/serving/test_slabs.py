"""A volume cut into requests, and the answers joined."""

import base64
import io
import json
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from serving.slabs import MOST_BYTES, cut, read_answer, request_body, slab
from tests.serving import bright_endpoint

HU = np.random.default_rng(5).integers(-1000, 400, (40, 30, 50)).astype(np.int16)


def sent(body: bytes) -> tuple[npt.NDArray[np.int16], list[int]]:
    (one,) = json.loads(body)["instances"]
    packed = base64.b64decode(one["hu_packed"]["b64"])
    return np.frombuffer(zlib.decompress(packed), "<i2").reshape(one["shape"]), one["kept"]


@pytest.mark.parametrize(
    ("first", "stop", "held", "kept"),
    [
        (0, 3, (0, 5), [0, 3]),
        (4, 6, (2, 8), [2, 4]),
        (1, 2, (0, 4), [1, 2]),
        (38, 40, (36, 40), [2, 4]),
    ],
)
def test_a_slab_has_the_neighbours_of_its_slices(
    first: int, stop: int, held: tuple[int, int], kept: list[int]
) -> None:
    found, asked = sent(slab(HU, first, stop, 2).body)
    np.testing.assert_array_equal(found, HU[slice(*held)])
    assert asked == kept


def test_the_size_of_a_request_is_that_of_base64_and_few_words() -> None:
    # {"instances": [{"hu_packed": {"b64": ""}, "shape": [1, 2, 3], "kept": [0, 1]}]}
    hu = np.zeros((1, 2, 3), np.int16)
    packed = zlib.compress(hu.tobytes())
    assert len(request_body(hu, 0, 1)) == 79 + 4 * -(-len(packed) // 3)


@pytest.mark.parametrize("most_bytes", [20_000, 60_000, MOST_BYTES])
@pytest.mark.parametrize("context", [0, 2])
def test_requests_ask_for_each_slice_once_and_are_small_enough(
    context: int, most_bytes: int
) -> None:
    slabs = list(cut(HU, context, most_bytes))
    assert [one.first for one in slabs] == [0, *(one.stop for one in slabs[:-1])]
    assert slabs[-1].stop == len(HU)
    assert max(len(one.body) for one in slabs) < most_bytes


def test_requests_are_filled() -> None:
    # Noise of 1400 values packs to about 11 bits, in base64 15: 2.8 KB a slice of 1500 pixels.
    slabs = list(cut(HU, 1, 40_000))
    assert all(len(one.body) > 0.75 * 40_000 for one in slabs[1:-1])


def test_slices_that_pack_worse_than_those_before_still_fit() -> None:
    mixed = HU.copy()
    mixed[:20] = 0
    assert max(len(one.body) for one in cut(mixed, 1, 20_000)) < 20_000


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4)])
def test_an_empty_volume_needs_no_request(shape: tuple[int, ...]) -> None:
    assert list(cut(np.zeros(shape, np.int16), 1)) == []


def test_a_slice_that_fits_no_request_is_said() -> None:
    message = (
        r"expected a slice of 30 x 50 pixels with 2 neighbours on each side to fit in 0\.005 MB, "
        r"got 0\.01 MB; a dedicated endpoint takes 10 MB"
    )
    with pytest.raises(ValueError, match=message):
        list(cut(HU, 2, 5_000))


def answer(instances: list[Any]) -> bytes:
    rows = bright_endpoint.predict(instances)
    coded = [[{"b64": base64.b64encode(one).decode()} for one in row] for row in rows]
    return json.dumps({"predictions": coded}).encode()


def test_an_answer_is_read_to_the_last_bit() -> None:
    instance = {"hu_packed": zlib.compress(HU.tobytes()), "shape": HU.shape, "kept": [0, 40]}
    found = read_answer(answer([instance]), (40, 30, 50))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, bright_endpoint.mean_of_three(HU))
    with pytest.raises(ValueError, match=r"of shape \(39, 30, 50\), got \[\(40, 30, 50\)\]"):
        read_answer(answer([instance]), (39, 30, 50))


def picture(mode: str) -> str:
    file = io.BytesIO()
    Image.new(mode, (3, 2)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'{"predictions": []}',
        b'{"predictions": [[1]]}',
        b'{"predictions": [[{"b64": "?"}]]}',
        b'{"predictions": [[{"b64": "AAAA"}]]}',
        json.dumps({"predictions": [[{"b64": picture("L")}]]}).encode(),
    ],
)
def test_what_is_no_answer_is_shown(body: bytes) -> None:
    with pytest.raises(ValueError, match="expected probabilities of the signature segment_slab"):
        read_answer(body, (1, 2, 3))
    with pytest.raises(ValueError, match=r"of shape \(1, 2, 3\), got \[\(0,\)\]"):
        read_answer(b'{"predictions": [[]]}', (1, 2, 3))
