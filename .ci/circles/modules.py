"""The modules of a crate, and which module imports from which."""
import os

from tokens import CLOSING, NAME, Failure, closing, tokens, without_tests

DEFINES = {"fn", "struct", "enum", "union", "trait", "const", "static", "type", "macro_rules"}


class Module:
    def __init__(self, parent, name, file):
        self.parent, self.name, self.file = parent, name, file
        self.children = {}
        self.uses = []  # (path, bound name or "*", whether a re-export, line)
        self.paths = []  # (path, line), from the code
        self.names = {}  # name: first line, of single names in the code
        self.defined = set()

    def above(self):
        """From the root to here."""
        return [*(self.parent.above() if self.parent else []), self]

    def __str__(self):
        return "::".join(["crate", *(module.name for module in self.above()[1:])])


def use_tree(code, at, prefix):
    """[(path, bound name)] of the use tree at `at`, and where it ends."""
    found, path = [], list(prefix)
    while True:
        word = code[at][0]
        if word == "{":
            end, at = closing(code, at), at + 1
            while at < end:
                part, at = use_tree(code, at, path)
                found += part
                at += code[at][0] == ","
            return found, end + 1
        if word == "::":
            path += ["::"] if not path else []
            at += 1
            continue
        if word == "*":
            return [(path, "*")], at + 1
        # `a::{self}` is `a`.
        path += [] if word == "self" and path else [word]
        at += 1
        if code[at][0] == "as":
            return [(path, code[at + 1][0])], at + 2
        if code[at][0] != "::":
            return [(path, path[-1])], at


def read(module, code, folder, path_of):
    """Fills in what the module says; reads the modules in it."""
    at, public = 0, False
    while at < len(code):
        word, line = code[at]
        before = code[at - 1][0] if at else ""
        after = code[at + 1][0] if at + 1 < len(code) else ""
        if word == "pub":
            public = True
            at = closing(code, at + 1) + 1 if after == "(" else at + 1
            continue
        if word == "use" and after != "<" and before not in ("+", "$"):
            leaves, at = use_tree(code, at + 1, [])
            module.uses += [(path, name, public, line) for path, name in leaves]
        elif word == "mod" and NAME.match(after) and code[at + 2][0] in (";", "{"):
            if code[at + 2][0] == ";":
                load(module, after, folder, path_of.get((after, line)))
                at += 3
            else:
                end = closing(code, at + 2)
                child = module.children[after] = Module(module, after, module.file)
                read(child, code[at + 3 : end], os.path.join(folder, after), path_of)
                at = end + 1
        elif NAME.match(word) and before != "::":
            path = [word]
            while code[at + 1 : at + 2] and code[at + 1][0] == "::" and NAME.match(code[at + 2][0]):
                path.append(code[at + 2][0])
                at += 2
            if before in DEFINES or (word == "macro_rules" and after == "!"):
                module.defined.add(word if word != "macro_rules" else code[at + 2][0])
            elif len(path) > 1:
                module.paths.append((path, line))
            elif before != "." and after != ":":
                module.names.setdefault(word, line)
            at += 1
        else:
            at += 1
        public = False


def source(file):
    """What is left of a file's code, and its `#[path]`s: see `without_tests`."""
    try:
        return without_tests(tokens(open(file, encoding="utf-8").read()))
    except Failure as failure:
        raise Failure(f"{file}: {failure}") from None


def load(parent, name, folder, path):
    if path:
        candidates = [os.path.join(os.path.dirname(parent.file), path)]
    else:
        candidates = [os.path.join(folder, f"{name}.rs"), os.path.join(folder, name, "mod.rs")]
    file = next((file for file in candidates if os.path.exists(file)), None)
    if not file:
        raise Failure(f"{parent.file}: no file for `mod {name};`")
    code, paths = source(file)
    if code is None:
        return
    module = parent.children[name] = Module(parent, name, file)
    beside = os.path.dirname(file)
    own = path or os.path.basename(file) == "mod.rs"
    read(module, code, beside if own else os.path.join(beside, name), paths)


def crate(file):
    """The root module of the crate whose root file this is."""
    root = Module(None, "crate", file)
    code, paths = source(file)
    read(root, code or [], os.path.dirname(file), paths)
    return root


def lookup(module, name, seen):
    """What a name in a module stands for: ("module", it), ("item", the module that defines it), `None`."""
    if (module, name) in seen:
        return None
    seen = seen | {(module, name)}
    if name in module.children:
        return "module", module.children[name]
    for path, bound, _, _ in module.uses:
        found = bound == name and resolve(module, path, seen)
        if found:
            return found
    # After the imports: it may be a method.
    if name in module.defined:
        return "item", module
    for path, bound, _, _ in module.uses:
        if bound == "*":
            kind, around = resolve(module, path, seen) or (None, None)
            found = kind == "module" and lookup(around, name, seen)
            if found:
                return found
    return None


def resolve(module, path, seen=frozenset()):
    """Like `lookup`, of a path as it stands in a module."""
    first, rest = path[0], path[1:]
    if first == "::":
        return None
    if first == "crate":
        here = "module", module.above()[0]
    elif first in ("self", "super"):
        inside, rest = module, path
        while rest and rest[0] in ("self", "super") and inside:
            inside, rest = inside.parent if rest[0] == "super" else inside, rest[1:]
        if not inside:
            return None
        here = "module", inside
    else:
        here = lookup(module, first, seen)
    for name in rest:
        if here is None or here[0] == "item":
            break
        inside = here[1]
        # Else it is out of a macro, or of another crate.
        here = lookup(inside, name, seen) or ("item", inside)
    return here


def imports(module, name, public=True):
    return any(bound == name and (public or not exported) for _, bound, exported, _ in module.uses)


def edges(root):
    """[(module, the module that it imports from, line, path)], all through the crate."""
    found = {}

    def add(module, target, line, path):
        if target:
            found.setdefault((module, target[1], line), (module, target[1], line, "::".join(path)))

    def visit(module):
        for path, bound, public, line in module.uses:
            target = resolve(module, path)
            if bound == "*" and not public:
                add(module, target, line, [*path, "*"])
            elif not public:
                add(module, target, line, path)
            elif bound in module.names:
                add(module, target, module.names[bound], [bound])
            if bound == "*" and target and target[0] == "module":
                # What a name that comes by it stands for.
                for name, at in module.names.items():
                    if name not in module.defined and not imports(module, name):
                        add(module, lookup(target[1], name, frozenset()), at, [name])
        for path, line in module.paths:
            target = resolve(module, path)
            # `Error::new` adds nothing to the import of `Error`, which counts already.
            by = imports(module, path[0], public=False) and lookup(module, path[0], frozenset())
            if not by or target and by[1] is not target[1]:
                add(module, target, line, path)
        for child in module.children.values():
            visit(child)

    visit(root)
    return list(found.values())
