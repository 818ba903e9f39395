"""sbom.py FOUND WRITTEN TARGET EPOCH [FEATURES…]: makes a list of parts the same at each run, and compares it.

cargo-cyclonedx takes optional dependencies for built that these features do not bring (a scanner would then warn of
what nobody has): what `cargo tree` does not list goes. All that it lists as linked must be there, and is `required`
(a scope of CycloneDX); what only runs while the program is built is `excluded`. `check` compares the former with what
is named inside the program.
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
linked = tree(target, features)
built = tree(target, features, edges="normal,build")
own = sbom["metadata"]["component"]["bom-ref"]
sbom["components"] = [part for part in sbom["components"] if (part["name"], part["version"]) in built]
for part in sbom["components"]:
    part["scope"] = "required" if (part["name"], part["version"]) in linked else "excluded"
kept = {own} | {part["bom-ref"] for part in sbom["components"]}
sbom["dependencies"] = [
    {**entry, "dependsOn": [ref for ref in entry.get("dependsOn", []) if ref in kept]}
    for entry in sbom["dependencies"]
    if entry["ref"] in kept
]
listed = {(part["name"], part["version"]) for part in sbom["components"]}
if linked - listed:
    sys.exit(f"sbom.py: is linked and not listed: {', '.join(' '.join(part) for part in sorted(linked - listed))}")
with open(written, "w", encoding="utf-8") as file:
    json.dump(sbom, file, indent=1)
    file.write("\n")
print(f"{len(listed)} parts, {len(linked)} of them linked as cargo tree lists them")
