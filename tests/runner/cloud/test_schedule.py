"""Schedules are made once, by the real client, against the service on loopback."""

import argparse
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from google.cloud.aiplatform_v1.types import Schedule

import kubeflow_runner
from runner.cloud.commands import schedule
from runner.cloud.cron import schedule_time
from runner.cloud.service import ServiceError
from runner.usage import UsageError
from tests.runner.cloud.conftest import ROOT
from tests.runner.cloud.made_cloud import FAST, Refusal, Service
from tests.runner.cloud.values import ARGUMENTS


def parse(job: Path, *arguments: str) -> argparse.Namespace:
    given = ["--config", str(ROOT / "configs/vertex.yaml"), *ARGUMENTS, "--job", str(job)]
    return kubeflow_runner.parse_arguments(["schedule", *given, *arguments])


def test_a_schedule_is_made_with_the_job_and_its_parameters(
    service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--cron", "30 3 * * MON", "--timezone", "Europe/Berlin", "--parameter", "epochs=7"]
    assert schedule.run(parse(compiled, *given), FAST) == 0
    (made,) = service.schedules
    assert made.cron == "TZ=Europe/Berlin 30 3 * * MON"
    assert made.max_concurrent_run_count == 1
    assert made.display_name == "noduleflow-vertex"
    job = made.create_pipeline_job_request.pipeline_job
    assert job.runtime_config.parameters["epochs"].int_value == 7
    assert job.service_account == "noduleflow@my-project.iam.gserviceaccount.com"
    name, link = capsys.readouterr().out.split()
    assert name == "projects/my-project/locations/europe-west4/schedules/1"
    assert link.endswith("/pipelines/schedules/1?project=my-project")


def test_no_second_schedule_is_made_under_a_name(service: Service, compiled: Path) -> None:
    service.schedules.append(Schedule(name="old", display_name="nightly", state="ACTIVE"))
    given = ["--cron", "0 3 * * *", "--name", "nightly"]
    with pytest.raises(UsageError, match="--name: expected a new name, got nightly of old"):
        schedule.run(parse(compiled, *given), FAST)
    service.schedules[0].state = Schedule.State.COMPLETED
    assert schedule.run(parse(compiled, *given), FAST) == 0


@pytest.mark.parametrize("done", [False, True])
def test_a_service_that_was_away_makes_one_schedule(
    done: bool, service: Service, compiled: Path
) -> None:
    service.refusals.append(Refusal(grpc.StatusCode.UNAVAILABLE, "away", done=done))
    assert schedule.run(parse(compiled, "--cron", "0 3 * * *"), FAST) == 0
    assert len(service.schedules) == 1


def test_refusals_say_what_to_do(service: Service, compiled: Path) -> None:
    service.refusals.append(Refusal(grpc.StatusCode.PERMISSION_DENIED, "no"))
    with pytest.raises(ServiceError, match="roles/aiplatform.user on project my-project: no"):
        schedule.run(parse(compiled, "--cron", "0 3 * * *"), FAST)
    service.refusals.extend(1000 * [Refusal(grpc.StatusCode.UNAVAILABLE, "away")])
    with pytest.raises(ServiceError, match="could not be reached"):
        schedule.run(parse(compiled, "--cron", "0 3 * * *"), replace(FAST, patience_s=0.2))
    assert not service.schedules


@pytest.mark.parametrize(
    "cron", ["0 3 * * 1", "*/15 0-6 1,15 JAN-MAR SUN", "59 23 31 12 7", "0 0-12/3 * * 1-5"]
)
def test_times_that_are_ones(cron: str) -> None:
    assert schedule_time(cron, "Etc/UTC") == f"TZ=Etc/UTC {cron}"


@pytest.mark.parametrize(
    ("cron", "timezone", "expected"),
    [
        ("0 3 * *", "Etc/UTC", "--cron: expected 5 fields (minute, hour, day of the month, month"),
        ("60 3 * * *", "Etc/UTC", "--cron: expected minute from 0 to 59, got '60'"),
        ("0 24 * * *", "Etc/UTC", "--cron: expected hour from 0 to 23, got '24'"),
        ("0 3 0 * *", "Etc/UTC", "--cron: expected day of the month from 1 to 31, got '0'"),
        ("0 3 * MON *", "Etc/UTC", "--cron: expected month from 1 to 12, got 'MON'"),
        ("0 3 * * 5-1", "Etc/UTC", "--cron: expected day of the week from 0 to 7, got '5-1'"),
        ("0 3 * * *-1", "Etc/UTC", "got '*-1'"),
        ("0 3 * * 1/0", "Etc/UTC", "got '1/0'"),
        ("@daily a b c d", "Etc/UTC", "got '@daily'"),
        ("0 3 * * *", "Mars/Base", "--timezone: expected a name such as Europe/Berlin, got 'Mars"),
        ("0 3 * * *", "../x", "--timezone: expected a name"),
    ],
)
def test_times_that_are_none(cron: str, timezone: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        schedule_time(cron, timezone)
    assert expected in str(caught.value)
