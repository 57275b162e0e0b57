"""Rust code as tokens, without what is for tests alone."""
import re

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)
    |(?P<block>/\*)
    |(?P<raw>[bc]?r(?P<hashes>\#*)".*?"(?P=hashes))
    |(?P<text>[bc]?"(?:\\.|[^"\\])*"|b?'(?:\\[^\n]+?|[^'\\\n])')
    |(?P<lifetime>'\w+)
    |(?P<name>(?:r\#)?[A-Za-z_]\w*)
    |(?P<number>\d\w*)
    |(?P<sign>::|=>|.)""",
    re.S | re.X,
)
NAME = re.compile(r"[A-Za-z_]\w*$")
BLOCK_EDGE = re.compile(r"/\*|\*/")
CLOSING = {"(": ")", "[": "]", "{": "}"}
# What begins an item or a statement, which end with `;` or a block; what else an attribute stands before
# (a field, a variant, an arm) ends with a comma.
ITEMS = set("fn mod impl struct enum union trait const static type use extern unsafe async macro_rules let".split())
# These go on after a block, to their `;`.
TO_SEMICOLON = {"use", "const", "static", "let", "type"}
BLOCKS = {"if", "for", "while", "loop", "match"}


class Failure(Exception):
    """What is said to who runs this."""


def tokens(text):
    """[(text, line)] without comments and lifetimes; a string is one, in its quotes."""
    found, at, line = [], 0, 1
    while at < len(text):
        match = TOKEN.match(text, at)
        end = match.end()
        if match.lastgroup == "block":
            depth = 1
            while depth:
                edge = BLOCK_EDGE.search(text, end)
                if not edge:
                    raise Failure(f"line {line}: a comment that does not end")
                depth, end = depth + (1 if edge.group() == "/*" else -1), edge.end()
        elif match.lastgroup not in ("skip", "lifetime"):
            found.append((match.group().removeprefix("r#") if match.lastgroup == "name" else match.group(), line))
        line += text.count("\n", at, end)
        at = end
    return found


def closing(code, at):
    """Where the bracket at `at` is closed."""
    depth = 0
    for index in range(at, len(code)):
        if code[index][0] in CLOSING:
            depth += 1
        elif code[index][0] in CLOSING.values():
            depth -= 1
            if depth == 0:
                return index
    raise Failure(f"line {code[at][1]}: `{code[at][0]}` is not closed")


def for_tests(predicate):
    """Whether the predicate of a `cfg` holds in tests alone; of all but `test` either is possible."""

    def value(words):
        """The possible values with `test` off, and what is left after the predicate."""
        word, rest = words[0], words[1:]
        if rest[:1] == ["("] and word in ("all", "any", "not"):
            parts, rest = [], rest[1:]
            while rest and rest[0] != ")":
                part, rest = value(rest)
                parts.append(part)
                rest = rest[1:] if rest[:1] == [","] else rest
            if word == "not":
                return {not possible for possible in parts[0]}, rest[1:]
            together = all if word == "all" else any
            sure = not together([])
            if any(part == {sure} for part in parts):
                return {sure}, rest[1:]
            return ({not sure} if all(part == {not sure} for part in parts) else {True, False}), rest[1:]
        if rest[:1] == ["="]:
            rest = rest[2:]
        return ({False} if word == "test" else {True, False}), rest

    return value(predicate)[0] == {False}


def attribute(code, at):
    """The end of the attribute at `at` (after its bracket), whether it is for tests, whether an inner one."""
    inner = code[at + 1][0] == "!"
    start = at + (2 if inner else 1)
    end = closing(code, start)
    words = [word for word, _ in code[start + 1 : end]]
    return end + 1, words[:2] == ["cfg", "("] and for_tests(words[2:-1]), inner


def is_attribute(code, at):
    words = [word for word, _ in code[at : at + 3]]
    return words[:2] == ["#", "["] or words[:3] == ["#", "!", "["]


def item_end(code, at):
    """After the item, field, variant, arm or statement at `at`, without the bracket that closes around it."""
    while at < len(code) and is_attribute(code, at):
        at = attribute(code, at)[0]
    first = at
    if code[first : first + 1] and code[first][0] == "pub":
        first += 1
        if code[first][0] == "(":
            first = closing(code, first) + 1
    kind = code[first][0] if first < len(code) else ""
    is_item = kind in ITEMS
    following = code[first + 1][0] if first + 1 < len(code) else ""
    # `const fn` ends as a function does.
    to_semicolon = kind in TO_SEMICOLON and following not in ("fn", "unsafe", "async", "extern")
    # Else a block ends what it is the body of: a statement, a macro, an arm.
    ends_it = lambda at: kind in BLOCKS or at == first or code[at - 1][0] in ("!", "=>")
    while at < len(code):
        word = code[at][0]
        if word in CLOSING.values():
            return at
        if word == ";" or (word == "," and not is_item):
            return at + 1
        if word in CLOSING:
            ends = word == "{" and (not to_semicolon if is_item else ends_it(at))
            at = closing(code, at)
            after = code[at + 1][0] if at + 1 < len(code) else ""
            if ends and after != "else":
                return at + 1 + (after in (",", ";"))
        at += 1
    return at


def without_tests(code):
    """The code without attributes and without what is for tests, `None` if all of it is; and what `#[path]`s
    there are: {(name of a module, line of its `mod`): path}."""
    kept, paths, path, at = [], {}, None, 0
    while at < len(code):
        if is_attribute(code, at):
            end, tests, inner = attribute(code, at)
            if tests and inner:
                return None, {}
            if code[at + 2][0] == "path":
                path = code[at + 4][0].strip('"')
            at = item_end(code, end) if tests else end
            path = None if tests else path
        else:
            if path and code[at][0] == "mod":
                paths[code[at + 1][0], code[at][1]], path = path, None
            kept.append(code[at])
            at += 1
    return kept, paths
