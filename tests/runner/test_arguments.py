"""What the runners' command lines share."""

from lungct.command_line import Parser
from runner.arguments import add_configuration_arguments, add_place_arguments


def parser() -> Parser:
    made = Parser("run")
    add_configuration_arguments(made, "configs/demo.yaml")
    add_place_arguments(made, "without it none", "default: here")
    return made


def test_without_arguments_the_default_configuration_is_read() -> None:
    parsed = parser().parse_args([])
    assert (parsed.config, parsed.overrides) == ("configs/demo.yaml", [])
    assert (parsed.data, parsed.output) == (None, None)


def test_overrides_and_data_add_up_in_their_order() -> None:
    parsed = parser().parse_args(
        ["--set", "b.c=1", "--data", "y", "--config", "x.yaml", "--set", "a=2", "--data", "x"]
    )
    assert (parsed.config, parsed.overrides) == ("x.yaml", ["b.c=1", "a=2"])
    assert parsed.data == ["y", "x"]
