"""Which files of the repository the image holds, by its Dockerfile and .dockerignore."""

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

# Where the repository lies in the image.
CODE = PurePosixPath("/opt/noduleflow")


def instructions(dockerfile: str) -> list[tuple[str, list[str]]]:
    """Pairs of an instruction and its words, without comments, lines that go on joined."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    split = [line.split(maxsplit=1) for line in joined if line.strip()]
    # Only the words of these are of use, and others need not be words of a shell.
    known = {"ARG", "FROM", "COPY", "WORKDIR", "USER"}
    return [(word, shlex.split(rest) if word in known else [rest]) for word, rest in split]


def stages(dockerfile: str) -> dict[str, list[tuple[str, list[str]]]]:
    """The instructions of each stage, those of the stages that it is made of first."""
    arguments: dict[str, str] = {}
    found: dict[str, list[tuple[str, list[str]]]] = {}
    name = ""
    for word, rest in instructions(dockerfile):
        if word == "FROM":
            base, _, name = rest
            base = re.sub(r"\$\{(\w+)\}", lambda given: arguments[given[1]], base)
            found[name] = list(found.get(base, ()))
        elif not found:
            arguments.update([rest[0].split("=", 1)])
        else:
            found[name].append((word, rest))
    return found


def copies(dockerfile: str, stage: str) -> Iterator[tuple[str, PurePosixPath]]:
    """Pairs of a source in the repository and the path in the image that it is copied to.

    A target that ends with a slash is a folder to copy into.

    Raises:
        ValueError: If an option of COPY is not known here.
    """
    folder = PurePosixPath("/")
    for word, words in stages(dockerfile)[stage]:
        if word == "WORKDIR":
            folder /= words[0]
        elif word == "COPY" and not words[0].startswith("--from="):
            if words[0].startswith("--"):
                raise ValueError(f"expected COPY without options, got {words}")
            *sources, target = words
            for source in sources:
                into = PurePosixPath(source).name if target.endswith("/") else ""
                yield source, folder / target / into


def is_ignored(path: str, patterns: Sequence[str]) -> bool:
    """Says whether .dockerignore leaves out a file, or a folder that it lies in.

    Raises:
        ValueError: If a pattern takes back others, which is not known here.
    """
    for pattern in patterns:
        if pattern.startswith("!"):
            raise ValueError(f"expected patterns that leave out, got {pattern!r}")
        parts = re.split(r"(\*\*/|\*)", pattern)
        known = {"**/": "(.*/)?", "*": "[^/]*"}
        wanted = "".join(known.get(part, re.escape(part)) for part in parts)
        if re.fullmatch(f"{wanted}(/.*)?", path):
            return True
    return False


def patterns_of(dockerignore: str) -> list[str]:
    """The patterns of a .dockerignore."""
    lines = (line.strip() for line in dockerignore.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def files_of_the_image(
    root: Path, dockerfile: str | None = None, dockerignore: str | None = None
) -> Mapping[PurePosixPath, Path]:
    """Finds what the image holds of the repository, below its folder of code.

    Args:
        root: The repository.
        dockerfile: The text to go by, in place of the repository's.
        dockerignore: The same for `.dockerignore`.

    Returns:
        Files by their path below the image's folder of code.
    """
    text = (root / "Dockerfile").read_text() if dockerfile is None else dockerfile
    ignore = (root / ".dockerignore").read_text() if dockerignore is None else dockerignore
    patterns = patterns_of(ignore)
    found = {}
    for source, target in copies(text, "image"):
        for path in sorted((root / source).rglob("*")) or [root / source]:
            if path.is_file() and not is_ignored(path.relative_to(root).as_posix(), patterns):
                place = target / path.relative_to(root / source).as_posix()
                if place.is_relative_to(CODE):
                    found[place.relative_to(CODE)] = path
    return found


def copy_files(files: Mapping[PurePosixPath, Path], folder: Path) -> None:
    """Copies them to a folder, as the image has them."""
    for place, path in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / place)
