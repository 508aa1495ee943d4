"""Runs are started and followed by the real client, against the service on loopback."""

import json
from pathlib import Path

import grpc
import pytest

import kubeflow_runner
from runner.cloud import sending
from runner.cloud import service as service_module
from runner.cloud.commands import submit
from runner.cloud.service import ServiceError, Timing
from runner.usage import UsageError
from tests.runner.cloud.conftest import ROOT
from tests.runner.cloud.made_cloud import (
    FAST,
    HASTY,
    UNAVAILABLE,
    Refusal,
    Service,
    parse_submit,
)
from tests.runner.cloud.values import ARGUMENTS
from tests.usage import assert_refused


def test_a_run_is_created_and_its_page_shown(
    service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.run(parse_submit(compiled), FAST) == 0
    (request,) = service.requests
    job = request.pipeline_job
    assert request.parent == "projects/my-project/locations/europe-west4"
    assert request.pipeline_job_id.startswith("noduleflow-vertex-2")
    assert job.display_name == "noduleflow-vertex"
    assert job.service_account == "noduleflow@my-project.iam.gserviceaccount.com"
    assert job.labels["application"] == "noduleflow"
    assert job.runtime_config.gcs_output_directory == "gs://my-bucket/noduleflow"
    assert job.runtime_config.parameters["epochs"].int_value == 120
    assert "Trainer" in job.pipeline_spec["root"]["dag"]["tasks"]
    name, link = capsys.readouterr().out.split()
    assert name == f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
    assert link == (
        "https://console.cloud.google.com/vertex-ai/locations/europe-west4/pipelines/runs/"
        f"{request.pipeline_job_id}?project=my-project"
    )


def test_parameters_of_a_run_replace_those_of_the_job(service: Service, compiled: Path) -> None:
    given = ["epochs=5", "push=false", "data_root=gs://other/scans", "gate_bounds.gap=0.3"]
    arguments = [word for one in given for word in ("--parameter", one)]
    assert submit.run(parse_submit(compiled, *arguments), FAST) == 0
    parameters = service.requests[0].pipeline_job.runtime_config.parameters
    assert parameters["epochs"].int_value == 5
    assert parameters["push"].string_value == "false"
    assert parameters["data_root"].string_value == "gs://other/scans"
    bounds = json.loads(parameters["gate_bounds"].string_value)
    assert (bounds["gap"], bounds["pooled_dice"]) == (0.3, 0.75)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("epochs=0", "--set training.epochs=0: training: expected epochs of at least 1, got 0"),
        ("epochs=many", "input should be a valid integer"),
        ("epoch=5", "expected one of data_root, epochs, gate_bounds, push, got epoch"),
        ("push=maybe", "vertex.push.enabled: input should be a valid boolean"),
        ("data_root=/home/me", "expected a path in a bucket"),
        ("data_root=gs://BUCKET/a", "got the placeholder gs://BUCKET/a"),
        ("gate_bounds.dice=0.5", "expected criteria of pooled_dice"),
        ("gate_bounds.gap=low", "expected a number, got low"),
        ("gate_bounds=0.5", "expected numbers by criterion"),
        ("epochs.x=5", "expected one of data_root"),
        ("epochs", "expected NAME=VALUE, got 'epochs'"),
    ],
)
def test_parameters_are_held_to_the_rules_of_the_configuration_before_anything_is_sent(
    parameter: str,
    expected: str,
    service: Service,
    compiled: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["submit", "--config", str(ROOT / "configs/vertex.yaml"), *ARGUMENTS]
    given += ["--job", str(compiled), "--parameter", parameter]
    assert_refused(kubeflow_runner.main, given, expected, capsys)
    assert not service.requests


def test_without_a_job_one_is_compiled_and_no_file_written(
    service: Service, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sending, "compiled_job", lambda config: json.loads(compiled.read_text()))
    given = ["submit", "--config", str(ROOT / "configs/vertex.yaml"), *ARGUMENTS]
    given += ["--parameter", "epochs=5"]
    assert submit.run(kubeflow_runner.parse_arguments(given), FAST) == 0
    job = service.requests[0].pipeline_job
    assert job.runtime_config.parameters["epochs"].int_value == 5
    assert "Trainer" in job.pipeline_spec["root"]["dag"]["tasks"]
    assert not list(tmp_path.iterdir())


def test_a_parameter_given_twice_is_refused(service: Service, compiled: Path) -> None:
    with pytest.raises(UsageError, match="expected each name once, got epochs before"):
        submit.run(
            parse_submit(compiled, "--parameter", "epochs=5", "--parameter", "epochs=6"), FAST
        )
    assert not service.requests


def test_a_service_that_was_away_is_asked_again(service: Service, compiled: Path) -> None:
    service.refusals.extend([UNAVAILABLE, UNAVAILABLE])
    assert submit.run(parse_submit(compiled), FAST) == 0
    assert len(service.requests) == 3
    assert len({request.pipeline_job_id for request in service.requests}) == 1
    assert len(service.jobs) == 1


def test_a_run_whose_answer_was_lost_is_made_once(
    service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.refusals.append(Refusal(grpc.StatusCode.UNAVAILABLE, "lost", done=True))
    assert submit.run(parse_submit(compiled), FAST) == 0
    assert len(service.jobs) == 1
    assert next(iter(service.jobs)) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (
            Refusal(grpc.StatusCode.PERMISSION_DENIED, "aiplatform.pipelineJobs.create denied"),
            "permission denied: give yourself roles/aiplatform.user on project my-project",
        ),
        (
            Refusal(grpc.StatusCode.PERMISSION_DENIED, "iam.serviceAccounts.actAs denied"),
            "roles/iam.serviceAccountUser on noduleflow@my-project.iam.gserviceaccount.com",
        ),
        (
            Refusal(grpc.StatusCode.PERMISSION_DENIED, "Vertex AI API has not been used in"),
            "gcloud services enable aiplatform.googleapis.com --project my-project",
        ),
        (
            Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota of runs"),
            "ask for more at https://console.cloud.google.com/iam-admin/quotas?project=my-project",
        ),
        (
            Refusal(grpc.StatusCode.NOT_FOUND, "no such project"),
            "not found: are vertex.project and vertex.region right (project my-project,",
        ),
        (
            Refusal(grpc.StatusCode.INVALID_ARGUMENT, "bad\nspec"),
            "Vertex AI refused the request (project my-project, region europe-west4): bad spec",
        ),
        (
            Refusal(grpc.StatusCode.UNAUTHENTICATED, "no token"),
            "no credentials for Google Cloud: run `gcloud auth application-default login`",
        ),
        (Refusal(grpc.StatusCode.INTERNAL, "oh"), "Vertex AI failed (project my-project"),
    ],
)
def test_a_refusal_says_once_in_one_line_what_to_do(
    refusal: Refusal, expected: str, service: Service, compiled: Path
) -> None:
    service.refusals.append(refusal)
    with pytest.raises(ServiceError) as caught:
        submit.run(parse_submit(compiled), FAST)
    assert expected in str(caught.value)
    assert " ".join(refusal.text.split()) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(service.requests) == 1


def test_a_service_that_stays_away_is_given_up(service: Service, compiled: Path) -> None:
    service.refusals.extend(1000 * [UNAVAILABLE])
    with pytest.raises(ServiceError, match="could not be reached; try again later"):
        submit.run(parse_submit(compiled), HASTY)
    assert len(service.requests) > 1


def test_a_service_that_does_not_answer_is_given_up(service: Service, compiled: Path) -> None:
    with service.lock:  # every request waits
        with pytest.raises(ServiceError, match="could not be reached"):
            submit.run(parse_submit(compiled), Timing(request_s=0.05, retry_s=0.01, patience_s=0.2))


def test_without_credentials_one_line_says_how_to_get_some(
    compiled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.auth.exceptions import DefaultCredentialsError

    def refuse(region: str, transport: object) -> dict[str, object]:
        raise DefaultCredentialsError("none were\nfound")

    monkeypatch.setattr(service_module, "connection", refuse)
    given = ["submit", "--config", str(ROOT / "configs/vertex.yaml"), *ARGUMENTS]
    assert kubeflow_runner.main([*given, "--job", str(compiled)]) == 1
    shown = capsys.readouterr().err
    assert "kubeflow_runner.py: no credentials for Google Cloud: run `gcloud auth" in shown
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "expected a compiled job, got: No such file"),
        ("pipelineInfo: {}", "expected a job that `compile` wrote for Vertex AI"),
        ("[]", "expected a job that `compile` wrote for Vertex AI"),
        ("{}", "expected a job that `compile` wrote for Vertex AI"),
        (
            '{"runtimeConfig": {"gcsOutputDirectory": "gs://other/x"}, '
            '"pipelineSpec": {"root": {"dag": {"tasks": {"a": {}}}}}}',
            "expected a job for vertex.pipeline_root gs://my-bucket/noduleflow, got one for gs://ot",
        ),
    ],
)
def test_what_is_no_job_for_this_project_is_not_sent(
    text: str | None, expected: str, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "job.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError) as caught:
        submit.run(parse_submit(path), FAST)
    assert expected in str(caught.value)
    assert not service.requests


def test_a_job_without_the_parameter_is_not_sent(
    service: Service, compiled: Path, tmp_path: Path
) -> None:
    job = json.loads(compiled.read_text())
    del job["runtimeConfig"]["parameters"]["push"]
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job))
    with pytest.raises(UsageError, match="--parameter push: expected one of the job's data_root"):
        submit.run(parse_submit(path, "--parameter", "push=false"), FAST)
    assert not service.requests


def test_a_bound_of_a_criterion_that_the_job_lacks_is_not_sent(
    service: Service, compiled: Path, tmp_path: Path
) -> None:
    """Else the Evaluator would refuse it, after hours of training."""
    job = json.loads(compiled.read_text())
    job["runtimeConfig"]["parameters"]["gate_bounds"] = {"stringValue": '{"pooled_dice": 0.7}'}
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job))
    for given in ("gate_bounds.gap=0.3", 'gate_bounds={"gap": 0.3}'):
        with pytest.raises(UsageError, match="criteria of the job, pooled_dice, got gap: compile"):
            submit.run(parse_submit(path, "--parameter", given), FAST)
    assert not service.requests


def test_a_job_with_what_vertex_ai_does_not_know_is_not_sent(
    service: Service, compiled: Path, tmp_path: Path
) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps({**json.loads(compiled.read_text()), "pipelineSpeck": {}}))
    with pytest.raises(UsageError, match="--job: expected a PipelineJob of Vertex AI, got: .*ck"):
        submit.run(parse_submit(path), FAST)
    assert not service.requests
