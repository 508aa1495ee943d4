from pathlib import Path

import keras
import pytest
import tensorflow as tf

from models.precision import choose_policy, gpu_capabilities, read_cpu_flags


@pytest.mark.parametrize(
    ("wanted", "flags", "capabilities", "policy"),
    [
        ("auto", {"fpu", "avx512_bf16"}, [], "mixed_bfloat16"),
        ("auto", {"amx_bf16"}, [], "mixed_bfloat16"),
        ("auto", {"fpu", "avx512f"}, [], "float32"),
        ("auto", set(), [(8, 0)], "mixed_bfloat16"),  # A100
        ("auto", set(), [(7, 5)], "mixed_float16"),  # T4
        ("auto", set(), [(9, 0), (7, 0)], "mixed_float16"),  # the weakest of them decides
        ("auto", {"avx512_bf16"}, [(6, 1)], "float32"),
        ("auto", {"avx512_bf16"}, [(0, 0)], "float32"),  # not known
        ("float32", {"avx512_bf16"}, [(8, 0)], "float32"),
        ("mixed_bfloat16", set(), [], "mixed_bfloat16"),
        ("mixed_float16", set(), [], "mixed_float16"),
    ],
)
def test_narrow_formats_only_where_they_are_computed(
    wanted: str, flags: set[str], capabilities: list[tuple[int, int]], policy: str
) -> None:
    assert choose_policy(wanted, frozenset(flags), capabilities) == policy


def test_there_is_a_capability_for_each_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    details = {"a": {"compute_capability": (7, 5)}, "b": {}}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a", "b"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details.__getitem__)
    assert gpu_capabilities() == [(7, 5), (0, 0)]


def test_reads_the_flags_of_the_first_cpu(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("model name\t: X\nflags\t\t: fpu avx512_bf16\nbugs\t: a\nflags\t: other\n")
    assert read_cpu_flags(str(file)) == {"fpu", "avx512_bf16"}


def test_no_flags_where_there_is_no_such_file_or_line(tmp_path: Path) -> None:
    assert read_cpu_flags(str(tmp_path / "none")) == frozenset()
    (tmp_path / "empty").touch()
    assert read_cpu_flags(str(tmp_path / "empty")) == frozenset()


@pytest.mark.parametrize(("policy", "scaled"), [("mixed_float16", True), ("mixed_bfloat16", False)])
def test_keras_scales_the_loss_of_float16_alone(policy: str, scaled: bool) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, dtype="float32")])
    finally:
        keras.config.set_dtype_policy(before)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([10], [0.25, 0.125])
    model.compile(optimizer=keras.optimizers.AdamW(schedule, global_clipnorm=1.0), loss="mse")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) is scaled
    assert float(model.optimizer.learning_rate) == 0.25
