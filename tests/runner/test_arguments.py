"""A wrong argument ends in one line with the nearest valid one."""

import pytest

from runner.arguments import Parser, add_configuration_arguments


def parser() -> Parser:
    made = Parser("run", allow_abbrev=False)
    add_configuration_arguments(made, "configs/demo.yaml")
    return made


def with_commands() -> Parser:
    made = Parser("run", allow_abbrev=False)
    commands = made.add_subparsers(dest="command", required=True, metavar="compile|submit")
    command = commands.add_parser("compile", allow_abbrev=False)
    command.add_argument("--output")
    return made


def refusal(
    made: Parser, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> tuple[object, str]:
    """Exit status, and the one line on standard error."""
    with pytest.raises(SystemExit) as stop:
        made.parse_args(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    return stop.value.code, line


def test_without_arguments_the_default_configuration_is_read() -> None:
    parsed = parser().parse_args([])
    assert (parsed.config, parsed.overrides) == ("configs/demo.yaml", [])


def test_overrides_add_up_in_their_order() -> None:
    parsed = parser().parse_args(["--set", "b.c=1", "--config", "x.yaml", "--set", "a=2"])
    assert (parsed.config, parsed.overrides) == ("x.yaml", ["b.c=1", "a=2"])


@pytest.mark.parametrize(
    ("argument", "nearest"),
    [("--conf", "--config"), ("--sett=a=1", "--set"), ("--hlep", "--help")],
)
def test_the_nearest_option_is_named(
    argument: str, nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = f"run: unrecognized arguments: {argument}; nearest valid argument: {nearest}"
    assert refusal(parser(), [argument], capsys) == (2, expected)


def test_a_word_that_is_no_option_has_none_that_is_near(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert refusal(parser(), ["data"], capsys) == (2, "run: unrecognized arguments: data")


def test_options_of_commands_count_too(capsys: pytest.CaptureFixture[str]) -> None:
    status, line = refusal(with_commands(), ["compile", "--outptu", "x"], capsys)
    assert status == 2
    assert line.endswith("unrecognized arguments: --outptu x; nearest valid argument: --output")


def test_a_missing_value_or_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(parser(), ["--set"], capsys) == (2, "run: argument --set: expected one argument")
    status, line = refusal(with_commands(), [], capsys)
    assert (status, line) == (2, "run: the following arguments are required: compile|submit")
