"""notice.py: prints NOTICE, the licences of everything that is linked into a release.

    cargo tree, every target ─▶ crates ─▶ of each the licence that is chosen ─▶ its text, once

Where a crate offers Apache-2.0 among others, that is chosen: it is our own licence, and its text stands in LICENSE.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

from linked import packages, targets, tree

# The first of an "or" is chosen; whatever is not here is an error: somebody must look at it.
CHOSEN = [
    "Apache-2.0", "MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "bzip2-1.0.6", "Unicode-3.0",
    "BSL-1.0", "CC0-1.0", "0BSD", "Unlicense",
]  # fmt: skip
FILES = re.compile(r"(licen[cs]e|copying|copyright|unlicense)", re.IGNORECASE)
# Sources of others inside a crate, with the licence below their folder.
INSIDE = {"zstd-sys": ["zstd/LICENSE"], "libsqlite3-sys": ["sqlite3/LICENSE"]}

HEAD = """\
csl-stream
Copyright the authors of csl-stream

This product is licensed under the Apache License, Version 2.0 (LICENSE). The programs, wheels, archives and
images of a release contain the following software of others. `scripts/notice` writes this file.

The Rust standard library: Apache-2.0 (https://www.rust-lang.org).
In the static programs musl, Copyright 2005-2020 Rich Felker, et al.: MIT (https://musl.libc.org).
SQLite, which is in the public domain (https://www.sqlite.org/copyright.html).
"""


def choice(expression):
    """The licences that are taken of an SPDX expression: the best of each "or", all of an "and"."""
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR ").replace(" WITH LLVM-exception", ""))

    def rank(taken):
        return max(CHOSEN.index(licence) if licence in CHOSEN else len(CHOSEN) for licence in taken)

    def one_of():
        taken = all_of()
        while words and words[0] == "OR":
            words.pop(0)
            taken = min(taken, all_of(), key=rank)
        return taken

    def all_of():
        taken = single()
        while words and words[0] == "AND":
            words.pop(0)
            taken = taken | single()
        return taken

    def single():
        word = words.pop(0)
        if word != "(":
            return {word}
        taken = one_of()
        words.pop(0)
        return taken

    taken = one_of()
    if rank(taken) == len(CHOSEN):
        sys.exit(f"notice.py: nobody has looked at {expression!r}: add it to CHOSEN and to deny.toml, or do without")
    return taken


def texts(package, taken):
    """The texts that must go with a crate: its NOTICE, and its licence where that is not ours."""
    folder = Path(package["manifest_path"]).parent
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name.lower().startswith("notice"):
            found.append(path)
        if taken != {"Apache-2.0"} and path.is_file() and FILES.match(path.name):
            found.append(path)
    found += [folder / name for name in INSIDE.get(package["name"], []) if (folder / name).exists()]
    read = [tidy(path.read_text(encoding="utf-8", errors="replace")) for path in found]
    apache = "Apache License Version 2.0, January 2004"
    return [text for text in read if text and not (" ".join(text.split()).startswith(apache))]


def tidy(text):
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\f", "\n").expandtabs(4).splitlines()]
    return "\n".join(lines).strip("\n")


def main():
    known = packages()
    linked = sorted(set().union(*(tree(target, ["--all-features"]) for target in targets())))
    rows, by_text = [], defaultdict(list)
    for name, version in linked:
        package = known[name, version]
        licence = package["license"] or sys.exit(f"notice.py: {name} names no licence")
        taken = choice(licence)
        rows.append(f"{name} {version}: {' and '.join(sorted(taken))}")
        found = texts(package, taken)
        if not found and taken != {"Apache-2.0"}:
            authors = ", ".join(re.sub(r"\s*<.*?>", "", author) for author in package["authors"])
            found = [f"Copyright {authors or 'the authors of ' + name}\n(the package holds no text of its licence)"]
        for text in found:
            by_text[text].append(f"{name} {version}")
    print(HEAD)
    print("\n".join(rows))
    for text, names in sorted(by_text.items(), key=lambda item: item[1]):
        print(f"\n{'─' * 100}\n{', '.join(names)}\n{'─' * 100}\n{text}")


main()
