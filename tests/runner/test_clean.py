"""Cleaning removes what superseded runs left, and nothing that is needed."""

import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

import local_runner
from components.artifacts import Predictions
from runner.clean import remove_superseded, size_of
from runner.usage import lock_output
from schema.files import ARTIFACTS_FOLDER, METADATA_FILE
from tests.crash import ingest
from tests.lungct.luna16 import make_root
from tests.usage import assert_refused

COMPLETE, CACHED = pb.Execution.COMPLETE, pb.Execution.CACHED
FAILED, RUNNING = pb.Execution.FAILED, pb.Execution.RUNNING


@dataclasses.dataclass
class Output:
    """An output folder with TFX's metadata, of runs made up one by one."""

    folder: Path

    def __post_init__(self) -> None:
        config = pb.ConnectionConfig()
        config.sqlite.filename_uri = str(self.folder / METADATA_FILE)
        config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self.store = mlmd.MetadataStore(config)
        self.run_type = self.store.put_context_type(pb.ContextType(name="pipeline_run"))
        self.step_type = self.store.put_execution_type(pb.ExecutionType(name="Step"))
        self.runs = 0

    def artifact(self, kind: str, place: str = "", **properties: str) -> pb.Artifact:
        """Makes an artifact with a file of 100 bytes."""
        number = self.store.put_artifact_type(pb.ArtifactType(name=kind))
        made = len(self.store.get_artifacts()) + 1
        folder = Path(place) if place else self.folder / ARTIFACTS_FOLDER / kind / str(made)
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(bytes(100))
        artifact = pb.Artifact(type_id=number, uri=str(folder), state=pb.Artifact.LIVE)
        for name, value in properties.items():
            artifact.custom_properties[name].string_value = value
        (artifact.id,) = self.store.put_artifacts([artifact])
        return artifact

    def run(
        self,
        takes: Sequence[pb.Artifact] = (),
        makes: Sequence[pb.Artifact] = (),
        state: "pb.Execution.State" = COMPLETE,
        passes_over: Sequence[pb.Artifact] = (),
    ) -> None:
        """Records a run of one step."""
        self.runs += 1
        run = pb.Context(type_id=self.run_type, name=f"run {self.runs}")
        step = pb.Execution(type_id=self.step_type, last_known_state=state)
        events = [pb.Event(artifact_id=a.id, type=pb.Event.INPUT) for a in takes]
        events += [pb.Event(artifact_id=a.id, type=pb.Event.OUTPUT) for a in makes]
        key = pb.Event.Path(steps=[pb.Event.Path.Step(key="passed_over")])
        events += [pb.Event(artifact_id=a.id, type=pb.Event.INPUT, path=key) for a in passes_over]
        pairs = [(None, event) for event in events]
        self.store.put_execution(step, pairs, [run])

    def left(self, kind: str = "Examples") -> list[int]:
        """Numbers of the artifacts whose folders are there."""
        folder = self.folder / ARTIFACTS_FOLDER / kind
        return sorted(int(path.name) for path in folder.iterdir()) if folder.is_dir() else []

    def clean(self, keep: int) -> list[str]:
        """Cleans; gives the folders that were removed, below the artifacts."""
        root = self.folder / ARTIFACTS_FOLDER
        removed = remove_superseded(str(self.folder), keep)
        return [str(Path(found.folder).relative_to(root)) for found in removed]


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return Output(tmp_path)


def test_the_last_runs_keep_their_examples(output: Output) -> None:
    for _ in range(3):
        output.run(makes=[output.artifact("Examples")])
    assert output.clean(3) == []
    assert output.clean(2) == ["Examples/1"]
    assert output.clean(1) == ["Examples/2"]
    assert output.clean(1) == []
    assert output.left() == [3]


def test_models_that_were_passed_over_are_not_needed(output: Output) -> None:
    first, second = (output.artifact("Model") for _ in range(2))
    output.run(makes=[first])
    output.run(makes=[second], passes_over=[first])
    assert output.clean(1) == ["Model/1"]


def test_masks_are_large_too(output: Output) -> None:
    for _ in range(2):
        output.run(makes=[output.artifact(Predictions.TYPE_NAME)])
    assert output.clean(1) == ["components.Predictions/1"]


def test_an_artifact_that_a_later_run_took_from_the_cache_is_kept(output: Output) -> None:
    first, second = output.artifact("Examples"), output.artifact("Examples")
    output.run(makes=[first])
    output.run(makes=[second])
    output.run(makes=[first], state=CACHED)
    assert output.clean(1) == ["Examples/2"]


def test_an_artifact_that_a_later_run_only_read_is_kept(output: Output) -> None:
    baseline = output.artifact("Model")
    output.run(makes=[baseline])
    output.run(takes=[baseline], makes=[output.artifact("Model")])
    assert output.clean(1) == []


@pytest.mark.parametrize("state", [FAILED, RUNNING])
def test_a_run_that_did_not_end_well_supersedes_nothing(
    state: "pb.Execution.State", output: Output
) -> None:
    for outcome in (COMPLETE, COMPLETE, state):
        output.run(makes=[output.artifact("Examples")], state=outcome)
    assert output.clean(1) == ["Examples/1"]
    assert output.left() == [2, 3]


def test_what_the_newest_push_was_made_from_is_kept(output: Output) -> None:
    models = [output.artifact("Model") for _ in range(3)]
    for version, model in enumerate(models[:2], start=1):
        place = str(output.folder / "serving" / str(version))
        pushed = output.artifact("PushedModel", pushed_destination=place)
        output.run(takes=[model], makes=[model, pushed])
    output.run(makes=[models[2], output.artifact("PushedModel")])
    assert output.clean(1) == ["Model/1"]
    assert output.left("Model") == [2, 3]


def test_small_artifacts_are_kept(output: Output) -> None:
    kinds = ("components.Report", "components.ScanRecords", "ModelEvaluation", "PushedModel")
    output.run(makes=[output.artifact(kind) for kind in (*kinds, "ModelRun")])
    output.run()
    assert output.clean(1) == ["ModelRun/5"]


def test_what_lies_elsewhere_is_left_alone(output: Output, tmp_path: Path) -> None:
    output.run(makes=[output.artifact("Examples", place=str(tmp_path / "moved" / "1"))])
    output.run()
    assert output.clean(1) == []
    assert (tmp_path / "moved" / "1" / "file").exists()


def test_what_a_killed_cleaning_left_is_removed(output: Output) -> None:
    superseded = output.artifact("Examples")
    output.run(makes=[superseded])
    output.run()
    superseded.state = pb.Artifact.DELETED
    output.store.put_artifacts([superseded])
    assert output.clean(1) == ["Examples/1"]


def test_it_is_marked_before_it_is_removed(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    output.run(makes=[output.artifact("Examples")])
    output.run()

    def fail(folder: str) -> None:
        raise OSError(f"can't remove {folder}")

    monkeypatch.setattr(shutil, "rmtree", fail)
    with pytest.raises(OSError, match="can't remove"):
        output.clean(1)
    assert output.store.get_artifacts()[0].state == pb.Artifact.DELETED


def test_at_least_one_run_is_kept(output: Output) -> None:
    with pytest.raises(ValueError, match="expected at least 1 run to keep, got 0"):
        output.clean(0)


def test_sizes_are_blocks_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(bytes(10_000))
    (tmp_path / "link").symlink_to("a/file")
    assert size_of(str(tmp_path)) == (tmp_path / "a" / "file").stat().st_blocks * 512 >= 10_000


def test_a_removed_artifact_is_not_taken_from_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two data sets in turn, in a real pipeline of one component."""
    small = make_root(tmp_path / "small", {"1.1": "p1", "1.2": "p2"})
    large = make_root(tmp_path / "large", {"1.1": "p1", "1.2": "p2", "1.3": "p3"})
    output = tmp_path / "out"
    first, second = ingest(small, output), ingest(large, output)
    assert ingest(small, output).cached
    assert ingest(large, output).cached
    assert local_runner.main(["clean", "--keep", "1", "--output", str(output)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "artifacts/CtExampleGen/examples/1"
    assert lines[-1].startswith("removed ") and len(lines) == 2
    assert not os.path.exists(first.outputs["examples"].uri)
    assert os.path.exists(first.outputs["scans"].uri)
    assert ingest(large, output).cached
    again = ingest(small, output)
    assert not again.cached
    assert again.outputs["examples"].uri != first.outputs["examples"].uri
    assert len(list(Path(again.outputs["examples"].uri).glob("Split-*/1.*.gz"))) == 2
    assert os.path.exists(second.outputs["examples"].uri)
    # A folder that is there but marked is not taken either.
    os.makedirs(first.outputs["examples"].uri)
    assert ingest(small, output).outputs["examples"].uri == again.outputs["examples"].uri


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "local_runner.py clean: the following arguments are required: --keep"),
        (["--keep", "0"], "--keep: expected at least 1 run, got 0"),
        (["--keep", "all"], "argument --keep: invalid int value: 'all'"),
        (["--keep", "1", "--outptu", "x"], "nearest valid argument: --output"),
        (["--keep", "1", "--output", "x", "--config", "y"], "not allowed with argument --output"),
        (["--keep", "1", "--output", "nowhere"], "expected the output folder of a run, got /"),
        (["--keep", "1", "--output", "/a*"], "--output: expected a path without *, ?, [ and ]"),
        (["--keep", "1", "--config", "nowhere.yaml"], "nowhere.yaml: expected a YAML file"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(Path(local_runner.__file__).parent / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    assert_refused(local_runner.main, ["clean", *arguments], expected, capsys)
    assert not (tmp_path / "nowhere").exists()


def test_it_refuses_while_a_run_uses_the_folder(
    output: Output, capsys: pytest.CaptureFixture[str]
) -> None:
    output.run(makes=[output.artifact("Examples")])
    output.run()
    arguments = ["clean", "--keep", "1", "--output", str(output.folder)]
    with lock_output(str(output.folder)):
        assert_refused(local_runner.main, arguments, "--output: another run is using", capsys)
    assert output.left() == [1]
