"""The agent on an emulated 64-bit Arm computer, against hil.yaml: the same bytes, and how long.

    python benchmarks/aarch64_agent.py                    # with Debian's numpy
    python benchmarks/aarch64_agent.py --wheels           # with PyPI's
    python benchmarks/aarch64_agent.py --cpu cortex-a72   # no dot products: a Raspberry Pi 4

Debian's arm64 packages of Python and numpy are downloaded by apt-get into a folder, unpacked, not
installed, and run in QEMU's user mode. downpass's C is compiled by the cross compiler. Of this
computer's Python only `cobs` and `pyserial` are used, which have no compiled part. ONNX Runtime is
not there: its library for aarch64 ends with a segmentation fault while QEMU 7.2 loads it.

Needs: apt install qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMULATOR, COMPILER = "qemu-aarch64-static", "aarch64-linux-gnu-gcc"
PACKAGES = ("python3", "python3-numpy", "libstdc++6")
WHEELS = ("numpy>=2.0.0",)
PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")
PARTS = ("link", "payload")
"""What a board installs."""
PURE = ("cobs", "serial")
PORT = re.compile(r"serving (.*) on (socket://\S+)")


def unpack_debian(folder: Path) -> Path:
    """Return a folder with Debian's packages for arm64, unpacked; it is kept for the next time."""
    root, apt = folder / "root", folder / "apt"
    if (folder / "complete").exists():
        return root
    for place in (apt / "lists/partial", apt / "archives/partial", root):
        place.mkdir(parents=True, exist_ok=True)
    status = apt / "status"
    status.touch()
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Dir::State": apt,
        "Dir::State::status": status,
        "Dir::Cache": apt,
    }
    given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    for verb in (["update"], ["install", "-y", "--download-only", *PACKAGES]):
        subprocess.run(["apt-get", "-qq", *given, *verb], check=True, stdout=subprocess.DEVNULL)
    for package in sorted(apt.glob("archives/*.deb")):
        subprocess.run(["dpkg", "-x", package, root], check=True)
    (folder / "complete").touch()
    return root


def install(site: Path, wheels: bool) -> None:
    """Copy `link` and `payload` to where the emulated Python looks, and compile their C."""
    package = site / "downpass"
    for part in PARTS:
        shutil.copytree(
            ROOT / part, package / part, ignore=shutil.ignore_patterns("*.so", "__pycache__")
        )
    for name in PURE:
        spec = importlib.util.find_spec(name)
        assert spec is not None, f"pip install {name}"
        assert spec.origin is not None
        shutil.copytree(Path(spec.origin).parent, site / name)
    if wheels:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
        where = [word for name in PLATFORMS for word in ("--platform", name)]
        target = ["--python-version", "3.11", "--no-deps", "--target", str(site)]
        subprocess.run([*pip, *where, *target, *WHEELS], check=True)
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for module in setup["ext-modules"]:
        if module["name"].split(".")[1] not in PARTS:
            continue
        out = site.joinpath(*module["name"].split(".")).with_suffix(".abi3.so")
        headers = [*module["include-dirs"], sysconfig.get_path("include")]
        flags = [
            "-shared",
            "-fPIC",
            *module["extra-compile-args"],
            *(f"-I{one}" for one in headers),
        ]
        subprocess.run([COMPILER, *flags, *module["sources"], "-o", out], cwd=ROOT, check=True)


def run_mission(site: Path, root: Path, cpu: str, out: Path) -> dict[str, object]:
    """Run hil.yaml with the emulated agent as its board."""
    python = [EMULATOR, "-L", str(root), "-cpu", cpu, "-E", f"PYTHONPATH={site}"]
    # Debian's alternatives would make these links at installation.
    libraries = [f"/usr/lib/aarch64-linux-gnu/{name}" for name in ("blas", "lapack")]
    python += ["-E", f"LD_LIBRARY_PATH={':'.join(libraries)}"]
    python += [str(root / "usr/bin/python3.11"), "-B"]
    address = ["--listen", "127.0.0.1:0", "--name", "arm"]
    serve = ["-m", "downpass.payload.board", "serve", *address]
    begin = time.monotonic()
    agent = subprocess.Popen([*python, *serve], stdout=subprocess.PIPE, text=True)
    try:
        assert agent.stdout is not None
        words = PORT.fullmatch(agent.stdout.readline().strip())
        assert words, "the agent did not start"
        started = time.monotonic() - begin
        setting = f"satellites.0.encoder.port={words[2]}"
        command = [str(Path(sys.executable).with_name("downpass")), "run"]
        begin = time.monotonic()
        ran = subprocess.run(
            [*command, str(ROOT / "scenarios/hil.yaml"), "--set", setting, "--out", str(out)],
            check=False,
        )
        took = time.monotonic() - begin
    finally:
        agent.terminate()
        agent.wait(30)
    (board,) = json.loads((out / "summary.json").read_text())["boards"]
    return {
        "encoder": words[1],
        "start of the agent, seconds": round(started, 1),
        "run, seconds": round(took, 1),
        "exit status (0: every bitstream is this computer's)": ran.returncode,
        "board": board,
    }


def main() -> int:
    """Print the result; exit status 1 if a bitstream differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="keep Debian's packages here")
    parser.add_argument("--cpu", default="max", help="QEMU's name of a processor")
    parser.add_argument("--wheels", action="store_true", help="numpy of PyPI, not of Debian")
    arguments = parser.parse_args()
    missing = [name for name in (EMULATOR, COMPILER, "apt-get", "dpkg") if not shutil.which(name)]
    if missing:
        parser.exit(2, f"{', '.join(missing)} missing: see the top of {__file__}\n")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        folder = (arguments.folder or work / "debian").resolve()
        root = unpack_debian(folder)
        install(work / "site", arguments.wheels)
        found = run_mission(work / "site", root, arguments.cpu, work / "out")
    print(json.dumps(found, indent=1))
    return int(found["exit status (0: every bitstream is this computer's)"] != 0)


if __name__ == "__main__":
    sys.exit(main())
