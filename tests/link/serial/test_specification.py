"""docs/serial-protocol.md, the shared vectors and the code say the same."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from downpass.link.serial import constants, framing, messages
from downpass.link.serial.framing import Deframer
from downpass.link.serial.messages import open_body
from downpass.link.student.rotation import rotation_matrix

HERE = Path(__file__).parent
TEXT = (HERE.parents[2] / "docs" / "serial-protocol.md").read_text(encoding="utf-8")


def conversation() -> Any:
    spec = importlib.util.spec_from_file_location("conversation", HERE / "conversation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vectors() -> Any:
    return json.loads((HERE / "vectors.json").read_text(encoding="utf-8"))


def rows(heading: str) -> list[list[str]]:
    """The rows of the table whose header row begins with `heading`."""
    table = TEXT.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]
    ]


def test_the_vectors_are_what_the_board_answers() -> None:
    assert conversation().document() == vectors(), "write them anew with conversation.py"


def test_the_example_is_the_vectors() -> None:
    block = re.search(r"```hex\n(.*?)```", TEXT, re.S)
    assert block is not None
    told: list[tuple[str, list[str], list[str]]] = []
    for line in block[1].splitlines():
        mark, data = line[0], line[1:].replace(" ", "")
        if mark == "#":
            told.append((line[2:], [], []))
        elif mark == " ":
            frames = told[-1][2] or told[-1][1]
            frames[-1] += data
        else:
            told[-1][1 if mark == ">" else 2].append(data)
    assert told == [
        (f"{step['step']}, tick {step['ticks']}", [step["in"]] if step["in"] else [], step["out"])
        for step in vectors()["steps"]
    ]


def test_every_answer_of_the_example_is_a_message() -> None:
    kinds = set()
    for step in vectors()["steps"]:
        for data in step["out"]:
            (body,) = Deframer().feed(bytes.fromhex(data))
            kinds.add(open_body(body)[1].kind)
    assert kinds == {kind for kind in constants.Kind if kind >= constants.Kind.HELLO}


def test_the_kinds_and_their_lengths() -> None:
    widths = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i32": 4, "8 bytes": 8, "4 bytes": 4, "4c`": 4}
    for number, name, _, fields in rows("kind"):
        kind = constants.Kind(int(number, 16))
        assert kind.name == name
        message = messages.MESSAGES[kind]
        told = sum(
            next((width for end, width in widths.items() if part.strip().endswith(end)), 0)
            for part in re.sub(r" \(.*?\)", "", fields).split(",")
        )
        layout = getattr(message, "_layout", None)
        if layout is None:
            assert kind == constants.Kind.CAPS
        else:
            assert told == layout.size, name
    assert len(rows("kind")) == len(constants.Kind)


def test_the_length_of_caps() -> None:
    text = TEXT.split("**CAPS** goes on:", 1)[1].split("name and software", 1)[0]
    total = 8 + sum(
        {"8": 1, "16": 2, "32": 4}[bits] for bits in re.findall(r"\bu(8|16|32)\b", text)
    )
    assert total + 8 == messages.Caps._head.size


def test_the_codes() -> None:
    told = {int(row[0]): row[1] for row in rows("code")}
    assert told == {code.value: code.name for code in constants.Code}


def test_the_longest_frame() -> None:
    told = re.search(r"exceeds (\d+) stuffed bytes \(a body of at most (\d+) bytes", TEXT)
    assert told is not None
    assert int(told[1]) == framing.LARGEST_STUFFED
    assert int(told[2]) + framing.CRC_BYTES == constants.LARGEST_BODY


def test_the_matrix_of_the_examples_rotation() -> None:
    told = re.search(r"So 127, 0, 0, 0 gives (\d+) .*and ([-−\d, ]+)\s+has ([-−\d, ]+) in", TEXT)
    assert told is not None
    quaternion, row = (
        tuple(int(number.replace("−", "-")) for number in text.split(","))
        for text in told.groups()[1:]
    )
    assert quaternion == conversation().FORM.rotation
    assert tuple(rotation_matrix(quaternion)[0].tolist()) == row
    assert rotation_matrix((127, 0, 0, 0)).tolist() == [
        [int(told[1]) * (i == j) for j in range(3)] for i in range(3)
    ]


def test_the_fields_of_job() -> None:
    told = re.search(r"The fields of a JOB have (\d+) bytes", TEXT)
    assert told is not None
    assert int(told[1]) == messages.Job._layout.size
