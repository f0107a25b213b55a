"""Training pictures, decoded once into one flat array, with a held-out part chosen by hash.

A corpus fits in memory as a whole (or in that of the accelerator), so a training step never waits
for a decoder or a disk: crops are views into one uint8 array.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tarfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from ....link.errors import InputError
from ....link.files import whole_file
from ....payload.imager.raster import check_file, open_picture, reason

PICTURE_SUFFIXES = {".webp", ".png", ".tif", ".tiff"}
SMALLEST_SIDE = 128


@dataclass(frozen=True, slots=True)
class TrainingPicture:
    """One picture's place in the flat array, and its origin.

    Attributes:
        name: File name without suffix.
        group: Name of the kind of picture. Sampling and reports go by group.
        source: Name of what the picture was cut from. A source is never shared by the training and
            the held-out part.
        offset: Index of its first byte in the flat array.
        height: Number of rows.
        width: Number of columns.
    """

    name: str
    group: str
    source: str
    offset: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Corpus:
    """RGB pictures in one flat array.

    Attributes:
        flat: All pictures one after another, each as rows x columns x 3.
        pictures: Their places.
    """

    flat: NDArray[np.uint8]
    pictures: tuple[TrainingPicture, ...]

    def pixels(self, picture: TrainingPicture) -> NDArray[np.uint8]:
        """Return a picture as an array (rows, columns, 3)."""
        size = picture.height * picture.width * 3
        part = self.flat[picture.offset : picture.offset + size]
        return part.reshape(picture.height, picture.width, 3)

    def select(self, pictures: list[TrainingPicture]) -> Corpus:
        """Return a corpus of some of the pictures, over the same array."""
        return Corpus(self.flat, tuple(pictures))

    def without(self, groups: Collection[str]) -> Corpus:
        """Return a corpus without the pictures of some groups.

        Raises:
            InputError: There is no such group, or nothing is left.
        """
        known = sorted({picture.group for picture in self.pictures})
        for group in groups:
            if group not in known:
                raise InputError(f"--leave-out: no group {group!r}; there are {', '.join(known)}")
        left = [picture for picture in self.pictures if picture.group not in groups]
        if not left:
            raise InputError("--leave-out: no pictures are left to train on")
        return self.select(left)


def load_corpus(folder: Path, cache: Path | None = None) -> Corpus:
    """Read every picture below a folder: WebP, PNG, GeoTIFF, and tar shards of them.

    A file `SOURCES.tsv` (columns name, group, source) gives groups and sources. Without it, a
    picture's group is the folder that it lies in, and each picture is a source of its own. Pictures
    with a side below `SMALLEST_SIDE` are left out.

    Args:
        folder: Folder of the pictures.
        cache: Folder for the decoded array, so that the next start takes no time.

    Raises:
        InputError: No picture was found, or one cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder; --images takes a folder of pictures")
    key = _listing_key(folder)
    if cache is not None:
        stored = _read_cache(cache / key)
        if stored is not None:
            return stored
    table = _read_sources(folder)
    parts: list[NDArray[np.uint8]] = []
    pictures: list[TrainingPicture] = []
    offset = 0
    for name, where, data in _each_file(folder):
        pixels = _decode(data, f"{folder}/{where}/{name}")
        if min(pixels.shape[:2]) < SMALLEST_SIDE:
            continue
        stem = Path(name).stem
        group, source = table.get(stem, (where, f"{where}/{stem}"))
        height, width = pixels.shape[:2]
        pictures.append(TrainingPicture(stem, group, source, offset, height, width))
        parts.append(pixels.reshape(-1))
        offset += pixels.size
    if not pictures:
        raise InputError(
            f"{folder}: no WebP, PNG or GeoTIFF of at least {SMALLEST_SIDE} pixels a side, "
            "nor a tar shard of them"
        )
    corpus = Corpus(np.concatenate(parts), tuple(pictures))
    if cache is not None:
        _write_cache(cache / key, corpus)
    return corpus


def split(corpus: Corpus, share: float = 0.1) -> tuple[Corpus, Corpus]:
    """Split a corpus into a training and a held-out part, by place within each group.

    The choice depends on the names of the sources alone (SHA-256), so it stays the same when
    pictures are added to other groups. Nothing of a group with fewer than three places is held out.

    Args:
        corpus: All pictures.
        share: Share of each group's places that is held out; at least one place is.

    Returns:
        The training part and the held-out part.
    """
    places: dict[str, dict[str, list[TrainingPicture]]] = defaultdict(lambda: defaultdict(list))
    by_group: dict[str, list[TrainingPicture]] = defaultdict(list)
    for picture in corpus.pictures:
        by_group[picture.group].append(picture)
    for group, members in by_group.items():
        # "town_2018_54" and "town_2020_54" show the same streets, so the place is "town", unless
        # that leaves the group with too few places to choose from.
        coarse = {p.source: re.sub(r"([_-]?\d+)+$", "", p.source) for p in members}
        use_coarse = len(set(coarse.values())) >= 4
        for p in members:
            places[group][coarse[p.source] if use_coarse else p.source].append(p)
    training: list[TrainingPicture] = []
    held_out: list[TrainingPicture] = []
    for members_by_place in places.values():
        order = sorted(members_by_place, key=lambda s: hashlib.sha256(s.encode()).digest())
        count = max(1, round(share * len(order))) if len(order) >= 3 else 0
        for rank, place in enumerate(order):
            (held_out if rank < count else training).extend(members_by_place[place])
    return corpus.select(training), corpus.select(held_out)


def sampling_weights(corpus: Corpus, power: float = 0.6) -> NDArray[np.float64]:
    """Return the probability of each picture: of groups by pixels^power, in a group by pixels.

    A power below 1 keeps large groups from displacing the small ones.
    """
    area = np.array([p.height * p.width for p in corpus.pictures], np.float64)
    groups = np.array([p.group for p in corpus.pictures])
    weights = np.zeros_like(area)
    for group in np.unique(groups):
        in_group = groups == group
        total = area[in_group].sum()
        weights[in_group] = area[in_group] / total * total**power
    return np.asarray(weights / weights.sum())


def _read_sources(folder: Path) -> dict[str, tuple[str, str]]:
    path = folder / "SOURCES.tsv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {
            row["name"]: (row.get("group") or row.get("sensor") or "pictures", row["source"])
            for row in rows
        }


def _each_file(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield (file name, name of folder or shard, bytes) in a fixed order."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".tar" or path.suffix.lower() in PICTURE_SUFFIXES:
            check_file(path)  # a named pipe would be waited for without end
        if path.suffix == ".tar":
            with tarfile.open(path) as shard:
                for member in sorted(shard.getmembers(), key=lambda m: m.name):
                    file = shard.extractfile(member)
                    if file is not None and Path(member.name).suffix in PICTURE_SUFFIXES:
                        yield Path(member.name).name, path.stem, file.read()
        elif path.suffix.lower() in PICTURE_SUFFIXES:
            yield path.name, path.parent.name, path.read_bytes()


def _decode(data: bytes, where: str) -> NDArray[np.uint8]:
    """Decode to RGB of 8 bits: a single band is repeated, more than 8 bits are stretched."""
    with open_picture(data, where) as scene:
        if any(colour.name == "palette" for colour in scene.colorinterp):
            raise InputError(f"{where}: indices of a palette; allowed are pictures in colours")
        try:
            bands = list(range(1, min(scene.count, 3) + 1))
            planes, masks = scene.read(bands), scene.read_masks(bands)
        except RasterioError as error:
            raise InputError(f"{where}: cannot be read as a picture ({reason(error)})") from None
    if planes.dtype.kind not in "ui":
        raise InputError(f"{where}: samples of type {planes.dtype}; allowed are integers")
    if planes.dtype != np.uint8:
        valid = planes[masks > 0]
        low, high = np.percentile(valid, (0.1, 99.9)) if valid.size else (0.0, 0.0)
        scale = 255.0 / max(float(high - low), 1.0)
        planes = np.clip((planes.astype(np.float64) - low) * scale, 0, 255).astype(np.uint8)
    pixels = np.moveaxis(planes, 0, -1)
    if pixels.shape[2] < 3:
        pixels = np.repeat(pixels[..., :1], 3, axis=2)
    return np.ascontiguousarray(pixels)


def _listing_key(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
    return f"corpus-{digest.hexdigest()[:16]}"


def _read_cache(path: Path) -> Corpus | None:
    table, flat = path.with_suffix(".json"), path.with_suffix(".npy")
    if not (table.exists() and flat.exists()):
        return None
    pictures = tuple(TrainingPicture(**row) for row in json.loads(table.read_text()))
    return Corpus(np.load(flat, mmap_mode="r"), pictures)


def _write_cache(path: Path, corpus: Corpus) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path.with_suffix(".npy")) as file:
        np.save(file, corpus.flat)
    with whole_file(path.with_suffix(".json")) as file:
        file.write(json.dumps([asdict(p) for p in corpus.pictures]).encode())
