from pathlib import Path

import pytest
import tensorflow as tf

from models.precision import choose_policy, choose_strategy, read_cpu_flags


@pytest.mark.parametrize(
    ("wanted", "flags", "gpus", "policy"),
    [
        ("auto", {"fpu", "avx512_bf16"}, 0, "mixed_bfloat16"),
        ("auto", {"amx_bf16"}, 0, "mixed_bfloat16"),
        ("auto", {"fpu", "avx512f"}, 0, "float32"),
        ("auto", set(), 1, "mixed_bfloat16"),
        ("float32", {"avx512_bf16"}, 1, "float32"),
        ("mixed_bfloat16", set(), 0, "mixed_bfloat16"),
    ],
)
def test_bfloat16_only_where_it_is_computed(
    wanted: str, flags: set[str], gpus: int, policy: str
) -> None:
    assert choose_policy(wanted, frozenset(flags), gpus) == policy


def test_reads_the_flags_of_the_first_cpu(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("model name\t: X\nflags\t\t: fpu avx512_bf16\nbugs\t: a\nflags\t: other\n")
    assert read_cpu_flags(str(file)) == {"fpu", "avx512_bf16"}


def test_no_flags_where_there_is_no_such_file_or_line(tmp_path: Path) -> None:
    assert read_cpu_flags(str(tmp_path / "none")) == frozenset()
    (tmp_path / "empty").touch()
    assert read_cpu_flags(str(tmp_path / "empty")) == frozenset()


def test_one_device_needs_no_mirroring() -> None:
    if len(tf.config.list_physical_devices("GPU")) < 2:
        assert choose_strategy().num_replicas_in_sync == 1
