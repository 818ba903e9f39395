"""check.py FOLDER VERSION [FEATURES…]: finds what is wrong with the files of a release; prints a line for each that is sound."""

import hashlib
import json
import platform
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

from linked import resolved, tree

folder, version, features = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
faults = []
# e_machine of ELF, by the first word of a target.
ELF = {"x86_64": 62, "aarch64": 183}


def fault(file, what):
    faults.append(f"{file.name if isinstance(file, Path) else file}: {what}")


def sums():
    """What SHA256SUMS says, after it has been compared with the files."""
    path = folder / "SHA256SUMS"
    said = dict(reversed(line.split("  ", 1)) for line in path.read_text().splitlines()) if path.exists() else {}
    if not said:
        fault(path, "is not there, or empty")
    for name, digest in said.items():
        file = folder / name
        if not file.exists():
            fault(name, "has a sum, and is not there")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            fault(name, "is not what its sum says")
    written_after = {"SHA256SUMS", "csl-stream.rb"}
    for file in folder.iterdir():
        if file.name not in said and file.name not in written_after:
            fault(file, "has no sum")
    return said


def section(program, wanted):
    """The bytes of a section of a 64-bit little-endian ELF program; none if there is no such section."""
    start, = struct.unpack_from("<Q", program, 0x28)
    size, count, names = struct.unpack_from("<HHH", program, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", program, start + at * size) for at in range(count)]
    for name, _, _, _, offset, length in headers:
        begin = headers[names][4] + name
        if program[begin : program.index(b"\0", begin)].decode() == wanted:
            return program[offset : offset + length]
    return b""


def parts(program):
    """The crates that a program names (cargo auditable puts them into it): those that are linked."""
    packed = section(program, ".dep-v0")
    found = json.loads(zlib.decompress(packed))["packages"] if packed else []
    # Those that only ran while it was built are of another kind.
    linked = [part for part in found if part.get("kind", "runtime") == "runtime"]
    return {(part["name"], part["version"]) for part in linked if part["name"] != "csl-stream"}


def check_program(name, target, program):
    if program[:4] != b"\x7fELF":
        if "darwin" not in target:
            fault(name, "holds no ELF program")
        return
    if struct.unpack_from("<H", program, 18)[0] != ELF[target.split("-")[0]]:
        fault(name, f"its program is not for {target}")
    for trace in (str(Path(__file__).parents[2]), str(Path.home() / ".cargo")):
        if trace.encode() in program:
            fault(name, f"the program holds a path of the machine that built it: {trace}")
    if "musl" in target and b"/lib/ld-musl" in program:
        fault(name, "the program is not static")
    sbom = folder / f"csl-stream-{version}-{target}.cdx.json"
    if not sbom.exists():
        return fault(name, "there is no list of parts of it")
    components = json.loads(sbom.read_text())["components"]
    listed = {(part["name"], part["version"]) for part in components if part["scope"] == "required"}
    inside = parts(program)
    if not inside:
        fault(name, "the program does not say what is in it")
    elif listed - inside:
        fault(sbom, f"lists what the program does not name: {sorted(listed - inside)[:5]}")
    more = inside - listed - resolved(target, features)
    if more:
        fault(sbom, f"lacks what the program names: {sorted(more)[:5]}")
    unlisted = tree(target, features) - listed
    if unlisted:
        fault(sbom, f"lacks what cargo tree lists: {sorted(unlisted)[:5]}")
    if target.split("-")[0] == platform.machine() and "linux" in target:
        runs(name, program)


def runs(name, program):
    with tempfile.TemporaryDirectory() as made:
        file = Path(made, "csl-stream")
        file.write_bytes(program)
        file.chmod(0o755)
        said = subprocess.run([file, "--version"], capture_output=True, text=True)
        if version not in said.stdout:
            fault(name, f"the program says {said.stdout!r} {said.stderr!r}")
        ran = subprocess.run([file, "demo", "--dir", made + "/demo"], capture_output=True, text=True)
        if ran.returncode != 0 or "20,000 rows loaded" not in ran.stdout:
            fault(name, f"its demo ends with {ran.returncode}: {ran.stderr[-500:]}")


def check_archive(file):
    target = file.name.removeprefix(f"csl-stream-{version}-").removesuffix(".tar.gz")
    top = file.name.removesuffix(".tar.gz")
    with tarfile.open(file) as archive:
        names = {entry.name for entry in archive}
        wanted = {"csl-stream", "LICENSE", "NOTICE", "README.md", "man/csl-stream.1", "man/csl-stream-backfill.1"}
        wanted |= {f"completions/csl-stream.{shell}" for shell in ("bash", "zsh", "fish")}
        lacking = {f"{top}/{name}" for name in wanted} - names
        if lacking:
            return fault(file, f"lacks {', '.join(sorted(lacking))}")
        if any(entry.uid or entry.uname or not entry.isfile() for entry in archive):
            fault(file, "names whoever packed it, or holds more than files")
        if not archive.getmember(f"{top}/csl-stream").mode & 0o111:
            fault(file, "its program may not be executed")
        check_program(file.name, target, archive.extractfile(f"{top}/csl-stream").read())


def check_lambda(file):
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if not {"bootstrap", "LICENSE", "NOTICE"} <= set(entries):
            return fault(file, f"holds {', '.join(entries)}")
        if not entries["bootstrap"].external_attr >> 16 & 0o111:
            fault(file, "its bootstrap may not be executed")


def check_wheel(file):
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        programs = [name for name in names if name.endswith(".data/scripts/csl-stream")]
        if len(programs) != 1 or "csl_stream/py.typed" not in names:
            fault(file, "lacks the program or the module")
        if not any(name.endswith("/NOTICE") for name in names):
            fault(file, "lacks NOTICE")
        metadata = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
        if f"\nVersion: {version}\n" not in metadata:
            fault(file, "is of another version")


def check_formula(file, said):
    text = file.read_text()
    named = re.findall(r'url ".*/([^/"]+)"\s+sha256 "(\w+)"', text)
    if not named:
        fault(file, "names no archive")
    for name, digest in named:
        if said.get(name) != digest:
            fault(file, f"the sum of {name} is not that of SHA256SUMS")


def main():
    said = sums()
    kinds = [
        ("*.tar.gz", check_archive),
        ("*-lambda-*.zip", check_lambda),
        ("*.whl", check_wheel),
        ("csl-stream.rb", lambda file: check_formula(file, said)),
    ]
    for pattern, check in kinds:
        for file in sorted(folder.glob(pattern)):
            before = len(faults)
            check(file)
            if len(faults) == before:
                print(f"sound: {file.name}")
    if faults:
        sys.exit("\n".join(f"check.py: {what}" for what in faults))


main()
