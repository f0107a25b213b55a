import imagecodecs
import numpy as np
import pytest
from downpass.ground.training.data.corpus import (
    Corpus,
    TrainingPicture,
    load_corpus,
    sampling_weights,
    split,
)
from downpass.link.errors import InputError


def test_reads_shards_pictures_and_sources(folder, scenery, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    corpus = load_corpus(folder, cache)
    assert len(corpus.pictures) == 7
    tile = next(p for p in corpus.pictures if p.name == "tile3")
    assert (tile.group, tile.source) == ("towns", "town_1x")
    np.testing.assert_array_equal(corpus.pixels(tile), scenery(3))
    grey = next(p for p in corpus.pictures if p.name == "grey")
    bands = corpus.pixels(grey)
    assert np.array_equal(bands[..., 0], bands[..., 1])
    again = load_corpus(folder, cache)
    assert again.pictures == corpus.pictures
    np.testing.assert_array_equal(again.flat, corpus.flat)


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="no WebP, PNG or GeoTIFF"):
        load_corpus(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        load_corpus(tmp_path / "missing")


def test_a_broken_picture_is_named(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnope")
    with pytest.raises(InputError, match=r"bad\.png"):
        load_corpus(tmp_path)


def test_wide_samples_are_stretched(tmp_path):
    ramp = np.linspace(0, 4095, 128 * 128).reshape(128, 128, 1).repeat(3, 2)
    (tmp_path / "wide.png").write_bytes(imagecodecs.png_encode(ramp.astype(np.uint16)))
    pixels = load_corpus(tmp_path).flat
    assert pixels.dtype == np.uint8
    assert pixels.min() == 0
    assert pixels.max() == 255


def picture(name: str, group: str, source: str, side: int = 10) -> TrainingPicture:
    return TrainingPicture(name, group, source, 0, side, side)


def test_split_shares_no_source_and_stays():
    pictures = [picture(f"{s}-{i}", "g", f"source-{s}x") for s in range(20) for i in range(3)]
    corpus = Corpus(np.zeros(0, np.uint8), tuple(pictures))
    training, held_out = split(corpus)
    sources = [{p.source for p in part.pictures} for part in (training, held_out)]
    assert not sources[0] & sources[1]
    assert len(sources[1]) == 2
    more = Corpus(corpus.flat, (*pictures, *(picture(f"o{i}", "o", f"o{i}x") for i in range(9))))
    kept = {p.name for p in split(more)[1].pictures if p.group == "g"}
    assert kept == {p.name for p in held_out.pictures}


def test_places_seen_in_several_years_stay_together():
    names = [f"{town}_{year}_{n}" for town in "abcdef" for year in (2016, 2018) for n in range(3)]
    corpus = Corpus(np.zeros(0, np.uint8), tuple(picture(n, "g", n) for n in names))
    _, held_out = split(corpus)
    towns = {p.name[0] for p in held_out.pictures}
    assert len(towns) == 1
    assert len(held_out.pictures) == 6


def test_large_groups_do_not_swamp_small_ones():
    pictures = [picture(f"a{i}", "a", f"a{i}") for i in range(100)] + [picture("b", "b", "b")]
    weights = sampling_weights(Corpus(np.zeros(0, np.uint8), tuple(pictures)))
    assert weights.sum() == pytest.approx(1)
    # 100^0.6 = 15.85 against 1, not 100 against 1.
    assert weights[100] == pytest.approx(1 / (1 + 100**0.6))


def test_groups_are_left_out_by_name(corpus):
    left = corpus.without(["towns"])
    assert {picture.group for picture in left.pictures} == {"fields"}
    assert np.array_equal(left.pixels(left.pictures[0]), corpus.pixels(corpus.pictures[5]))
    assert corpus.without([]).pictures == corpus.pictures
    with pytest.raises(InputError, match="no group 'woods'; there are fields, towns"):
        corpus.without(["woods"])
    with pytest.raises(InputError, match="no pictures are left"):
        corpus.without(["towns", "fields"])
