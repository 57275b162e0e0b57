"""Tests of the search for circles, on small crates."""
import os
import tempfile

from circles import check
from tokens import Failure

def self_test():
    def found(**files):
        """The circles of a crate with these files (`a__b` is `a/b.rs`), as `parent: names`, and the lines."""
        with tempfile.TemporaryDirectory() as directory:
            for name, text in files.items():
                file = os.path.join(directory, "it/src", *f"{name}.rs".split("__"))
                os.makedirs(os.path.dirname(file), exist_ok=True)
                open(file, "w").write(text)
            lines, well = check(directory, "it")
            shown = [line.strip().removeprefix("circle in ") for line in lines if line.startswith("  circle")]
            assert well == (not shown), lines
            return shown, [line.strip().split("/src/")[-1] for line in lines if " -> " in line]

    two = lambda a, b, **more: found(lib="mod a; mod b;", a=a, b=b, **more)[0]
    uses_a, circle = "use crate::a::A; pub struct B;", ["crate: a, b"]

    # Forms of an import.
    for text in [
        "use crate::b::B;",
        "use crate::{b::B};",
        "use crate::{std::io, b::{self, B as C, deep::{D, E}}, x};",
        "use super::b::B;",
        "use self::super::b::B as _;",
        "use crate::b;",
        "use crate::b as c;",
        "use super::{\n    b::{\n        B,\n    },\n};",
        "use crate::b::*;",
        "pub use crate::b::B; fn f(_: B) {}",
        "pub(crate) use crate::b::B; fn f() { B::new() }",
        "fn f() { use crate::b::B; }",
        "fn f() -> crate::b::B { todo!() }",
        "fn f() { super::b::g::<u8>(); }",
        "fn f() { crate::b::make!() }",
        "use super::*; fn f() { b::g() }",
        "made! { struct A { b: crate::b::B } }",
        "mod inner { fn f() { super::super::b::g() } }",
        "macro_rules! m { () => { $crate::b::B }; }",
        "use crate::r#b::B;",
        "#![allow(unused)] use crate::b::B;",
        "#[cfg(not(test))] use crate::b::B;",
        "#[cfg(not(any(test, unix)))] use crate::b::B;",
        "#[cfg(any(test, unix))] use crate::b::B;",
        "#[cfg(feature = \"test\")] use crate::b::B;",
        "const C: char = '\"'; use crate::b::B; const D: char = '\"';",
        "fn f<'a>(_: &'a u8) -> crate::b::B<'a> {}",
        "#[cfg(test)] const T: [u8; 2] = [1, 2]; use crate::b::B;",
        "#[cfg(test)] fn t<A, B>() -> [u8; 2] {} use crate::b::B;",
        "#[cfg(test)] const fn t() {} use crate::b::B; const C: u8 = 1;",
        "struct S { #[cfg(test)] t: Vec<(u8, u8)>, b: crate::b::B }",
        "enum E { #[cfg(test)] T { t: u8 }, B(crate::b::B) }",
        "#[cfg(test)] prop! { a, b } use crate::b::B;",
        "fn f() { match x { #[cfg(test)] T => { 1 } B => crate::b::g() } }",
        "fn f() { #[cfg(test)] if x { 1 } else { 2 } crate::b::g() }",
        "fn f() { #[cfg(test)] { 1 } crate::b::g() }",
        "use crate::b; struct A; impl A { fn b(&self) { b::B } }",
    ]:
        assert two(text, uses_a) == circle, text
    # What is none.
    for text in [
        "",
        "// use crate::b::B;\n/* use crate::b::B; /* nested */ use crate::b::B; */",
        "/// [`B`](crate::b::B)\n//! use crate::b::B;\nfn f() {}",
        "const S: &str = \"use crate::b::B;\"; const R: &str = r#\"\" crate::b::B \"#;",
        "const S: &str = \"\\\" crate::b::B\"; const Q: char = '\\''; const B: &[u8] = b\"crate::b::B\";",
        "pub use crate::b::B;",
        "pub(crate) use crate::b::{B, C};",
        "pub use crate::b::*;",
        "pub use crate::b::B; struct S { B: u8 } fn f(s: S) { s.B }",
        "pub(in crate::b) struct A;",
        "use b::B; use ::b::B as C; fn f() { b::g() }",
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(test)] mod tests;",
        "#[cfg(all(test, unix))] use crate::b::{self, B};",
        "#[cfg(all(not(unix), test))] use crate::b::B;",
        "#[cfg(any(test, all(test, unix)))] use crate::b::B;",
        "#[cfg(not(not(test)))] use crate::b::B;",
        "#[cfg(test)] pub fn f<A, B>() { crate::b::g() }",
        "#[cfg(test)] pub(crate) fn f<A, B>() { crate::b::g() }",
        "fn f() { #[cfg(test)] let x = A { a: 1 }.g(crate::b::B); }",
        "fn f() { #[cfg(test)] if x { 1 } else { crate::b::g() } }",
        "#[cfg(test)] #[allow(unused)] pub(crate) const fn f() -> crate::b::B { crate::b::B }",
        "#[cfg(test)] const T: crate::b::B = crate::b::B { b: 1 };",
        "struct S { #[cfg(test)] t: crate::b::B, u: u8 }",
        "fn f() { #[cfg(test)] crate::b::g(); #[cfg(test)] { crate::b::g() } }",
        "#![cfg(test)] use crate::b::B;",
        "struct A; impl A { fn b(&self) { self.b.g() } }",
    ]:
        assert two(text, uses_a) == [], text

    # An item counts for the module that defines it, wherever it is taken from.
    root = "mod a; mod b; pub use b::B; use b::C;"
    for taken in ["crate::B", "super::B", "crate::C", "super::B as X"]:
        assert found(lib=root, a=f"use {taken}; pub struct A;", b=uses_a)[0] == circle, taken
    assert found(lib=root, a="fn f() { super::B::new() }", b=uses_a)[0] == circle
    assert found(lib="mod a; mod b; pub use b::*;", a="use crate::B;", b=uses_a)[0] == circle
    assert found(lib="mod a; mod b; pub use std::B;", a="use crate::B;", b=uses_a)[0] == []
    assert found(lib="mod a; mod b; pub struct B;", a="use crate::B;", b=uses_a)[0] == []
    # One of another crate counts for the module that it comes through.
    assert two("use crate::b::Mutex;", "pub use std::sync::Mutex; " + uses_a) == circle
    through = found(lib="mod a; mod b; mod c;", a="use crate::c::B;", b=uses_a, c="pub use crate::b::B as B;")[0]
    assert through == circle, through
    taken = "use super::*; fn f(_: B) {}"
    assert found(lib=root, a=taken, b=uses_a)[0] == circle
    assert found(lib=root, a="struct B; " + taken, b=uses_a)[0] == []
    renamed = found(lib="mod a; mod b; pub use b::B as Z;", a="use crate::Z;", b=uses_a)[0]
    assert renamed == circle, renamed

    # A circle of three, once, without what only leads to it; two circles; none.
    four = "mod a; mod b; mod c; mod d;"
    a, b, back = "use crate::b::B;", "fn f() {\n  B::new();\n}\nuse crate::c::C;", "use crate::a::A;"
    shown, lines = found(lib=four, a=a, b=b, c=back, d=back)
    assert shown == ["crate: a, b, c"], shown
    assert lines == ["a.rs:1: crate::b::B", "b.rs:4: crate::c::C", "c.rs:1: crate::a::A"], lines
    shown, lines = found(lib=four, a=a, b=back, c="use crate::d::D;\nfn f() { D::new() }", d="use crate::c::C;")
    assert shown == ["crate: a, b", "crate: c, d"] and len(lines) == 4, (shown, lines)
    assert len(found(lib=four, a="use crate::b::B;\nuse crate::c::C;", b=back, c="", d="")[1]) == 2
    assert found(lib=four, a=a, b="use crate::c::C;", c="", d=back) == ([], [])

    # Files of two directories that make a circle of the directories alone; inside one; with its root file.
    deep = dict(lib="mod a; mod b;", a="mod x; mod w;", b__mod="mod y; mod z;", a__w="", b__y="")
    assert found(a__x="use crate::b::y::Y;", b__z="use crate::a::w::W;", **deep)[0] == circle
    deep |= dict(b__z="")
    assert found(a__x="use super::w::W;", **deep | dict(a__w="use super::x::X;"))[0] == ["crate::a: w, x"]
    assert found(a__x="use crate::b::B;", **deep | dict(b__y="use crate::a::A;"))[0] == circle
    # Files elsewhere than by their names; the modules in such a file are beside it.
    moved = '#[path = "d/x.rs"] #[cfg(unix)] pub(crate) mod a; mod b;'
    assert found(lib=moved, d__x="mod y;", d__y="use crate::b::B;", b="use crate::a::A;")[0] == circle
    # A module and what is in it may know each other.
    assert found(a__x="use super::A; use crate::a::B;", **deep | dict(a="mod x; mod w; use x::X; pub struct A;"))[0] == []

    try:
        found(lib="mod missing;")
        raise AssertionError("a module without a file passes")
    except Failure as failure:
        assert "no file for `mod missing;`" in str(failure)


self_test()
