"""Circles among the modules of a crate: see `.ci/imports`."""
import os
import sys

from modules import crate, edges
from tokens import Failure


def components(graph):
    """The strongly connected components with more than one node, of {node: {node}}."""
    reached = {}
    for start in graph:
        seen, todo = set(), [start]
        while todo:
            for node in graph[todo.pop()]:
                if node not in seen:
                    seen.add(node)
                    todo.append(node)
        reached[start] = seen
    found = []
    for node in graph:
        group = {node} | {other for other in graph if other in reached[node] and node in reached[other]}
        if len(group) > 1 and group not in found:
            found.append(group)
    return found


def circles(found):
    """(parent, names of its modules in a circle, the edges between them), of each circle. An edge counts for
    the ancestors of its two ends that are siblings: a circle of modules is one of siblings somewhere, too."""
    between = {}
    for edge in found:
        one, other = edge[0].above(), edge[1].above()
        depth = sum(1 for a, b in zip(one, other) if a is b)
        # One is inside the other.
        if depth < len(one) and depth < len(other):
            between.setdefault(one[depth - 1], []).append((one[depth], other[depth], edge))
    for parent, lifted in sorted(between.items(), key=lambda item: str(item[0])):
        graph = {}
        for one, other, _ in lifted:
            graph.setdefault(one, set()).add(other)
            graph.setdefault(other, set())
        for group in components(graph):
            among = [entry for entry in lifted if entry[0] in group and entry[1] in group]
            yield parent, sorted(module.name for module in group), among


def check(directory, name):
    """The lines to print of a crate, and whether it has no circle."""
    roots = [os.path.join(directory, name, "src", file) for file in ("lib.rs", "main.rs")]
    roots = [file for file in roots if os.path.exists(file)]
    if not roots:
        raise Failure(f"{os.path.join(directory, name)}: no src/lib.rs and no src/main.rs")
    lines, well = [], True
    for file in roots:
        root = crate(file)
        found = edges(root)
        bad = list(circles(found))
        well = well and not bad
        lines.append(f"{name}: {count(root)} modules, {len(found)} imports, circles: {len(bad)}")
        for parent, names, among in bad:
            lines.append(f"  circle in {parent}: {', '.join(names)}")
            shown = [(one.name, other.name, module.file, line, path) for one, other, (module, _, line, path) in among]
            lines += ["    %s -> %s  %s:%d: %s" % edge for edge in sorted(shown)]
    return lines, well


def count(module):
    return 1 + sum(count(child) for child in module.children.values())


def main(arguments):
    all_well = True
    for name in arguments or sorted(os.listdir("crates")):
        lines, well = check("crates", name)
        print("\n".join(lines))
        all_well = all_well and well
    if not all_well:
        print("Break a circle where it is cheapest: move what both sides need below them, or to where it is used.")
    return not all_well


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.exit(str(failure))
