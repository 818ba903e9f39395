"""`python -m csl_stream …` is `csl-stream …`."""

import os
import sys

from csl_stream._program import find_program


def main() -> None:
    program = find_program()
    # In place of this process: signals and the exit code are the program's.
    os.execv(program, [program, *sys.argv[1:]])


main()
