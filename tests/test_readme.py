"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

from tests.runner.finished_run import demo, finish, summary_of_first_run, write_push
from tests.test_documents import DOCUMENTS

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text())
    missing = [x for x in links if "://" not in x and not (path.parent / x).exists()]
    assert not missing


def test_nothing_is_left_to_be_filled_in() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "docs/measured.md").read_text()
    assert "DEMO_" not in text


def test_the_targets_that_the_readme_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text())):
        assert re.search(rf"^{target}:", makefile, re.M), target


def form(text: str) -> list[str]:
    """Lines without figures, numbers of versions and the spaces between columns."""
    lines = []
    for line in text.splitlines():
        line = re.sub(r"(?<!\S)([+−-]?\d+\.\d{3}|–)(?!\S)", "#", line)
        line = re.sub(r"/\d+(?=/|$)", "/#", line)
        lines.append(" ".join(line.split()))
    return lines


def test_the_sample_of_the_readme_has_the_form_of_what_the_demo_prints(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (sample,) = re.findall(r"```\n(Figures by .*?)```", (ROOT / "README.md").read_text(), re.S)
    config = demo(tmp_path / "output" / "demo")
    summary = summary_of_first_run(config)
    monkeypatch.chdir(tmp_path)
    push = write_push(tmp_path / "output" / "demo", config.name)
    assert finish(config, summary, push, monkeypatch) == 0
    printed = form(capfd.readouterr().out.strip())
    assert printed[printed.index(form(sample)[0]) :] == form(sample)
