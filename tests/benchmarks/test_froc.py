import json

from benchmarks.froc import main, write_tables
from lungct.froc import __main__ as command


def test_prints_the_seconds_with_and_without_intervals(capsys):
    main(["--scans", "6", "--marks", "60", "--replicates", "20"])
    first, reading, without, with_intervals = capsys.readouterr().out.splitlines()
    assert reading.startswith("reading excluded findings: ") and reading.endswith(" s")
    assert first.startswith("60 marks on 6 scans")
    assert without.startswith("without intervals: ") and without.endswith(" s")
    assert with_intervals.startswith("20 replicates: ") and with_intervals.endswith(" s")


def test_most_nodules_are_hit(tmp_path, capsys):
    assert command.main([*write_tables(tmp_path, 60, 900), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    # 60 * 1186 / 888 nodules, nine of ten with a mark at the centre.
    assert found["counts"]["nodules"] == 80
    assert 72 <= found["counts"]["true_positives"] <= 75
    assert found["figures"]["sensitivity_at_8"]["value"] > 0.8
