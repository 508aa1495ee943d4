"""Slice keys in words and in order."""

import pytest

from schema.slice_keys import slice_rank, slice_text


@pytest.mark.parametrize(
    ("split", "bucket", "text"),
    [
        ("all", "all", "all splits"),
        ("eval", "all", "eval split"),
        ("eval", "15+", "eval split, nodules 15+ mm"),
        ("eval", "8-15", "eval split, nodules 8–15 mm"),
        ("train", "none", "train split, slices without nodule"),
        ("eval", "site=3", "eval split, site=3"),
    ],
)
def test_slice_in_words(split: str, bucket: str, text: str) -> None:
    assert slice_text(split, bucket) == text


def test_from_all_over_small_to_large_to_none_to_what_is_not_known() -> None:
    given = ["site=3", "none", "15+", "8-15", "6-8", "3-6", "all"]
    assert sorted(given, key=lambda bucket: slice_rank("eval", bucket)) == given[::-1]
    assert slice_rank("train", "none") < slice_rank("eval", "all") < slice_rank("test", "all")
