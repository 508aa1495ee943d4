"""The model that comes along: it is whole, says what it is, and outlines a patient's nodule."""

from pathlib import Path

import pytest

from benchmarks.sim_to_real import read_data
from benchmarks.whole_scan import judge_whole_scan
from lungct.readers.metaimage import write_scan
from schema.model_facts import patient_hash
from serving.model import load_model
from serving.segment import PRETRAINED, main, newest_version
from serving.served import read_facts
from tests.lungct import chest


def test_scans_are_segmented_without_naming_a_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scan(str(tmp_path / "1.2.9.mhd"), chest.hu(), chest.GEOMETRY)
    assert main([str(tmp_path / "1.2.9.mhd"), "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert f"the model is {PRETRAINED}/1, see {PRETRAINED}/README.md\n" in err
    assert out.endswith("; for research only, not a medical device\n")
    assert (tmp_path / "out" / "1.2.9_mask.nii.gz").is_file()


def test_its_card_says_what_it_may_be_used_for() -> None:
    card = (Path(PRETRAINED) / "README.md").read_text()
    for words in ("not a medical device", "CC BY 3.0", "CC BY 4.0", "benchmarks.sim_to_real"):
        assert words in card


def test_it_outlines_the_nodule_of_a_patient_whom_it_never_saw(real_data: Path) -> None:
    folder = newest_version(PRETRAINED)
    data = read_data(real_data)
    patients = {patient_hash(patient) for patient in data.scan_patients}
    assert not patients & set(read_facts(folder).data.patients["train"])
    judged = judge_whole_scan(data.scans[0], load_model(folder))
    (nodule,) = judged.nodules
    assert nodule.found and nodule.dice >= 0.9
    assert judged.false_positives <= 6
