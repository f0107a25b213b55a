"""The decoders of the student: each is for the model in the package, and any can decode a frame."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from downpass.ground.decoders import decode, decoder_identity, student, student_networks
from downpass.ground.decoders.student_networks import MODELS, available, load_network
from downpass.ground.training.export.fingerprints import decoder_fingerprint
from downpass.link.container.frame import Frame
from downpass.link.errors import InputError
from downpass.link.student import shared_model
from downpass.link.student.shared_model import load_integers
from downpass.payload.encoders.base import Setting
from downpass.payload.encoders.student.encoder import StudentEncoder


@pytest.fixture
def frame() -> Frame:
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:208, :240] / 24.0
    base = 120 + 60 * np.sin(rows + np.sin(columns))[..., None] * (1.0, 0.8, 0.5)
    return Frame(np.clip(base + rng.normal(0, 5, base.shape), 0, 255).astype(np.uint8), 8)


@pytest.mark.parametrize("name", available())
def test_each_is_for_the_shipped_model_and_named_by_its_integers(name: str) -> None:
    network = load_network(name)
    assert network.model == shared_model.load().fingerprint
    arrays = load_integers(network.folder)
    assert all(array.startswith("synthesis.") for array in arrays)
    assert network.fingerprint == decoder_fingerprint(arrays)


@pytest.mark.parametrize("name", available())
def test_windows_with_its_halo_give_the_undivided_picture(
    name: str, frame: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = StudentEncoder(64).encode(frame, Setting(quality=70))
    whole = decode(stream, network=name).frame.pixels
    monkeypatch.setattr(student, "WINDOW", 3)
    np.testing.assert_array_equal(decode(stream, network=name).frame.pixels, whole)


def test_an_unknown_decoder_is_refused_in_one_line(frame: Frame) -> None:
    stream = StudentEncoder(64).encode(frame, Setting(quality=20))
    with pytest.raises(InputError, match=r"decoder 'better': allowed is fast") as found:
        decode(stream, network="better")
    assert "\n" not in str(found.value)


def another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **card: object) -> None:
    """Install a second decoder, `full`, beside the shipped `fast`."""
    shutil.copytree(MODELS / "fast", tmp_path / "fast")
    shutil.copytree(MODELS / "fast", tmp_path / "full")
    path = tmp_path / "full" / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | card))
    monkeypatch.setattr(student_networks, "MODELS", tmp_path)
    load_network.cache_clear()


@pytest.fixture
def clean() -> object:
    load_network.cache_clear()
    yield
    load_network.cache_clear()


@pytest.mark.usefixtures("clean")
def test_caches_tell_decoders_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another(tmp_path, monkeypatch, decoder="00112233aabbccdd")
    assert available() == ("fast", "full")
    assert decoder_identity("student", "full") == "00112233aabbccdd"
    assert decoder_identity("student") != decoder_identity("student", "full")
    assert decoder_identity("jpeg2000", "full") == decoder_identity("jpeg2000") == ""


@pytest.mark.usefixtures("clean")
def test_a_decoder_for_another_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frame: Frame
) -> None:
    another(tmp_path, monkeypatch, fingerprint="00112233aabbccdd")
    stream = StudentEncoder(64).encode(frame, Setting(quality=20))
    with pytest.raises(RuntimeError, match="decoder full is for model 00112233aabbccdd"):
        decode(stream, network="full")
    assert decode(stream).lost_tiles == ()


@pytest.mark.usefixtures("clean")
def test_a_card_of_another_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another(tmp_path, monkeypatch, format=2)
    with pytest.raises(ValueError, match="decoder format 2; this code reads 1"):
        load_network("full")
