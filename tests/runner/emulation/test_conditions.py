"""Conditions and placeholders, as compilers write them."""

from typing import Any

import pytest

from runner.emulation.conditions import holds
from runner.emulation.placeholders import rendered
from runner.usage import UsageError

INPUT: dict[str, Any] = {
    "inputs": {
        "parameters": {"epochs": {"intValue": "3"}, "word": {"stringValue": "5"}},
        "parameterValues": {"push": True, "share": 0.5},
        "artifacts": {
            "model": {"artifacts": [{"uri": "/m", "name": "n", "metadata": {"blessed": 1}}]},
            "none": {"artifacts": []},
        },
    },
    "outputs": {
        "artifacts": {"rows": {"artifacts": [{"uri": "/r"}]}},
        "parameters": {"p": {"outputFile": "/p"}},
        "outputFile": "/o.json",
    },
}
BLESSED = "inputs.artifacts['model'].artifacts[0].metadata['blessed']"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (f"{BLESSED} == 1.0", True),
        (f"({BLESSED} == 1.0)", True),
        (f"!({BLESSED} == 1.0)", False),
        (f"({BLESSED} > 1.0) || ({BLESSED} < 2.0)", True),
        (f"({BLESSED} > 1.0) && ({BLESSED} < 2.0)", False),
        ("inputs.artifacts['model'].artifacts[0].uri == ('/' + 'm')", True),
        ("inputs.parameters['epochs'].int_value >= 3", True),
        ("inputs.parameters['word'].string_value == '5'", True),
        ("int(inputs.parameters['word'].string_value) != 5", False),
        ("inputs.parameter_values['push'] == true", True),
        ("inputs.parameter_values['share'] <= 0.4", False),
        # Or binds less than and: true || (false && false).
        ("true || false && false", True),
    ],
)
def test_what_holds(condition: str, expected: bool) -> None:
    assert holds(condition, INPUT) is expected


@pytest.mark.parametrize(
    "condition",
    [
        "inputs.artifacts['other'].artifacts[0].uri == 'x'",
        "inputs.artifacts['none'].artifacts[0].uri == 'x'",
        "1 == ",
        "1 == 1 1",
        "(1 == 1",
        "size(1) == 1",
        "'a' < 1",
        "a ? b : c",
    ],
)
def test_a_condition_that_can_not_be_judged_is_refused(condition: str) -> None:
    with pytest.raises(UsageError, match="expected a condition"):
        holds(condition, INPUT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--model={{$.inputs.artifacts['model'].uri}}/x", "--model=/m/x"),
        ("{{$.inputs.parameters['epochs']}}", "3"),
        ("{{$.inputs.artifacts['model'].metadata['blessed']}}", "1"),
        ("{{$.outputs.artifacts['rows'].uri}}", "/r"),
        ("{{$.outputs.output_file}}", "/o.json"),
        ("{{$.outputs.parameters['p'].output_file}}", "/p"),
        ("none", "none"),
    ],
)
def test_placeholders(text: str, expected: str) -> None:
    assert rendered(text, INPUT) == expected


def test_an_unknown_placeholder_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a part of the executor's input"):
        rendered("{{$.inputs{}}}", INPUT)


@pytest.mark.parametrize("name", ["other", "none"])
def test_a_placeholder_of_what_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(KeyError):
        rendered(f"{{{{$.inputs.artifacts['{name}'].uri}}}}", INPUT)


def test_an_artifact_beyond_the_end_of_a_list_is_not_there() -> None:
    given = {"inputs": {"artifacts": {"a": {"artifacts": []}}}}
    with pytest.raises(KeyError, match=r"\[0\]"):
        rendered("{{$.inputs.artifacts['a'].artifacts[0].uri}}", given)


def test_the_content_of_a_value_artifact(tmp_path: Any) -> None:
    (tmp_path / "value").write_text("hello")
    given = {"inputs": {"artifacts": {"a": {"artifacts": [{"uri": str(tmp_path)}]}}}}
    assert rendered("{{$.inputs.artifacts['a'].value}}", given) == "hello"
