"""Files in odd places and of odd names, and tables that call series otherwise."""

import os
import shutil

from tests.bad_inputs.case import ACCEPTED, REFUSED, BadInput, Case, register

ALL: list[BadInput] = []


def kind(outcome, says="", **facts):
    return register(ALL, outcome, says, **facts)


@kind(ACCEPTED, like_good=True)
def resource_forks_of_macos(case: Case) -> None:
    for path in (case.header, case.raw):
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")


@kind(ACCEPTED, like_good=True)
def scans_in_a_hidden_folder(case: Case) -> None:
    shutil.copytree(case.header.parent, case.folder / ".Trash" / "subset0")


@kind(
    ACCEPTED, "left out a file whose name is no UTF-8: .*/subset0/1.2.\\\\xff.mhd", like_good=True
)
def a_name_that_is_no_utf8(case: Case) -> None:
    folder = os.fsencode(case.header.parent)
    with open(os.path.join(folder, b"1.2.\xff.mhd"), "wb") as file:
        file.write(b"NDims = 3\n")


@kind(REFUSED, "expected scans as .*got none in .*, which holds 5 other files, such as .*deep")
def everything_one_folder_deeper(case: Case) -> None:
    (case.folder / "deep").mkdir()
    shutil.move(case.header.parent, case.folder / "deep" / "subset0")


@kind(ACCEPTED, like_good=True)
def annotations_by_file_name(case: Case) -> None:
    text = case.annotations.read_text()
    for stem in (case.header.stem, case.bystander.stem):
        text = text.replace(f"{stem},", f"{stem}.mhd,")
    case.annotations.write_text(text)


@kind(ACCEPTED, like_good=True)
def annotations_by_path(case: Case) -> None:
    text = case.annotations.read_text()
    case.annotations.write_text(text.replace("\n1.2.", "\nsubset0/1.2."))


@kind(REFUSED, "expected annotations of scans that are there, such as 1.2.3, got 2 other series")
def annotations_of_other_scans_alone(case: Case) -> None:
    text = case.annotations.read_text()
    case.annotations.write_text(text.replace("\n1.2.", "\n9.9."))
