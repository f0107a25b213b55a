"""The output folder: all of a run or nothing of it, and nobody else's files."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from downpass.link.errors import InputError
from downpass.sim.results.outputs import SUMMARY, staged


def content(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.iterdir() if p.is_file()}


def write(out: Path, text: str) -> None:
    with staged(out) as folder:
        (folder / SUMMARY).write_text(text)


def test_nothing_has_the_final_name_before_all_is_there(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er" / "run"
    with staged(out) as folder:
        (folder / SUMMARY).write_text("{}")
        assert not out.exists()
        assert folder.parent == out.parent  # the same file system, so that a rename will do
    assert content(out) == {SUMMARY: "{}"}
    assert [p.name for p in out.parent.iterdir()] == ["run"]


def test_the_folder_has_the_rights_that_any_new_folder_has(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write(tmp_path / "run", "{}")
    finally:
        os.umask(old)
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o750


def test_a_new_run_replaces_all_of_the_old_one(tmp_path: Path) -> None:
    out = tmp_path / "run"
    write(out, "1")
    (out / "delivered").mkdir()
    (out / "delivered" / "000007-sat-old.tif").write_text("old")
    write(out, "2")
    assert content(out) == {SUMMARY: "2"}
    assert not (out / "delivered").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("fault", [RuntimeError("fault"), KeyboardInterrupt(), InputError("bad")])
def test_a_run_that_fails_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, fault: BaseException
) -> None:
    out = tmp_path / "run"
    write(out, "1")
    with pytest.raises(type(fault)), staged(out) as folder:
        (folder / SUMMARY).write_text("2")
        raise fault
    assert content(out) == {SUMMARY: "1"}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write(tmp_path / "run", "1")
    assert content(tmp_path / "run") == {SUMMARY: "1"}


def test_a_folder_of_somebody_else_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"holds thesis\.txt, which no run has written"):
        write(tmp_path / "run", "1")
    assert content(tmp_path / "run") == {"thesis.txt": "years of work"}


@pytest.mark.parametrize(
    "kept",
    [
        "notes.md",
        "delivered/mask.shp",
        "delivered/mine.tif",
        "jpegxl-1bpp/notes.md",
        "notebooks/summary/a.ipynb",
    ],
)
def test_results_among_which_somebody_has_put_something_are_not_replaced(
    tmp_path: Path, kept: str
) -> None:
    out = tmp_path / "run"
    with staged(out) as folder:
        (folder / "delivered").mkdir()
        (folder / "jpegxl-1bpp").mkdir()
        for name in (
            SUMMARY,
            "events.parquet",
            "delivered/000001-a-b.tif",
            "jpegxl-1bpp/summary.json",
        ):
            (folder / name).write_text("")
    write(out, "again")  # so far it is ours
    (out / kept).parent.mkdir(parents=True, exist_ok=True)
    if kept.startswith("jpegxl"):
        (out / "jpegxl-1bpp" / SUMMARY).write_text("")
    (out / kept).write_text("mine")
    with pytest.raises(InputError, match="which no run has written"):
        write(out, "1")
    assert (out / kept).read_text() == "mine"


def test_the_folder_that_one_stands_in_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for here in (Path(), Path(), tmp_path, tmp_path.parent):
        with pytest.raises(InputError, match=r"choose another --out"):
            write(here, "1")
    assert list(tmp_path.iterdir()) == []


def test_a_file_or_a_loop_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    for name in ("file", "file/run", "loop", "loop/run", "nowhere"):
        with pytest.raises(InputError, match="choose another --out") as caught:
            write(tmp_path / name, "1")
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="choose another --out"):
        write(Path("/proc/nothing/run"), "1")


@pytest.mark.parametrize("name", ["report.html", "frames.parquet", "tradeoff.csv", "delivered"])
def test_a_folder_with_names_like_ours_but_no_summary_is_somebody_elses(
    tmp_path: Path, name: str
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    if name == "delivered":
        (out / name).mkdir()
    else:
        (out / name).write_text("mine")
    with pytest.raises(InputError, match=r"holds no summary\.json"):
        write(out, "1")
    assert [p.name for p in out.iterdir()] == [name]


def test_a_link_to_a_folder_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here").mkdir()
    real, link = tmp_path / "elsewhere" / "real", tmp_path / "here" / "link"
    real.mkdir()
    link.symlink_to(real)
    for text in ("1", "2"):  # an empty folder, then results
        write(link, text)
        assert link.is_symlink()
        assert content(real) == {SUMMARY: text}
    assert [p.name for p in link.parent.iterdir()] == ["link"]
    assert [p.name for p in real.parent.iterdir()] == ["real"]
    (real / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"holds thesis\.txt"):
        write(link, "3")
    assert content(real) == {SUMMARY: "2", "thesis.txt": "years of work"}


def test_links_within_results_are_removed_and_not_followed(tmp_path: Path) -> None:
    out, kept = tmp_path / "run", tmp_path / "kept.json"
    write(out, "1")
    kept.write_text("mine")
    (out / SUMMARY).unlink()
    (out / SUMMARY).symlink_to(kept)
    write(out, "2")
    assert kept.read_text() == "mine"
    assert content(out) == {SUMMARY: "2"}
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "000001-a-b.tif").write_text("mine")
    (out / "delivered").symlink_to(tmp_path / "pictures")
    with pytest.raises(InputError, match="holds delivered"):
        write(out, "3")


@pytest.mark.parametrize("place", ["/", "/proc", "/dev", "/dev/null", "..", "."])
def test_places_that_are_no_runs_folder(place: str) -> None:
    with pytest.raises(InputError, match=r"choose (another|a folder in it as) --out") as caught:
        write(Path(place), "1")
    assert "\n" not in str(caught.value)


def test_what_appears_in_the_folder_during_a_run_is_not_destroyed(tmp_path: Path) -> None:
    out = tmp_path / "run"
    write(out, "1")
    with pytest.raises(InputError, match=r"holds notes\.md"), staged(out) as folder:
        (folder / SUMMARY).write_text("2")
        (out / "notes.md").write_text("mine")
    assert content(out) == {SUMMARY: "1", "notes.md": "mine"}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    said = pytest.raises(InputError, match="No space left on device")
    with said as caught, staged(tmp_path / "run"):
        raise full
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_lacks_elsewhere_is_no_fault_of_the_output(tmp_path: Path) -> None:
    absent = FileNotFoundError(errno.ENOENT, "gone", str(tmp_path / "scene.tif"))
    with pytest.raises(FileNotFoundError), staged(tmp_path / "run"):
        raise absent


def test_what_was_there_comes_back_when_the_new_one_cannot_be_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    write(out, "1")
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(InputError, match="Input/output error"):
        write(out, "2")
    assert content(out) == {SUMMARY: "1"}
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
