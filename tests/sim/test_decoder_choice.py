"""`ground: {decoder: …}` in a scenario and `--decoder` on the command line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from downpass.ground.decoders import student_networks
from downpass.ground.decoders.student_networks import MODELS, load_network
from downpass.ground.training.export.fingerprints import decoder_fingerprint
from downpass.ground.training.export.float32_graphs import decoder_graph
from downpass.link.student.shared_model import load_integers
from downpass.sim.evaluate import evaluate
from downpass.sim.scenario import load_scenario
from small_scenarios import downpass, satellite, scenario, write, write_scene

STUDENT = satellite(codec={"name": "student", "quality": 60, "tile": 32})


@pytest.fixture
def brighter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two decoders: the shipped `fast`, and as `full` the same, ten grey levels brighter."""
    models = tmp_path / "models"
    shutil.copytree(MODELS / "fast", models / "fast")
    shutil.copytree(MODELS / "fast", models / "full")
    arrays = load_integers(models / "full")
    bias = arrays["synthesis.linear.bias"].copy()
    bias[: bias.size // 3] += 10 << 21  # the first plane is grey, in units of 2^-21
    arrays["synthesis.linear.bias"] = bias
    (models / "full" / "decoder.onnx").write_bytes(decoder_graph(arrays))
    np.savez(models / "full" / "integers.npz", **arrays)  # type: ignore[arg-type]
    card = (models / "full" / "card.json").read_text()
    old, new = load_network().fingerprint.hex(), decoder_fingerprint(arrays).hex()
    (models / "full" / "card.json").write_text(card.replace(old, new))
    monkeypatch.setattr(student_networks, "MODELS", models)
    load_network.cache_clear()
    yield
    load_network.cache_clear()


@pytest.mark.usefixtures("brighter")
def test_another_decoder_changes_the_pictures_and_nothing_else(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    path = write(tmp_path, scenario(satellites=[STUDENT], duration="4 h"))
    # Both use one cache, which must tell their decoders apart.
    rows = [
        evaluate(load_scenario(path, overrides), tmp_path / "cache")
        for overrides in ((), ("ground.decoder=full",), ("ground.decoder=fast",))
    ]
    plain, other, same = ({k: v for k, v in row.items() if "set." not in k} for row in rows)
    assert plain == same
    changed = {name for name in plain if plain[name] != other[name]}
    assert changed
    assert all("psnr" in name or "ms_ssim" in name for name in changed), changed


def test_another_codec_has_one_decoder(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif")
    path = write(tmp_path, scenario(duration="4 h"))
    rows = [
        evaluate(load_scenario(path, (f"ground.decoder={name}",)), tmp_path / "cache")
        for name in student_networks.available()
    ]
    figures = [{k: v for k, v in row.items() if "set." not in k} for row in rows]
    assert all(row == figures[0] for row in figures)


@pytest.mark.usefixtures("brighter")
def test_a_decoder_that_is_not_installed(tmp_path: Path) -> None:
    shutil.rmtree(student_networks.MODELS / "full")
    write_scene(tmp_path / "scene.tif")
    path = write(tmp_path, scenario(satellites=[STUDENT], ground={"decoder": "full"}))
    for said in (downpass("validate", path), downpass("run", path, "--out", tmp_path / "out")):
        assert said.status == 2
        assert "ground.decoder: found full, which this installation lacks" in said.out + said.err


def test_a_decoder_that_nobody_knows(tmp_path: Path) -> None:
    path = write(tmp_path, scenario(None, ground={"decoder": "better"}))
    said = downpass("validate", path)
    assert said.status == 2
    assert "ground.decoder: found better; allowed: fast, full" in said.out + said.err


@pytest.mark.usefixtures("brighter")
def test_the_command_line_decodes_with_the_one_that_is_named(tmp_path: Path) -> None:
    import imagecodecs

    shades = np.linspace(40, 200, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
    source, coded = tmp_path / "in.png", tmp_path / "f.dp"
    source.write_bytes(imagecodecs.png_encode(shades))
    assert downpass("codec", "encode", source, coded, "--codec", "student", "--quality", "60")
    means = {}
    for name in ("fast", "full"):
        out = tmp_path / f"{name}.png"
        assert downpass("codec", "decode", coded, out, "--decoder", name).status == 0
        means[name] = imagecodecs.png_decode(out.read_bytes()).mean()
    assert 2 < means["full"] - means["fast"] < 25
    said = downpass("codec", "decode", coded, tmp_path / "no.png", "--decoder", "better")
    assert said.status == 2
    assert "decoder 'better': allowed is fast or full" in said.err
    assert said.err.count("\n") == 1
