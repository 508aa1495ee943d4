"""Arguments that the runners' command lines share."""

import argparse
from typing import Final

DEFAULT_CONFIG: Final = "configs/demo.yaml"


def add_configuration_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds `--config` and `--set`.

    Args:
        parser: Where to add them.
        default: The configuration file that is read where none is named.
    """
    parser.add_argument(
        "--config", metavar="FILE", default=default, help="YAML; default %(default)s"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="override one value of the configuration, as in training.epochs=3; repeat for more",
    )


def add_place_arguments(parser: argparse.ArgumentParser, no_data: str, output: str) -> None:
    """Adds `--data` and `--output`.

    Args:
        parser: Where to add them.
        no_data: What happens without data.
        output: Which folder is the default.
    """
    text = f"folder of scans; repeat for more; {no_data}"
    parser.add_argument("--data", action="append", metavar="DIR", help=text)
    parser.add_argument("--output", metavar="DIR", help=output)
