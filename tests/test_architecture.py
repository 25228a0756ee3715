"""Who may import whom, what stays light to import, and how large files and functions may grow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("vqss_engine", "training", "bridge", "gui")
FOLDERS = (*PACKAGES, "tests", "benchmarks", "examples", "setup")
MAY_IMPORT = {
    "vqss_engine": set(),
    "training": {"vqss_engine"},
    "bridge": {"vqss_engine"},
    "gui": {"vqss_engine"},
}
COMPOSITION_ROOT = ("bridge.cli", "bridge.commands")    # may import any package, inside a function
GUI_SEES = {"vqss_engine.control", "vqss_engine.errors"}
TORCH_ROOM = {"vqss_engine.generator", "vqss_engine.scan", "vqss_engine.device_scan"}   # the network as it is trained
TORCH_DOOR = "vqss_engine.torch_masks"      # loads it where a user asks for a device, inside functions only
FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "misc", "common"}
THREADS = {"Thread", "Timer", "ThreadPoolExecutor", "ThreadingHTTPServer", "ThreadingUDPServer", "QThread"}
POOLS = {"ProcessPoolExecutor", "Pool"}
LONGEST_FILE, LONGEST_FUNCTION = 300, 60


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def absolute_base(node: ast.ImportFrom, path: Path) -> str:
    """The module an import statement starts from, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).parent.parts
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


def imported(path: Path, tree: ast.AST) -> Iterator[str]:
    """Dotted names of all modules that code imports, at any depth of the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute_base(node, path)
            below = [f"{base}.{name.name}" for name in node.names]
            yield from (name if is_module(name) and name.split(".")[0] in PACKAGES else base for name in below)


def top_level(path: Path) -> ast.Module:
    """The file without the bodies of its functions: what runs when it is imported."""

    class Outside(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]  # noqa: N815, RUF100

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)

    return Outside().visit(parse(path))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def all_imports(path: Path) -> set[str]:
    return set(imported(path, parse(path)))


def is_composition_root(module: str) -> bool:
    return any(module == root or module.startswith(f"{root}.") for root in COMPOSITION_ROOT)


def test_the_scan_of_imports_sees_what_it_must() -> None:
    names = all_imports(ROOT / "bridge" / "doctor.py")
    assert {"vqss_engine.bundle", "vqss_engine.errors", "subprocess"} <= names
    outside = set(imported(ROOT / "bridge" / "doctor.py", top_level(ROOT / "bridge" / "doctor.py")))
    assert "vqss_engine.bundle" not in outside and "subprocess" in outside


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_those_below_them(package: str) -> None:
    offences = []
    for path in sources(package):
        module = module_name(path)
        tree = top_level(path) if is_composition_root(module) else parse(path)
        for name in imported(path, tree):
            other = name.split(".")[0]
            if other in FOLDERS and other != package and other not in MAY_IMPORT[package]:
                offences.append(f"{module} imports {name}")
    assert not offences


def test_the_gui_knows_the_engine_only_by_its_controls() -> None:
    seen = {name for path in sources("gui") for name in all_imports(path) if name.split(".")[0] == "vqss_engine"}
    assert seen <= GUI_SEES


def test_separating_never_imports_torch() -> None:
    offences = []
    for path in sources("vqss_engine", "bridge"):
        module = module_name(path)
        tree = top_level(path) if module == TORCH_DOOR else parse(path)
        heavy = {name for name in imported(path, tree) if name.split(".")[0] == "torch" or name in TORCH_ROOM}
        if heavy and module not in TORCH_ROOM:
            offences.append(f"{module} imports {sorted(heavy)}")
    assert not offences


def loaded_after(code: str, *packages: str) -> list[str]:
    """Which of these packages a fresh interpreter has loaded after it ran the code."""
    report = f"import sys\nprint('loaded:', [name for name in {packages!r} if name in sys.modules])"
    child = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, cwd=ROOT, timeout=100
    )
    assert child.returncode == 0, child.stderr
    return ast.literal_eval(child.stdout.rsplit("loaded:", 1)[1].strip())


def test_controls_load_no_engine() -> None:
    code = "import vqss_engine.control, vqss_engine.errors"
    assert loaded_after(code, "torch", "numba", "scipy", "PyQt6") == []


def test_separating_loads_no_torch() -> None:
    assert loaded_after("import vqss_engine.engine, bridge.files", "torch", "PyQt6", "sounddevice") == []


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom bridge.cli import main\nsys.argv = ['vqss', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    heavy = ("torch", "numba", "PyQt6", "sounddevice", "pedalboard", "scipy", "matplotlib", "vqss_engine.engine")
    assert loaded_after(code, *heavy) == []


def test_files_and_functions_stay_short() -> None:
    offences = []
    for path in sources(*FOLDERS):
        lines = len(path.read_text("utf-8").splitlines())
        if lines > LONGEST_FILE:
            offences.append(f"{module_name(path)}: {lines} lines")
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    offences.append(f"{module_name(path)}.{node.name}: {length} lines")
    assert not offences


def starts(path: Path, kinds: set[str]) -> bool:
    """Whether code in a file calls, or is a kind of, one of these classes."""
    nodes = list(ast.walk(parse(path)))
    named = [node.func for node in nodes if isinstance(node, ast.Call)]
    named += [base for node in nodes if isinstance(node, ast.ClassDef) for base in node.bases]
    return any(ast.unparse(name).split(".")[-1] in kinds for name in named)


@pytest.mark.parametrize(("kinds", "heading"), [(THREADS, "Threads?[:,] "), (POOLS, "Processes: ")])
def test_a_file_that_starts_threads_or_processes_opens_by_naming_them(kinds: set[str], heading: str) -> None:
    offences = []
    for path in sources(*PACKAGES):
        opening = ast.get_docstring(parse(path)) or ""
        if starts(path, kinds) and not re.search(f"^{heading}", opening, re.MULTILINE):
            offences.append(module_name(path))
    assert not offences


def test_files_are_named_for_what_they_hold() -> None:
    assert not [module_name(path) for path in sources(*PACKAGES) if path.stem in FORBIDDEN_NAMES]
