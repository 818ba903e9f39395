"""Where the program lies."""

import os
import sys
import sysconfig
from pathlib import Path

NAME = "csl-stream"


def _folders() -> list[str]:
    """Where installers put the scripts of a wheel, the likeliest first."""
    package = Path(__file__).resolve().parent
    return [
        # Of this interpreter, or of the environment that it is in.
        sysconfig.get_path("scripts"),
        # `pip install --user`
        sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user"))
        if sys.version_info >= (3, 10)
        else sysconfig.get_path("scripts", scheme="posix_user"),
        # `pip install --target DIR`
        str(package.parent / "bin"),
        # `pip install --prefix DIR`: DIR/lib/pythonX.Y/site-packages/csl_stream
        str(package.parents[3] / "bin") if len(package.parents) > 3 else "",
    ]


def find_program() -> str:
    """The path of the program that was installed with this module.

    :raises FileNotFoundError: if it is in none of the places where installers put it. The `PATH` is not asked: it
        could be another version.
    """
    for folder in _folders():
        program = os.path.join(folder, NAME)
        if folder and os.access(program, os.X_OK):
            return program
    raise FileNotFoundError(f"{NAME} is not in {', '.join(filter(None, _folders()))}; install it again")
