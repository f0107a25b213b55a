"""Fields of codecs from outside, in a scenario and in a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from downpass.link.errors import InputError
from downpass.sim.scenario import ScenarioError, load_scenario
from downpass.sim.scenario.codec_file import load_codec
from downpass.sim.scenario.schema import json_schema
from downpass.sim.scenario.yamltree import parse
from small_scenarios import satellite, scenario, write

COMMAND: dict[str, Any] = {
    "name": "command",
    "bpp": 1,
    "encode": ["{folder}/bin/ours", "{folder}/table", 7, "{quality}"],
    "decode": ["bin/ours", "-d"],
}
ONNX: dict[str, Any] = {"name": "onnx", "bpp": 1, "encoder": "a.onnx", "decoder": "b.onnx"}
PROCESSOR = {"profile": "zynq-7020", "encode_rate": {"command": "1 Mpx/s", "onnx": "1 Mpx/s"}}


def written(folder: Path, codec: dict[str, Any], **changes: Any) -> Path:
    sat = satellite(codec=codec, processor=PROCESSOR, **changes)
    return write(folder, scenario(None, satellites=[sat]))


def test_paths_start_from_the_file_that_names_them(tmp_path: Path) -> None:
    codec = load_scenario(written(tmp_path, COMMAND | {"files": ["w.bin"]})).satellites[0].codec
    assert codec.encode == (f"{tmp_path}/bin/ours", f"{tmp_path}/table", "7", "{quality}")
    assert codec.decode == (f"{tmp_path}/bin/ours", "-d")
    assert codec.files == (tmp_path / "w.bin",)
    codec = load_scenario(written(tmp_path, ONNX)).satellites[0].codec
    assert (codec.encoder, codec.decoder) == (tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert (codec.layout, codec.multiple, codec.time_limit) == ("nchw", 1, 60)


@pytest.mark.parametrize(
    ("codec", "message"),
    [
        (COMMAND | {"encode": None}, "codec.encode: missing; allowed with codec command: encode"),
        (ONNX | {"decoder": None}, "codec.decoder: missing; allowed with codec onnx: encoder and"),
        (COMMAND | {"encode": "ours -q 3"}, "codec.encode: found ours -q 3; allowed: a program"),
        (COMMAND | {"encode": []}, "codec.encode: found 0 words; allowed: a program and its"),
        (COMMAND | {"encode": [["a"]]}, "codec.encode: found a list; allowed: a program"),
        (COMMAND | {"encode": ["a", True]}, "codec.encode: found true; allowed: a program"),
        (
            COMMAND | {"encode": ["a", "{with}"]},
            "found {with}; allowed: {input}, {output}, {width}",
        ),
        (
            COMMAND | {"decode": ["a", "{quality}"]},
            "codec.decode: found {quality}; allowed: {input}",
        ),
        (COMMAND | {"encode": ["{width}"]}, "allowed for the program: {folder} and {python} alone"),
        (COMMAND | {"encode": ["a"] * 101}, "codec.encode: found 101 words"),
        (COMMAND | {"qualities": [3, 3]}, "codec.qualities: found 1 qualities; allowed: 2 to 4096"),
        (
            COMMAND | {"qualities": [0, 0.5]},
            "codec.qualities: found 0.5; allowed: two whole numbers",
        ),
        (COMMAND | {"qualities": 3}, "codec.qualities: found 3; allowed: two whole numbers"),
        (COMMAND | {"time_limit": 3}, "codec.time_limit: found 3"),
        (COMMAND | {"memory": "1 MB"}, "codec.memory: found 1 MB"),
        (COMMAND | {"interleave": "bpi"}, "codec.interleave: found bpi; allowed: bip, bil, bsq"),
        (ONNX | {"encoder": 7}, "codec.encoder: found 7; allowed: the path of a file"),
        (ONNX | {"multiple": 0}, "codec.multiple: found 0"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:40],
)
def test_faults_are_told_with_their_place(
    tmp_path: Path, codec: dict[str, Any], message: str
) -> None:
    path = written(tmp_path, codec)
    with pytest.raises(ScenarioError) as refused:
        load_scenario(path)
    assert len(refused.value.problems) == 1
    assert message in refused.value.problems[0]
    assert refused.value.problems[0].startswith(f"{path}:")


def test_a_board_has_none_of_these_codecs(tmp_path: Path) -> None:
    path = written(tmp_path, COMMAND, encoder={"backend": "board", "port": "loop://"})
    with pytest.raises(ScenarioError, match=r"found codec command with encoder\.backend board"):
        load_scenario(path)


def test_another_codec_ignores_the_fields(tmp_path: Path) -> None:
    path = written(tmp_path, COMMAND)
    codec = load_scenario(path, ["satellites.0.codec.name=jpeg2000"]).satellites[0].codec
    assert codec.name == "jpeg2000"
    assert codec.encode is not None


def test_the_schema_asks_for_what_the_loader_asks_for(tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())

    def sound(codec: dict[str, Any]) -> bool:
        return bool(validator.is_valid(parse(written(tmp_path, codec).read_text()).value))

    for codec, keys in ((COMMAND, ("encode", "decode")), (ONNX, ("encoder", "decoder"))):
        assert sound(codec)
        for key in keys:
            assert not sound({name: value for name, value in codec.items() if name != key})


def test_a_file_of_a_codec_needs_no_setting(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("name: onnx\nencoder: a.onnx\ndecoder: b.onnx\nmultiple: 16\n")
    codec = load_codec(path)
    assert (codec.encoder, codec.multiple) == (tmp_path / "a.onnx", 16)
    path.write_text("name: onnx\nbpp: 2\nencoder: a.onnx\ndecoder: b.onnx\n")
    assert load_codec(path).bpp == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: onnx\nencoder: a.onnx\n", "ours.yaml: decoder: missing"),
        (
            "name: onnx\nencoder: a\ndecoder: b\nmultipel: 3\n",
            "ours.yaml:4: multipel: no such key; did you mean multiple?",
        ),
        ("name: jpeg\n", "ours.yaml:1: name: found jpeg; allowed: jpeg2000"),
        ("name: jpegxl\nbpp: 1\nbpp: 2\n", "ours.yaml:3: bpp: given twice, first in line 2"),
        ("- 1\n", "ours.yaml: found"),
        ("", "ours.yaml: found nothing; allowed: a codec's fields"),
        ("name: [\n", "ours.yaml:"),
    ],
    ids=["missing", "misspelt", "name", "twice", "list", "empty", "no YAML"],
)
def test_faults_of_a_codecs_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        load_codec(path)
    assert message in str(refused.value)
    assert "satellites" not in str(refused.value)
