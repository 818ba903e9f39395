"""archive.py PARENT NAME FILE EPOCH: an archive whose bytes are decided by its contents and a time alone."""

import gzip
import io
import sys
import tarfile
import time
import zipfile
from pathlib import Path


def files(parent, name):
    top = parent / name
    return [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())


def mode(path):
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def tar(parent, name, epoch):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in files(parent, name):
            entry = tarfile.TarInfo(str(path.relative_to(parent)))
            entry.size, entry.mode, entry.mtime = path.stat().st_size, mode(path), epoch
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return gzip.compress(made.getvalue(), 9, mtime=epoch)


def zipped(parent, name, epoch):
    made = io.BytesIO()
    # Zip knows no time before 1980, and no zone.
    when = time.gmtime(max(epoch, 315532800))[:6]
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files(parent, name):
            entry = zipfile.ZipInfo(str(path.relative_to(parent)), when)
            # Unix, and a file with this mode: Lambda starts what may be executed.
            entry.create_system, entry.external_attr = 3, (0o100000 | mode(path)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return made.getvalue()


parent, name, file, epoch = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
Path(file).write_bytes((zipped if file.endswith(".zip") else tar)(parent, name, epoch))
