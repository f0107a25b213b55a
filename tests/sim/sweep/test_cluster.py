"""A real Dask cluster on loopback: a scheduler and workers in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from downpass.link.errors import InputError
from downpass.sim.sweep.workers import cluster
from small_scenarios import downpass, scenario, write

dask = pytest.importorskip("distributed", reason="needs pip install 'downpass[cluster]'")

BPP = "satellites.0.codec.bpp"


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    with dask.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as running:
        yield running


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(
    local: Any, tmp_path: Path
) -> None:
    file = write(tmp_path, scenario(None, duration="20 d"))
    arguments = ("sweep", file, "--over", f"{BPP}=1..4:8", "--seeds", "2", "--quiet")
    log = tmp_path / "out" / "cells.log"
    victims: list[int] = []

    def kill() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if log.exists() and log.read_bytes().count(b'"cell"') >= 2:
                victims.append(next(iter(local.workers.values())).pid)
                os.kill(victims[0], signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    said = downpass(*arguments, "--scheduler", local.scheduler_address, "--out", tmp_path / "out")
    killer.join()
    assert (said.status, said.err) == (0, "")
    assert victims, "nobody was killed"
    assert log.read_bytes().count(b'"cell"') == 16
    downpass(*arguments, "--workers", "1", "--out", tmp_path / "alone")
    for name in ("sweep.parquet", "points.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_no_scheduler_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("downpass.sim.sweep.workers.CONNECT_S", 1)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    with (
        pytest.raises(InputError, match="no scheduler answers") as caught,
        cluster(f"tcp://127.0.0.1:{port}"),
    ):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["", "tcp://", "http://a:1", "tcp://a b:1", "tcp://a:1/x\x1b"])
def test_only_addresses_of_schedulers(address: str) -> None:
    with pytest.raises(InputError, match=r"allowed: tcp://HOST:PORT"), cluster(address):
        pass
