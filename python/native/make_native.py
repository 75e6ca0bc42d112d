"""Writes the C source of quench._native from the public headers.

The compiler's preprocessor runs over the headers as a compiler without extensions would see them, so that what
quench/status.h has for GNU C vanishes and nothing but declarations is left, which cffi reads. The C source includes the
headers themselves: where the two disagree, it does not compile.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import cffi

HEADERS = ("quench/compiler.h", "quench/vision.h", "quench/file.h")
# What cffi knows by itself; the headers of the C library would bring what it cannot read.
SYSTEM_HEADERS = ("stddef.h", "stdint.h")


def read_declarations(compiler: str, include: Path) -> str:
    """The declarations of the public headers, without comments and directives."""
    source = "".join(f'#include "{name}"\n' for name in HEADERS)
    with tempfile.TemporaryDirectory() as folder:
        for name in SYSTEM_HEADERS:
            (Path(folder) / name).touch()
        command = [compiler, "-E", "-P", "-undef", "-nostdinc", "-I", folder, "-I", str(include), "-x", "c", "-"]
        result = subprocess.run(command, input=source, stdout=subprocess.PIPE, check=True, text=True)
    return result.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", required=True, help="the C compiler")
    parser.add_argument("--include", required=True, type=Path, help="the folder that has quench/")
    parser.add_argument("output", help="the C file to write")
    arguments = parser.parse_args()
    ffi = cffi.FFI()
    ffi.cdef(read_declarations(arguments.compiler, arguments.include))
    ffi.cdef((Path(__file__).parent / "callbacks.h").read_text(encoding="utf-8"))
    ffi.set_source("quench._native", "".join(f'#include "{name}"\n' for name in HEADERS), py_limited_api=True)
    ffi.emit_c_code(arguments.output)


if __name__ == "__main__":
    main()
