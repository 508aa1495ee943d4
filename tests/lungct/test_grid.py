import pytest

from lungct.grid import Grid


def test_channels_are_the_slice_and_its_neighbours():
    assert Grid((2.5, 1.5, 1.5), context=2).channels == 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"spacing_mm": (1.0, 0.0, 1.0)}, r"of 0.1 to 20 mm, got \(1.0, 0.0, 1.0\)"),
        ({"spacing_mm": (1.0, 1.0)}, r"3 spacings \(z, y, x\) of 0.1 to 20 mm, got \(1.0, 1.0\)"),
        ({"context": -1}, "context from 0 to 8, got -1"),
        ({"margin_mm": float("nan")}, "margin_mm from 0 to 100, got nan"),
    ],
)
def test_refuses_what_is_no_grid(fields, message):
    good = {"spacing_mm": (1.0, 1.0, 1.0), "context": 1, "margin_mm": 5.0}
    with pytest.raises(ValueError, match=message):
        Grid(**{**good, **fields})
