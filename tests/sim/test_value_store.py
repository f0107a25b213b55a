"""What a value store keeps, what it makes again, and what it deletes."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from downpass.sim.frames.value_store import ValueStore
from stored_values import put_value


def _damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    match how:
        case "flip":
            data[-3] ^= 4
        case "cut":
            del data[len(data) // 2 :]
        case "empty":
            data.clear()
        case _:
            data[:4] = b"NOPE"
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["flip", "cut", "empty", "foreign"])
def test_a_damaged_value_is_made_again(tmp_path: Path, how: str) -> None:
    store, made = ValueStore(tmp_path), []
    make = lambda: made.append(1) or b"some value"  # type: ignore[func-returns-value]  # noqa: E731
    assert store.value("kind", "ab12", make) == b"some value"
    _damage(tmp_path / "kind" / "ab" / "ab12", how)
    assert store.value("kind", "ab12", make) == b"some value"
    assert store.value("kind", "ab12", make) == b"some value"
    assert len(made) == 2


def _in_place_of(path: Path, how: str) -> None:
    """Put something else where a value lies."""
    path.unlink()
    match how:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            (path / "inside").mkdir(parents=True)
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "link to a value":
            put_value(path.with_name("elsewhere"), b"another", key=path.name)
            path.symlink_to("elsewhere")
        case "link to nothing":
            path.symlink_to("nowhere")
        case "another key's":
            put_value(path, b"another", key="cd34")
        case "larger than allowed":
            put_value(path, bytes(20_000))
        case "sparse and huge":
            put_value(path, b"", length=1 << 40)
            os.truncate(path, (1 << 40) + 16)
        case _:
            path.write_bytes(pickle.dumps(os.system))


OTHERS = [
    "pipe",
    "folder",
    "link to a device",
    "link to a value",
    "link to nothing",
    "another key's",
    "larger than allowed",
    "sparse and huge",
    "pickle",
]


@pytest.mark.parametrize("how", OTHERS)
@pytest.mark.parametrize("lock", [False, True])
def test_what_is_no_value_is_neither_followed_nor_waited_for(
    tmp_path: Path, how: str, lock: bool
) -> None:
    store = ValueStore(tmp_path, limit=10_000)
    assert store.value("kind", "ab12", lambda: b"some value") == b"some value"
    path = tmp_path / "kind" / "ab" / "ab12"
    _in_place_of(path, how)
    if lock and how in ("pipe", "folder", "link to a device", "link to nothing"):
        path.with_suffix(".lock").touch()
        _in_place_of(path.with_suffix(".lock"), how)
    assert store.value("kind", "ab12", lambda: b"some value") == b"some value"
    if how != "folder":
        assert store.value("kind", "ab12", lambda: b"not made") == b"some value"
    assert not (path.parent / "nowhere").exists()


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    store = ValueStore(tmp_path, limit=10_000)
    for number in range(10):
        key = f"{number:02x}{number:02x}"
        store.value("kind", key, lambda: bytes(900))
        path = tmp_path / "kind" / key[:2] / key
        os.utime(path, (1000 + number, 1000 + number))
    store.value("kind", "0000", lambda: b"")  # used now, so it is the youngest
    for number in range(10, 14):
        store.value("kind", f"{number:02x}{number:02x}", lambda: bytes(900))
    left = {path.name for path in tmp_path.rglob("????") if path.is_file()}
    size = sum(path.stat().st_size for path in tmp_path.rglob("????") if path.is_file())
    assert size <= 10_000
    assert "0000" in left
    assert "0101" not in left
    assert "0d0d" in left


def test_a_full_disk_costs_the_value_and_not_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = ValueStore(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert store.value("kind", "ab12", lambda: b"made") == b"made"
    assert not [
        path for path in tmp_path.rglob("*") if path.suffix in ("", ".part") and path.is_file()
    ]
