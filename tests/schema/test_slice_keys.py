"""Which slice keys are shown, in which order and words."""

import pytest

from schema.slice_keys import shown_buckets, slice_text


def test_data_roots_are_shown_where_there_are_several() -> None:
    one = ["none", "source=crops", "all", "15+", "3-6", "all"]
    assert shown_buckets(one) == ("all", "3-6", "15+", "none")
    assert shown_buckets([*one, "source=a"])[-2:] == ("source=a", "source=crops")


@pytest.mark.parametrize(
    ("split", "bucket", "text"),
    [
        ("eval", "all", "eval split"),
        ("all", "3-6", "all splits, nodules 3–6 mm"),
        ("eval", "none", "eval split, slices without nodule"),
        ("train", "source=crops", "train split, data root crops"),
        ("eval", "scanner=x", "eval split, scanner=x"),
    ],
)
def test_slices_in_words(split: str, bucket: str, text: str) -> None:
    assert slice_text(split, bucket) == text
