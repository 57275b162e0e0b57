"""Reads `cargo metadata`; fails if a named crate needs a newer Rust than the first argument."""
import json
import sys

promised, names = sys.argv[1], set(open(sys.argv[2]).read().split("\n"))
version = lambda text: tuple(int(part) for part in text.split("."))[:2]
newer = [
    f"{p['name']} {p['version']} needs Rust {p['rust_version']}"
    for p in json.load(sys.stdin)["packages"]
    if f"{p['name']} {p['version']}" in names
    and p["rust_version"]
    and version(p["rust_version"]) > version(promised)
]
print("\n".join(newer) or f"no dependency needs a Rust newer than {promised}")
sys.exit(bool(newer))
