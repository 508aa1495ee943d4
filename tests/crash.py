"""Runs CtExampleGen again and again, killed in the midst, from one process that has TFX imported.

Usage: python -m tests.crash ROOT OUTPUT FILES...

A run is killed as soon as it has made so many files, half ones counted. Prints, as JSON, for each
kill the differences from the undisturbed result: in what the killed run left, and in what the run
after it made. Each run is a process of its own, forked, so that only the first pays for the import.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from pipeline.config import Config
from pipeline.pipeline import create_ingest
from runner.leftovers import discard_unfinished
from runner.local_dag import NodeResult, ObservedDagRunner
from schema.files import ARTIFACTS_FOLDER, METADATA_FILE

GRID = {"spacing_mm": (6.0, 5.0, 4.0), "margin_mm": 6.0}
GATE = {"pooled_dice": {"at_least": 0.5}}


def ingest(root: str, output: Path) -> NodeResult:
    """Runs CtExampleGen on a data root, as a local run does, and gives what it did."""
    output.mkdir(parents=True, exist_ok=True)
    config = Config.model_validate(
        {
            "output": str(output),
            "data": {"roots": [{"path": root}]},
            "split": {"eval_fraction": 0.5},
            "grid": GRID,
            "training": {"crop_size": 32},
            "gate": GATE,
        }
    )
    database, folder = output / METADATA_FILE, output / ARTIFACTS_FOLDER / "CtExampleGen"
    discard_unfinished(str(database), str(folder))
    results: list[NodeResult] = []
    ObservedDagRunner(lambda name: None, results.append).run(create_ingest(config))
    return results[-1]


def start(root: str, output: Path) -> int:
    """Starts it in a process of its own."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            ingest(root, output)
            status = 0
        finally:
            os._exit(status)
    return child


def run(root: str, output: Path) -> bool:
    """Runs it to its end; gives whether that was a good one."""
    return os.waitpid(start(root, output), 0)[1] == 0


def run_and_kill(root: str, output: Path, files: int) -> bool:
    """Runs it until there are so many files of examples; gives whether it was killed."""
    before = set(examples(output))
    child = start(root, output)
    while len(set(examples(output)) - before) < files:
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            return False
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def examples(output: Path) -> list[Path]:
    """Files of examples, half ones too."""
    return list(output.glob("artifacts/CtExampleGen/examples/*/**/*.tfrecord*"))


def result(output: Path, execution: int) -> dict[str, str]:
    """What an execution made, by place: text of tables without times, hexadecimal of examples."""
    made = {}
    for path in output.glob(f"artifacts/CtExampleGen/*/{execution}/**/*"):
        if path.is_file() and not path.name.startswith(".partial"):
            place = str(path.relative_to(output)).replace(f"/{execution}/", "/N/")
            made[place] = path.read_bytes().hex()
            if path.name == "scans.jsonl":
                rows = map(json.loads, path.read_text().splitlines())
                made[place] = json.dumps([{**row, "seconds": 0} for row in rows])
    return made


def executions(output: Path) -> list[int]:
    """Numbers of the executions that made a folder."""
    return sorted({int(p.name) for p in output.glob("artifacts/CtExampleGen/examples/*")})


def differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Places of `found` whose content is not as expected."""
    return sorted(place for place, content in found.items() if expected.get(place) != content)


def main() -> None:
    """Kills and compares."""
    root, folder = sys.argv[1], Path(sys.argv[2])
    if not run(root, folder / "undisturbed"):
        sys.exit("the undisturbed run failed")
    expected = result(folder / "undisturbed", *executions(folder / "undisturbed"))
    kills = []
    output = folder / "killed"
    for files in map(int, sys.argv[3:]):
        killed = run_and_kill(root, output, files)
        left = [result(output, number) for number in executions(output)]
        kills.append(
            {
                "killed": killed,
                "left": len(left[-1]) if left else 0,
                "half": [place for made in left for place in differences(made, expected)],
                "next": run(root, output),
                "kept": len(executions(output)),
                "wrong": wrong(result(output, executions(output)[-1]), expected),
            }
        )
        # Another change of the inputs, else the next run would be taken from the cache.
        os.utime(sorted(Path(root).glob("subset*/*.mhd"))[0])
    print(json.dumps({"files": len(expected), "kills": kills}))


def wrong(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Places that are missing, too many or of another content."""
    return sorted(set(expected) ^ set(found)) + differences(found, expected)


if __name__ == "__main__":
    main()
