"""Reads `cargo metadata`; fails if a named crate takes another oauth-core than that of its own version."""
import json
import sys

packages = {p["name"]: p for p in json.load(sys.stdin)["packages"]}
loose = {
    f"{name} takes oauth-core `{d['req']}`: it must be `={packages['oauth-core']['version']}`"
    for name in sys.argv[1:]
    for d in packages[name]["dependencies"]
    if d["name"] == "oauth-core" and d["req"] != f"={packages['oauth-core']['version']}"
}
print("\n".join(sorted(loose)) or "the adapters take exactly their own version of oauth-core")
sys.exit(bool(loose))
