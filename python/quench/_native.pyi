# The extension, made by cffi of the headers in include/quench: what it holds is C and has no types here.
from typing import Any

ffi: Any
lib: Any
