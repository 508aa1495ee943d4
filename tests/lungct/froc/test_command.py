"""The command line of `lungct.froc`."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lungct.froc.__main__ import main
from tests.lungct.froc import challenge

ROOT = Path(__file__).resolve().parents[3]


def test_prints_the_figures_and_warns_beside_them(tmp_path, capsys):
    assert main(challenge.write(tmp_path)) == 0
    out, err = capsys.readouterr()
    assert re.search(r"^true positives +2$", out, re.M)
    assert re.search(r"^sensitivity at 0.5 +0.3333$", out, re.M)
    assert [line.split()[:2] for line in err.splitlines()] == [["warning:", "ignored"]] * 2


def test_json_with_intervals_is_the_same_for_the_same_seed(tmp_path, capsys):
    options = [*challenge.write(tmp_path), "--json", "--bootstrap", "40"]
    shown = []
    for seed in ("3", "3"):
        assert main([*options, "--seed", seed]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert json.loads(shown[0])["figures"]["lesion_sensitivity"]["upper"] == 1.0


def test_patients_are_optional(tmp_path, capsys):
    options = challenge.write(tmp_path)
    assert options[-2] == "--patients"
    assert main([*options[:-2], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["patients"] == 3


@pytest.mark.parametrize(
    ("changed", "arguments", "message"),
    [
        ({}, ["--bootstrap", "-1"], "--bootstrap and --seed from 0, got -1 and 0"),
        ({}, ["--seed", "-2"], "--bootstrap and --seed from 0, got 0 and -2"),
        ({}, ["--bootstrap", "x"], "invalid int value: 'x'"),
        ({}, ["--unknown"], "unrecognized arguments: --unknown"),
        ({}, ["--series", "gone.csv"], "a list of series, got No such file.* in gone.csv"),
        ({}, ["--submission", "gone.csv"], "a readable table, got No such file.* in gone.csv"),
        (
            {"series": "1.1\n1.1\n"},
            [],
            "each series once, got 1.1 in lines 1 and 2 of .*series.csv",
        ),
        ({"excluded": b"\xff,"}, [], "readable table.*excluded.csv"),
        ({"annotations": "seriesuid\n"}, [], "one column coordx, got .*annotations.csv"),
        ({"patients": "seriesuid,patient_id\n"}, [], "patient of series 1.1, got none in"),
    ],
)
def test_usage_errors_are_one_line(tmp_path, capsys, changed, arguments, message):
    try:
        status = main([*challenge.write(tmp_path, **changed), *arguments])
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert re.search(message, err)


def test_tables_that_are_required(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert "required: --annotations, --excluded, --series, --submission" in err
    assert err.count("\n") == 1


def test_runs_as_a_module_without_anything_heavy(tmp_path):
    code = (
        "import sys; from lungct.froc.__main__ import main; status = main(sys.argv[1:]);"
        "heavy = {'SimpleITK', 'scipy', 'tensorflow'} & set(sys.modules);"
        "sys.exit(f'{status} {heavy}' if status or heavy else 0)"
    )
    options = challenge.write(tmp_path)
    for command in (["-c", code], ["-m", "lungct.froc"]):
        run = subprocess.run([sys.executable, *command, *options], cwd=ROOT, capture_output=True)
        assert run.returncode == 0, run.stderr
