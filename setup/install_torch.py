"""Install PyTorch without CUDA: python setup/install_torch.py, run by the environment's own interpreter.

On Linux the package index's default torch brings gigabytes of CUDA libraries that this project never uses
for separating. So the CPU build is asked for first, at PyTorch's documented address; where that can't be
reached, what pip would install by default is taken only if it needs no CUDA package. An installed torch, be
it a CUDA build for training, is left alone.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import subprocess
import sys

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
RANGE = "torch>=2.4,<3"
KNOWN_GOOD = "torch==2.13.0"
CUDA_PREFIXES = ("nvidia-", "nvidia_", "cuda-", "cuda_", "triton")


def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def needs_cuda(report: dict) -> bool:
    """Whether pip's installation report holds a torch that requires CUDA packages on this machine."""
    from pip._vendor.packaging.requirements import Requirement

    for item in report["install"]:
        for line in item["metadata"].get("requires_dist", []):
            requirement = Requirement(line)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if applies and requirement.name.lower().startswith(CUDA_PREFIXES):
                return True
    return False


def default_is_free_of_cuda(requirement: str) -> bool:
    planned = pip("install", "-q", "--dry-run", "--no-deps", "--report", "-", requirement)
    return planned.returncode == 0 and not needs_cuda(json.loads(planned.stdout))


def install() -> list[str]:
    """Install a torch without CUDA; what pip said of each attempt that failed, or nothing once one succeeded."""
    if platform.system() != "Linux":        # elsewhere the default builds are without CUDA
        done = pip("install", "-q", RANGE)
        return [done.stderr] if done.returncode else []
    # The local version +cpu can only be a CPU build, whatever other indexes the user has configured.
    address = ("--index-url", CPU_INDEX, "--retries", "1", "--timeout", "20")
    done = pip("install", "-q", "--no-deps", *address, f"{KNOWN_GOOD}+cpu")
    if done.returncode == 0:
        return []
    failures = [done.stderr]
    if default_is_free_of_cuda(KNOWN_GOOD):
        done = pip("install", "-q", "--no-deps", KNOWN_GOOD)
        if done.returncode == 0:
            return []
        failures.append(done.stderr)
    return failures


def main() -> int:
    if importlib.util.find_spec("torch") is not None:
        return 0
    print("vqss setup: installing PyTorch for the CPU, about 200 MB", file=sys.stderr, flush=True)
    failures = install()
    if not failures:
        return 0
    print("\n".join(failures).strip(), file=sys.stderr)
    print(
        f"vqss setup: no CPU build of PyTorch could be installed; check that {CPU_INDEX} can be reached, "
        f"or install any '{RANGE}' into .venv yourself and run make again",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
