"""A run is followed to its end by the real client, against the service on loopback."""

from pathlib import Path

import grpc
import pytest
from google.cloud.aiplatform_v1.types import Artifact, PipelineJob, PipelineTaskDetail
from google.rpc.status_pb2 import Status

from runner.cloud.commands import submit
from tests.runner.cloud.made_cloud import FAST, UNAVAILABLE, Refusal, Service, parse_submit


def test_a_run_is_followed_until_it_succeeded(
    service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.states = ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"]
    assert submit.run(parse_submit(compiled, "--wait"), FAST) == 0
    shown = capsys.readouterr().out.splitlines()[2:]
    assert shown == ["state: PENDING", "state: RUNNING", "state: SUCCEEDED", "ended: SUCCEEDED"]
    assert service.looks == 4


@pytest.mark.parametrize(("blessed", "status", "text"), [(1, 0, "blessed"), (0, 3, "not blessed")])
def test_the_status_tells_whether_the_model_was_blessed(
    blessed: int,
    status: int,
    text: str,
    service: Service,
    compiled: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def judge(job: PipelineJob) -> None:
        verdict = Artifact(metadata={"blessed": blessed})
        outputs = {"blessing": PipelineTaskDetail.ArtifactList(artifacts=[verdict])}
        job.job_detail.task_details = [PipelineTaskDetail(task_name="Evaluator", outputs=outputs)]

    service.ended = judge
    assert submit.run(parse_submit(compiled, "--wait"), FAST) == status
    assert f"ended: {text}" in capsys.readouterr().out


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_run_that_failed_names_its_tasks(
    state: str, service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(job: PipelineJob) -> None:
        states = PipelineTaskDetail.State
        job.job_detail.task_details = [
            PipelineTaskDetail(task_name="CtExampleGen", state=states.SUCCEEDED),
            PipelineTaskDetail(
                task_name="DataGate", state=states.FAILED, error=Status(message="no\nnodule")
            ),
            PipelineTaskDetail(task_name="ReportGen", state=states.FAILED),
        ]
        job.error = Status(message="the run failed")

    service.states, service.ended = ["RUNNING", state], fail
    assert submit.run(parse_submit(compiled, "--wait"), FAST) == 1
    assert capsys.readouterr().out.splitlines()[-4:] == [
        f"ended: {state}",
        "task DataGate failed: no nodule",
        "task ReportGen failed: see its log on the page of the run",
        "error: the run failed",
    ]


def test_a_run_that_takes_too_long_is_left_to_itself(
    service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.states = ["RUNNING"]
    assert submit.run(parse_submit(compiled, "--wait", "--wait-minutes", "0.002"), FAST) == 1
    assert "still RUNNING after 0.002 minutes; the run goes on" in capsys.readouterr().out


def test_an_interrupted_wait_ends_no_run(
    service: Service,
    compiled: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(submit, "follow", interrupt)
    assert submit.run(parse_submit(compiled, "--wait"), FAST) == 130
    assert "the run goes on: https://console" in capsys.readouterr().out


def test_looking_goes_on_where_the_service_was_away_or_is_asked_too_often(
    service: Service, compiled: Path
) -> None:
    exhausted = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many requests")
    service.reading.extend([UNAVAILABLE, exhausted])
    service.states = ["RUNNING", "SUCCEEDED"]
    assert submit.run(parse_submit(compiled, "--wait"), FAST) == 0
    assert service.looks == 2
