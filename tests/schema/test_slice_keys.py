"""Which slice keys are shown, in which order and words."""

import pytest

from schema.slice_keys import shown_slices, slice_text


def test_data_roots_are_shown_where_there_are_several() -> None:
    buckets = ("all", "3-6", "15+", "none")
    sizes = [(bucket, "all") for bucket in ("none", "all", "15+", "3-6", "all")]
    one = [*sizes, ("all", "crops"), ("3-6", "crops")]
    assert shown_slices(one) == tuple((bucket, "all") for bucket in buckets)
    # Sizes of one data root are not shown; the gate may ask for them.
    assert shown_slices([*one, ("all", "a"), ("15+", "b")])[-2:] == (("all", "a"), ("all", "crops"))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (("eval", "all"), "eval split"),
        (("all", "3-6"), "all splits, nodules 3–6 mm"),
        (("eval", "none"), "eval split, slices without nodule"),
        (("train", "all", "crops"), "train split, data root crops"),
        (("eval", "15+", "crops"), "eval split, data root crops, nodules 15+ mm"),
        (("eval", "scanner=x"), "eval split, scanner=x"),
    ],
)
def test_slices_in_words(key: tuple[str, ...], text: str) -> None:
    assert slice_text(*key) == text
