"""What a person sees, and that libraries are kept out of it."""

import io
from typing import Any

from rich.console import Console

from lungct import progress
from runner.console import RunConsole, dice_table, gate_table, listen


def rendered(renderable: Any) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=100).print(renderable)
    return [line.strip() for line in stream.getvalue().splitlines()]


def row(bucket: str, metric: str, value: float, split: str = "eval") -> dict[str, Any]:
    return {"split": split, "bucket": bucket, "metric": metric, "value": value}


def test_dice_by_bucket_from_all_over_small_to_large_to_none() -> None:
    rows = [
        row("none", "precision", 0.0),
        row("15+", "pooled_dice", 0.9),
        row("all", "pooled_dice", 0.81234),
        row("3-6", "mean_slice_dice", 0.4),
    ]
    lines = rendered(dice_table(rows, ["eval"]))[1:]
    assert [line.split()[1] for line in lines] == ["all", "3-6", "15+", "none"]
    assert "0.812" in lines[0]


def test_the_gate_shows_what_was_measured_and_asked() -> None:
    gate = [
        {"criterion": "pooled Dice", "measured": 0.8, "bound": 0.75, "margin": 0.05},
        {"criterion": "pooled Dice of 3-6", "measured": None, "bound": 0.5, "margin": None},
    ]
    gate[0]["verdict"], gate[1]["verdict"] = "pass", "fail"
    lines = rendered(gate_table(gate))
    assert lines[1].split()[-4:] == ["0.800", "0.750", "+0.050", "pass"]
    assert lines[2].split()[-4:] == ["–", "0.500", "–", "fail"]


def test_components_and_progress_without_a_terminal(monkeypatch: Any) -> None:
    stream = io.StringIO()
    view = RunConsole(stream)
    listen(view)
    monkeypatch.setattr("runner.console.QUIET_INTERVAL_S", -1.0)
    view.start("Trainer")
    progress.report("epochs", 3, 10, "Dice 0.7")
    view.finish("Trainer", 12.34, "cached")
    assert stream.getvalue().splitlines() == [
        "    Trainer: epochs 3/10 Dice 0.7",
        "  Trainer                 12.3 s  cached",
    ]
