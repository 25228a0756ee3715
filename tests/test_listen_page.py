"""`vqss listen-page`: everything the page names lies beside it, the players sum to the mix, and nothing is fetched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile

from bridge.bench_signal import bench_signal
from bridge.cli import main
from tests.small_disks import small_disk

VOID = {"meta", "img", "input", "link", "br"}


class Page(HTMLParser):
    """Collects tags, and complains about any that is not closed in turn."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(path.read_text("utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two songs, one with a name that HTML, URLs and a template must not take for their own."""
    folder = tmp_path_factory.mktemp("page")
    songs = []
    for name, channels in (('<b>"50%" & @SCRIPT@ #1 歌', 2), ("plain", 1)):
        songs.append(folder / f"{name}.wav")
        soundfile.write(songs[-1], bench_signal(1.2, 22_050).T[:, :channels], 22_050, subtype="PCM_16")
    assert main(["listen-page", *map(str, songs), "-o", str(folder / "out"), "--clusters", "all", "--jobs", "2"]) == 0
    return folder / "out"


def test_all_that_the_page_names_lies_beside_it(out: Path) -> None:
    page = Page(out / "index.html")
    named = [unquote(str(tag["src"])) for kind in ("audio", "img") for tag in page.all(kind)]
    assert len(named) == len(set(named)) == 2 * (17 + 17 + 1)
    for name in named:
        assert (out / name).stat().st_size > 0
    assert not [tag for tag in page.all("script") + page.all("link") if "src" in tag or "href" in tag]
    assert "http" not in (out / "index.html").read_text("utf-8")


def test_every_control_has_a_name(out: Path) -> None:
    page = Page(out / "index.html")
    for tag in page.all("input") + [b for b in page.all("button") if b.get("class") != "all"]:
        assert tag["aria-label"]
    assert all(tag["alt"] for tag in page.all("img"))
    assert page.all("html")[0]["lang"] == "en"


def test_a_songs_name_is_text_wherever_it_is_shown(out: Path) -> None:
    titles = [tag["data-title"] for tag in Page(out / "index.html").all("section")]
    assert titles == ['<b>"50%" & @SCRIPT@ #1 歌', "plain"]


def test_the_players_sum_to_the_mix(out: Path) -> None:
    for section in Page(out / "index.html").all("section"):
        folder = out / str(section["data-title"])
        stems = [soundfile.read(path)[0] for path in sorted(folder.glob("cluster_*.flac"))]
        mix = soundfile.read(folder / "mixdown.flac")[0]
        assert len(stems) == 16
        assert np.abs(np.sum(stems, axis=0) - mix).max() <= 17 / 2**15  # each file rounds to 16 bits by itself


def test_a_page_is_replaced_only_on_demand(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "new.wav", bench_signal(0.3, 22_050).T, 22_050)
    bad = tmp_path / "bad.wav"
    bad.write_text("not audio")
    arguments = ["listen-page", str(bad), str(tmp_path / "new.wav"), "-o", str(tmp_path / "out"), "--json"]
    assert main(arguments) == 1  # the page is there, but one song is not on it
    report = json.loads(capsys.readouterr().out)
    assert Path(report["page"]).is_file()
    assert [song["song"] for song in report["songs"]] == ["new.wav"]
    assert [failure["song"] for failure in report["failed"]] == [str(bad)]
    assert main(["listen-page", str(tmp_path / "new.wav"), "-o", str(tmp_path / "out")]) == 1
    assert "--overwrite" in capsys.readouterr().err


def test_only_what_an_earlier_page_has_drawn_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song, folder = tmp_path / "song.wav", tmp_path / "out" / "song"
    soundfile.write(song, bench_signal(0.3, 22_050).T, 22_050)
    command = ["listen-page", str(song), "-o", str(folder.parent), "--clusters"]
    assert main([*command, "2,5"]) == 0
    own = [folder / "mel_mine.png", folder / "mel_07.png", folder.parent / "manifest.json"]
    for path in own:
        path.write_text('{"files": ["index.html"]}')
    assert main([*command, "2", "--overwrite"]) == 0
    assert all(path.exists() for path in own) and (folder.parent / "index.html").is_file()
    strips = {path.name for path in folder.glob("mel_*.png")} - {path.name for path in own}
    assert strips == {"mel_mix.png", "mel_02.png"}
    assert strips < set(json.loads((folder / "manifest.json").read_text("utf-8"))["files"])


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_page_and_stems_do_not_replace_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    songs = [str(tmp_path / name) for name in ("a.wav", "b.wav")]
    for song in songs:
        soundfile.write(song, bench_signal(0.3, 22_050).T, 22_050)
    for first, second in (("separate", "listen-page"), ("listen-page", "separate")):
        out = tmp_path / first
        assert main([first, songs[0], "-o", str(out), "--clusters", "2"]) == 0
        before = contents(out)
        for overwrite in ([], ["--overwrite"]):
            capsys.readouterr()
            assert main([second, songs[0], "-o", str(out), "--clusters", "2", *overwrite]) == 1
            assert contents(out) == before
        assert "which --overwrite keeps" in capsys.readouterr().err
    assert main(["listen-page", *songs, "-o", str(tmp_path / "separate"), "--clusters", "2"]) == 1
    assert not (tmp_path / "separate" / "b").exists()
    assert main(["separate", songs[1], "-o", str(tmp_path / "listen-page"), "--clusters", "2"]) == 0  # beside the page


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    with small_disk(tmp_path / "disk", "16m") as place:
        yield place


@pytest.mark.parametrize("part", [0.5, 0.9, None], ids=["stems", "strips", "page"])
def test_a_full_disk_leaves_neither_folders_nor_page(
    part: float | None, disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The disk has room for the stems, up to the strips or up to the page, and not for what comes then."""
    song = tmp_path / "song.wav"
    soundfile.write(song, bench_signal(0.5, 22_050).T, 22_050)
    command = ["listen-page", str(song), "-o", str(disk / "out"), "--clusters", "all"]
    free = shutil.disk_usage(disk).free
    assert main(command) == 0
    taken, page = free - shutil.disk_usage(disk).free, (disk / "out" / "index.html").stat().st_size
    shutil.rmtree(disk / "out")
    (disk / "ballast").write_bytes(bytes(free - (taken - page // 2 if part is None else round(part * taken))))
    capsys.readouterr()
    assert main(command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"vqss: the disk that holds '{disk / 'out'}' is full; ")
    assert [path.name for path in disk.iterdir()] == ["ballast"]


def test_where_no_page_can_be_nothing_is_separated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = tmp_path / "song.wav"
    soundfile.write(song, bench_signal(0.3, 22_050).T, 22_050)
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    assert main(["listen-page", str(song), "-o", str(tmp_path / "out"), "--overwrite"]) == 1
    assert "index.html' is a folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["index.html"]
