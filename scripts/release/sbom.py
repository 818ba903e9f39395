"""sbom.py FOUND WRITTEN TARGET EPOCH [FEATURES…]: makes a list of parts the same at each run, and compares it.

What `cargo tree` says is linked or runs while the program is built must be in it with name and version, and nothing
that it does not list.
"""

import json
import sys
import uuid
from datetime import datetime, timezone

from linked import tree

found, written, target, epoch, *features = sys.argv[1:]
with open(found, encoding="utf-8") as file:
    sbom = json.load(file)
# A random number and the time of the run are not facts of the program.
when = datetime.fromtimestamp(int(epoch), timezone.utc)
sbom["metadata"]["timestamp"] = when.isoformat().replace("+00:00", "Z")
name = f"csl-stream {sbom['metadata']['component']['version']} {target}"
sbom["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def without_paths(value):
    """References to our own package name the folder in which it was built."""
    if isinstance(value, dict):
        return {key: without_paths(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_paths(inner) for inner in value]
    if isinstance(value, str) and "path+file://" in value:
        return "csl-stream" + value[value.index("#") :] if "#" in value else "csl-stream"
    if isinstance(value, str) and "?download_url=file://" in value:
        return value[: value.index("?download_url=file://")]
    return value


sbom = without_paths(sbom)
listed = {(part["name"], part["version"]) for part in sbom["components"]}
linked = tree(target, features, edges="normal")
built = tree(target, features, edges="normal,build")
for what, wrong in [("is linked and not listed", linked - listed), ("is listed and in no build", listed - built)]:
    if wrong:
        sys.exit(f"sbom.py: {what}: {', '.join(' '.join(part) for part in sorted(wrong))}")
with open(written, "w", encoding="utf-8") as file:
    json.dump(sbom, file, indent=1)
    file.write("\n")
print(f"{len(listed)} parts, {len(linked)} of them linked as cargo tree lists them")
