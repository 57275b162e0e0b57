"""Compares what cargo-mutants missed with the survivors that docs/mutants.md explains.

`mutants.py DOCUMENT [--whole] GROUP=DIRECTORY ...` prints counts by group and fails if a mutant was missed
that the document does not explain. The directory has the outcomes of each pass in a `pass-N.json`; of a mutant
that met several passes the last one counts. With `--whole`, when all mutants of these groups were tried, it
also fails for lines in their sections that explain nothing any more.
"""
import glob
import json
import os
import re
import sys
import tempfile

KINDS = {"CaughtMutant": "caught", "Timeout": "timeout", "Unviable": "unviable", "MissedMutant": "missed"}
LINE = re.compile(r"^- `([^`]+)` `(.+?)`: \S")


def explained(text):
    """{(file, description): section}; a section is what the heading before it says."""
    found, section = {}, ""
    for line in text.split("\n"):
        if line.startswith("## "):
            section = line[3:].strip().strip("`")
        elif match := LINE.match(line):
            found[match.groups()] = section
    return found


def tried(directory):
    """[(kind, file, description without position, the position)] of a run's outcomes."""
    found = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(directory), "pass-*.json"))):
        for outcome in json.load(open(path))["outcomes"]:
            if "Mutant" not in outcome["scenario"]:
                continue
            mutant = outcome["scenario"]["Mutant"]
            position, _, description = mutant["name"].partition(": ")
            found[mutant["name"]] = (KINDS[outcome["summary"]], mutant["file"], description, position)
    return list(found.values())


def compare(text, groups, whole):
    """The lines to print, and whether all is well."""
    known, matched, unexplained = explained(text), set(), []
    lines = ["%-16s %6s %6s %7s %8s %9s %11s" % ("group", "tested", "caught", "timeout", "unviable", "explained", "unexplained")]
    for group, directory in groups.items():
        count = dict.fromkeys([*KINDS.values(), "unexplained"], 0)
        for kind, file, description, position in tried(directory):
            if kind == "missed" and (file, description) not in known:
                kind = "unexplained"
                unexplained.append(f"{position}: {description}")
            elif kind == "missed":
                matched.add((file, description))
            count[kind] += 1
        row = (group, sum(count.values()), count["caught"], count["timeout"], count["unviable"], count["missed"], count["unexplained"])
        lines.append("%-16s %6d %6d %7d %8d %9d %11d" % row)
    idle = [key for key, section in known.items() if whole and section in groups and key not in matched]
    if unexplained:
        lines += ["", "Missed and not explained in docs/mutants.md:", *unexplained]
    if idle:
        lines += ["", "Explained in docs/mutants.md, but it does not survive:"]
        lines += [f"- `{file}` `{description}`" for file, description in idle]
    return lines, not unexplained and not idle


def self_test():
    name = "crates/a/src/b.rs:7:9: replace > with >= in Foo<'_>::bar"
    outcome = lambda name, kind: {"summary": kind, "scenario": {"Mutant": {"name": name, "file": "crates/a/src/b.rs"}}}
    outcomes = [{"summary": "Success", "scenario": "Baseline"}, outcome(name, "MissedMutant")]
    outcomes += [outcome(name.replace("7:9", "8:9"), "CaughtMutant"), outcome(name.replace("> with >=", "a with b"), "Timeout")]
    line = "- `crates/a/src/b.rs` `replace %s in Foo<'_>::bar`: a reason.\n"
    with tempfile.TemporaryDirectory() as directory:
        # What the first pass let by and the second one caught is caught.
        first = [outcome(name.replace("7:9", "8:9"), "MissedMutant"), *outcomes[:2], outcomes[3]]
        second = [outcomes[0], *outcomes[1:3]]
        for number, of_pass in enumerate([first, second]):
            with open(os.path.join(directory, f"pass-{number}.json"), "w") as file:
                json.dump({"outcomes": of_pass}, file)
        check = lambda text, whole=True: compare(text, {"b": directory}, whole)
        lines, well = check("## b\n" + line % "> with >=")
        assert well and lines[1].split() == ["b", "3", "1", "1", "0", "1", "0"], lines
        lines, well = check("## b\n")
        assert not well and lines[-1] == name, lines
        stale = "## b\n" + line % "> with >=" + line % "a with b"
        lines, well = check(stale)
        assert not well and lines[-1].endswith("`replace a with b in Foo<'_>::bar`"), lines
        assert check(stale, whole=False)[1]
        assert check("## other\n" + line % "a with b" + "## b\n" + line % "> with >=")[1]


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    document, *rest = arguments
    groups = dict(argument.split("=", 1) for argument in rest if argument != "--whole")
    lines, well = compare(open(document).read(), groups, "--whole" in rest)
    print("\n".join(lines))
    sys.exit(not well)


main(sys.argv[1:])
