"""The one door for rasters from outside: what it lets in, and that nothing goes around it."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from downpass.link.errors import InputError
from downpass.payload.imager.raster import open_picture
from downpass.payload.imager.scenes import Scene
from rasterio.enums import ColorInterp

ROOT = Path(__file__).resolve().parents[2]


def plain(path: Path, **profile: object) -> Path:
    """Write a small picture and return its path."""
    given = {"driver": "GTiff", "width": 40, "height": 30, "count": 1, "dtype": "uint8", **profile}
    samples = np.arange(1200, dtype=np.uint16).reshape(30, 40) % 251
    with rasterio.open(path, "w", **given) as dataset:
        for band in range(1, dataset.count + 1):
            dataset.write(samples.astype(given["dtype"]), band)
    return path


def _vrt(folder: Path) -> Path:
    path = folder / "passwords.vrt"
    path.write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1" '
        'subClass="VRTRawRasterBand"><SourceFilename>/etc/passwd</SourceFilename>'
        "</VRTRasterBand></VRTDataset>"
    )
    return path


def _wms(folder: Path) -> Path:
    path = folder / "server.tif"
    path.write_text('<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:9/</ServerUrl>')
    return path


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.tif")
    return folder / "pipe.tif"


def _pipe_beside(folder: Path) -> Path:
    os.mkfifo(folder / "one.tfw")
    return plain(folder / "one.tif")


def _mask_of_vrt(folder: Path) -> Path:
    path = plain(folder / "two.tif")
    (folder / "two.tif.msk").write_text(_vrt(folder).read_text())
    return path


def _overview_elsewhere(folder: Path) -> Path:
    path = plain(folder / "three.tif")
    (folder / "three.tif.aux.xml").write_text(
        '<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">'
        "/vsicurl/http://127.0.0.1:9/x.tif</MDI></Metadata></PAMDataset>"
    )
    return path


def _overview_in_the_file(folder: Path) -> Path:
    path = folder / "four.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=9, height=9, count=1, dtype="uint8"
    ) as dataset:
        dataset.write(np.ones((9, 9), np.uint8), 1)
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE="/vsicurl/http://127.0.0.1:9/x.tif")
    return path


def _sparse(width: int, height: int, count: int = 1, **profile: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "sparse.tif"
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=width,
            height=height,
            count=count,
            dtype="uint8",
            sparse_ok=True,
            **profile,
        ):
            pass
        return path

    return make


def _png_header(width: int, height: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        def chunk(kind: bytes, data: bytes) -> bytes:
            body = kind + data
            return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

        head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
        path = folder / "bomb.png"
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", head)
            + chunk(b"IDAT", zlib.compress(bytes(1000)))
            + chunk(b"IEND", b"")
        )
        return path

    return make


def _begins(start: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "other.tif").write_bytes(start + bytes(600))
        return folder / "other.tif"

    return make


REFUSED = {
    "vrt": (_vrt, "found a VRT; allowed are GeoTIFF, JPEG 2000, PNG, JPEG, WebP, BMP"),
    "wms": (_wms, "found a WMS description"),
    "hdf5": (_begins(b"\x89HDF\r\n\x1a\n"), "found HDF5 or netCDF-4"),
    "nitf": (_begins(b"NITF02.10"), "found NITF"),
    "zip": (_begins(b"PK\x03\x04"), "found a ZIP archive"),
    "riff that is no webp": (_begins(b"RIFF....WAVE"), "not a raster"),
    "pipe": (_pipe, "a named pipe; a regular file is needed"),
    "device": (lambda _: Path("/dev/zero"), "a device"),
    "pipe beside it": (_pipe_beside, r"a named pipe beside it, one\.tfw"),
    "mask that is a vrt": (_mask_of_vrt, r"its sidecar two\.tif\.msk is no TIFF"),
    "overviews elsewhere": (_overview_elsewhere, "names another file"),
    "overviews elsewhere, in the file": (_overview_in_the_file, "name another file"),
    "path into an archive": (lambda _: Path("/vsizip/x.zip/y.tif"), "are not opened"),
    "path into a network": (lambda _: Path("/vsicurl/http://127.0.0.1:9/x.tif"), "not opened"),
    "address": (lambda _: Path("https://127.0.0.1:9/x.tif"), "no such file"),
    "bucket": (lambda _: Path("s3://bucket/x.tif"), "no such file"),
    "subdataset": (lambda _: Path('NETCDF:"/etc/passwd":x'), "no such file"),
    "side": (_sparse(1 << 25, 1, blockysize=1), "allowed is a side of 16777216"),
    "samples": (_sparse(400_000, 400_000, tiled=True), "allowed are 68719476736 samples"),
    "expansion": (_sparse(60_000, 60_000, tiled=True), "bytes of samples for each of its bytes"),
    "bands": (_sparse(8, 8, 2000, interleave="band"), "declares 2000 bands; allowed are 1024"),
    "png bomb": (_png_header(60_000, 60_000), "bytes of samples for each"),
    "one block": (
        _sparse(20_000, 20_000, tiled=True, blockxsize=20_480, blockysize=20_480),
        "coded in blocks of 20480 x 20480",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_scene_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(InputError, match=words) as error:
        Scene(make(tmp_path))
    assert "\n" not in str(error.value)


def test_a_frame_larger_than_can_be_decoded_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = _sparse(20_000, 20_000, 2, tiled=True)(tmp_path)
    with Scene(path) as scene, pytest.raises(InputError, match="allowed are 536870912 samples"):
        scene.read()


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("a.tif", {}),
        ("a.jp2", {"driver": "JP2OpenJPEG"}),
        ("a.png", {"driver": "PNG"}),
        ("a.jpg", {"driver": "JPEG"}),
        ("a.webp", {"driver": "WEBP", "count": 3}),
        ("a.bmp", {"driver": "BMP"}),
        ("big.tif", {"bigtiff": "YES"}),
        ("GTIFF_DIR:1:a.tif", {}),
    ],
)
def test_formats_of_scenes_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, profile: dict[str, object]
) -> None:
    """By content and not by name, even by a name that means something else to GDAL."""
    made = plain(tmp_path / ("a" + Path(name).suffix), **profile)
    made.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with Scene(name) as scene:
        assert (scene.width, scene.height) == (40, 30)
        assert scene.read().pixels.shape[:2] == (30, 40)
    with open_picture((tmp_path / name).read_bytes(), "picture") as dataset:
        assert dataset.width == 40


def test_a_picture_in_memory_is_no_vrt(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"shard: cannot be read as a picture \(found a VRT"):
        open_picture(_vrt(tmp_path).read_bytes(), "shard").__enter__()


def test_sidecars_count(tmp_path: Path) -> None:
    """World file and .aux.xml of a PNG: GDAL's own reading is the oracle."""
    path = plain(tmp_path / "a.png", driver="PNG", crs="EPSG:32633")
    (tmp_path / "a.pgw").write_text("10\n0\n0\n-10\n500005\n3999995\n")
    assert (tmp_path / "a.png.aux.xml").exists()
    with rasterio.open(path) as dataset, Scene(path) as scene:
        assert scene.transform == tuple(dataset.transform)[:6] == (10, 0, 500000, 0, -10, 4000000)
        assert "32633" in scene.crs
        assert dataset.colorinterp == (ColorInterp.gray,)


GUARD = """
import sys
from pathlib import Path
from downpass.sim.cli import main
sys.exit(main(["codec", "encode", sys.argv[1], sys.argv[2], "--codec", "jpegls", "--quality", "9"]))
"""


@pytest.mark.parametrize(
    "make", [_wms, _overview_elsewhere, _overview_in_the_file, "/vsicurl/{}/x.tif", "{}/x.tif"]
)
def test_nothing_is_asked_of_a_server(tmp_path: Path, make: Callable[[Path], Path] | str) -> None:
    """A server that listens hears nothing, while the real command line is given its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        if isinstance(make, str):
            name = make.format(address)
        else:
            made = make(tmp_path)
            for path in tmp_path.iterdir():
                data = path.read_bytes()
                path.write_bytes(
                    data
                    if b"127.0.0.1:9" not in data or data[:2] == b"II"
                    else data.replace(b"http://127.0.0.1:9", address.encode())
                )
            name = str(made)
        run = subprocess.run(
            [sys.executable, "-c", GUARD, name, str(tmp_path / "out.dpb")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 2, run.stderr
        assert run.stderr.count("\n") == 1
        with pytest.raises(TimeoutError):
            server.accept()


OPENERS = {"open", "MemoryFile", "ZipMemoryFile", "FilePath", "WarpedVRT"}
ALLOWED = {
    "payload/imager/raster.py",  # the door
    "ground/archive.py",  # writes files, in memory
}


@pytest.mark.parametrize("folder", ["link", "payload", "ground", "sim"])
def test_no_other_module_opens_rasters(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        name = str(path.relative_to(ROOT))
        if name in ALLOWED:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rasterio"):
                taken = {alias.name for alias in node.names}
                assert not taken & OPENERS, f"{name} imports {taken & OPENERS}"
            if isinstance(node, ast.Import):
                assert all(not alias.name.startswith("rasterio") for alias in node.names), name
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("imagecodecs", "imread"), name
