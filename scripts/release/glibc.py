"""glibc.py PROGRAM VERSION: fails if the program needs a newer glibc than this; a static one needs none."""

import re
import subprocess
import sys

program, newest = sys.argv[1], tuple(map(int, sys.argv[2].split(".")))
symbols = subprocess.run(["readelf", "-W", "--dyn-syms", program], capture_output=True, text=True, check=True).stdout
needed = {tuple(map(int, found.split("."))) for found in re.findall(r"@GLIBC_([0-9.]+)", symbols)}
if needed and max(needed) > newest:
    late = sorted(set(re.findall(r"(\w+)@GLIBC_" + re.escape(".".join(map(str, max(needed)))) + r"\b", symbols)))
    sys.exit(f"{program} needs glibc {'.'.join(map(str, max(needed)))} ({', '.join(late[:5])}), {sys.argv[2]} at most")
print(f"glibc: {'.'.join(map(str, max(needed))) if needed else 'none'}")
