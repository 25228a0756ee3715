"""What is installed: the listed packages whole, the default model, the command, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["setuptools"]["packages"]
TOP_LEVEL = ("vqss_engine", "training", "bridge", "gui")
FOLDERS = (*TOP_LEVEL, "benchmarks", "docs", "examples", "setup", "tests")
FILES = ("CHANGELOG.md", "LICENSE", "MANIFEST.in", "Makefile", "README.md", "pyproject.toml")


def build(kind: str, source: Path, out: Path) -> Path:
    """Call setuptools' own build hook in the source folder; no network, no other environment."""
    code = f"import setuptools.build_meta as b; b.build_{kind}({str(out)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True, text=True, timeout=100)
    (built,) = out.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive of a clean copy of the project, unpacked."""
    folder = tmp_path_factory.mktemp("build")
    clean = folder / "clean"
    clean.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, clean)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, clean / name, ignore=shutil.ignore_patterns("__pycache__"))
    with tarfile.open(build("sdist", clean, folder)) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)   # Debian 12's Python has none
        archive.extractall(folder / "unpacked")
    (source,) = (folder / "unpacked").iterdir()
    return source


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """File names in the wheel that is built from that source archive."""
    with zipfile.ZipFile(build("wheel", unpacked, tmp_path_factory.mktemp("wheel"))) as built:
        return built.namelist()


def files(pattern: str, *folders: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for folder in folders for path in (ROOT / folder).rglob(pattern)}


def test_the_source_archive_holds_all_that_is_tracked(unpacked: Path) -> None:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git repository")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = [name for name in listed.stdout.splitlines() if not name.startswith((".ci/", ".gitignore"))]
    assert [name for name in tracked if (ROOT / name).exists() and not (unpacked / name).is_file()] == []


def test_every_folder_with_code_is_listed() -> None:
    holding = {Path(name).parent.as_posix().replace("/", ".") for name in files("*.py", *TOP_LEVEL)}
    assert holding == set(PACKAGES)


def test_the_wheel_holds_all_our_code_and_only_that(wheel: list[str]) -> None:
    installed = {name for name in wheel if ".dist-info/" not in name}
    assert {name for name in installed if name.endswith(".py")} == files("*.py", *TOP_LEVEL)
    assert {name.split("/")[0] for name in installed} == set(TOP_LEVEL)


def test_the_default_model_is_in_the_wheel(wheel: list[str]) -> None:
    model = files("*.json", "vqss_engine/models") | files("*.safetensors", "vqss_engine/models")
    assert any(name.endswith(".safetensors") for name in model)
    assert {name for name in wheel if name.startswith("vqss_engine/models/")} >= model


def test_the_trainings_are_in_the_wheel(wheel: list[str]) -> None:
    assert files("*.toml", "training") <= set(wheel)


def test_the_wheel_carries_licence_and_command(wheel: list[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in wheel)
    assert any(name.endswith("entry_points.txt") for name in wheel)
    assert PROJECT["project"]["scripts"] == {"vqss": "bridge.cli:main"}
