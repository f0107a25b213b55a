import io
import tarfile
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from downpass.ground.training.data.augment import CropSampler
from downpass.ground.training.data.corpus import Corpus, TrainingPicture
from downpass.ground.training.networks.codec import Codec
from downpass.ground.training.networks.initialise import start_from_components
from downpass.ground.training.networks.shape import CodecShape

TINY = CodecShape(
    latents=40,
    analysis=(4, 4, 8),
    hyper=8,
    side=3,
    predicted=8,
    synthesis=(8, 8),
    depth=(1, 1, 1),
)


def make_scenery(seed: int, height: int = 160, width: int = 160) -> np.ndarray:
    """Return a synthetic picture with smooth colour, edges and texture."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width] / 32.0
    base = 90 + 40 * np.sin(rows * rng.uniform(0.5, 2) + columns * rng.uniform(0.5, 2))
    edges = 50 * (np.sin(columns * 3 + seed) > 0.3)
    out = np.stack([base + edges * rng.uniform(0.3, 1) for _ in range(3)], axis=-1)
    out += rng.normal(0, 4, (height, width, 1))
    return np.clip(out, 0, 255).astype(np.uint8)


@pytest.fixture
def scenery():
    """The function that makes synthetic pictures."""
    return make_scenery


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    pictures, parts, offset = [], [], 0
    for number in range(8):
        pixels = make_scenery(number)
        group = "towns" if number < 5 else "fields"
        name = f"p{number}"
        pictures.append(TrainingPicture(name, group, f"{group}-{name}", offset, 160, 160))
        parts.append(pixels.reshape(-1))
        offset += pixels.size
    return Corpus(np.concatenate(parts), tuple(pictures))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a tar shard of WebP tiles, a SOURCES.tsv and a PNG."""
    rows = ["shard\tname\tsize\tgroup\tsource"]
    with tarfile.open(tmp_path / "train-000.tar", "w") as shard:
        for number in range(6):
            data = imagecodecs.webp_encode(make_scenery(number), lossless=True)
            info = tarfile.TarInfo(f"tile{number}.webp")
            info.size = len(data)
            shard.addfile(info, io.BytesIO(data))
            rows.append(f"train-000.tar\ttile{number}\t160\ttowns\ttown_{number // 2}x")
    (tmp_path / "SOURCES.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "grey.png").write_bytes(imagecodecs.png_encode(make_scenery(9)[..., 0].copy()))
    return tmp_path


@pytest.fixture
def sampler(corpus: Corpus) -> CropSampler:
    return CropSampler(corpus, crop=64, batch=4, seed=3, device=torch.device("cpu"))


@pytest.fixture
def tiny(sampler: CropSampler) -> Codec:
    """A small codec in which every branch and the context affect the result."""
    torch.manual_seed(5)
    codec = Codec(TINY)
    start_from_components(codec, sampler, batches=6)
    with torch.no_grad():
        codec.analysis.leave.weight.normal_(0, 0.2)
        codec.synthesis.leave.weight.normal_(0, 0.05)
        codec.hyper.synthesis_out.weight.normal_(0, 0.2)
        codec.context.table.normal_(0, 0.5)
        codec.neighbours.weight.add_(torch.randn_like(codec.neighbours.weight) * 0.02)
        for block in (codec.synthesis.before[0], codec.synthesis.below[0]):
            block.bias.values.normal_(0, 0.3)
        for part in (codec.analysis.prefilter, codec.synthesis.postfilter):
            part.weight.add_(torch.randn_like(part.weight) * 0.1)
    return codec.eval()
