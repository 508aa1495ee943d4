"""Outlines and images, pixel by pixel."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from report.outlines import Grey, jpeg, outline, png, windowed


def test_outline_of_one_pixel_and_of_a_bar() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1, 2] = True
    # Above, below, left, right of pixel (1, 2).
    assert outline(mask) == "M2 1h1M2 2h1M2 1v1M3 1v1"
    mask[1, 3] = True
    assert outline(mask) == "M2 1h2M2 2h2M2 1v1M4 1v1"


def test_what_reaches_the_border_goes_on_beyond_it() -> None:
    mask = np.zeros((3, 4), bool)
    mask[:2] = True

    assert outline(mask) == "M0 2h4"


@pytest.mark.parametrize("value", [True, False])
def test_nothing_to_outline(value: bool) -> None:
    assert outline(np.full((3, 4), value)) == ""


def test_two_runs_in_one_line() -> None:
    mask = np.array([[1, 0, 1], [0, 0, 0]], bool)

    assert outline(mask) == "M0 1h1M2 1h1M1 0v1M2 0v1"


def test_lung_window() -> None:
    hu = np.array([[-2000, -1350, -600, 150, 3000]], np.int16)

    assert windowed(hu).tolist() == [[0, 0, 128, 255, 255]]


def pixels(uri: str, kind: str) -> Grey:
    head, _, body = uri.partition("base64,")
    assert head == f"data:image/{kind};"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))))


def test_png_is_without_loss() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20

    np.testing.assert_array_equal(pixels(png(grey), "png"), grey)


def test_jpeg_is_brought_down_and_never_up() -> None:
    grey = np.full((40, 80), 100, np.uint8)

    assert pixels(jpeg(grey, 20), "jpeg").shape == (10, 20)
    small = pixels(jpeg(grey, 200), "jpeg")
    assert small.shape == (40, 80)
    assert abs(small.astype(int) - 100).max() <= 2
