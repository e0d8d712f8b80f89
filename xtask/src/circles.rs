//! `cargo xtask circles`: source files of a crate that need each other.
//!
//! File A needs file B if code of A names an item that B defines: in a `use`, in a path, or by a name that A re-exports and
//! uses itself. Names are followed through re-exports and modules to the file that has the item. A re-export alone needs
//! nothing, and neither does `mod` or a `use` of a module without its items. Method calls are not analysed. Tests are
//! left out: all code under a `cfg` that is false without `test`.
//!
//! A circle is a list of files. Each file needs the next file, and the last file needs the first one.
//!
//! One circle of two files is allowed: a type and its constructor. One file defines the type, and the other file needs only
//! this type from it. The first file needs only functions of the other file, which defines no type and no trait.

mod names;

use crate::process::{Result, cargo, root};
use names::Crate;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

/// The crates that are checked if the arguments name none.
const CRATES: [&str; 2] = ["insight-probe", "insight-model"];

/// Prints the circles of each crate. Fails if there is one.
pub fn run(names: &[&str]) -> Result {
    let names = if names.is_empty() { &CRATES } else { names };
    let sources = lib_sources()?;
    let mut found = 0;
    for name in names {
        let source = sources.get(*name).ok_or(format!("no library of the workspace is named {name}"))?;
        let read = |path: &Path| std::fs::read_to_string(path).ok();
        let needs = Crate::read(source, &read)?.needs();
        let circles = circles(&needs);
        println!("xtask: {name}: {} files, {}", needs.files.len(), count(circles.len()));
        for circle in &circles {
            print!("{}", text(circle, &needs));
        }
        for (one, other) in needs.allowed() {
            println!("  a type and its constructor: {} and {}", needs.name(one), needs.name(other));
        }
        found += circles.len();
    }
    if found == 0 { Ok(()) } else { Err(format!("{}: move the common items to a file that both need", count(found))) }
}

fn count(circles: usize) -> String {
    match circles {
        0 => "no circle of files".to_owned(),
        1 => "1 circle of files".to_owned(),
        _ => format!("{circles} circles of files"),
    }
}

/// The first source file of each library of the workspace, by the library's package.
fn lib_sources() -> Result<BTreeMap<String, PathBuf>> {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output();
    let output = output.map_err(|error| format!("cannot start cargo: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let mut sources = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let lib = package["targets"].as_array().into_iter().flatten().find(|target| target["kind"][0] == "lib");
        if let (Some(name), Some(source)) = (package["name"].as_str(), lib.and_then(|lib| lib["src_path"].as_str())) {
            sources.insert(name.to_owned(), PathBuf::from(source));
        }
    }
    Ok(sources)
}

/// The files of a crate, and the items that each needs of the others.
#[derive(Debug, Default)]
pub struct Needs {
    files: Vec<PathBuf>,
    /// By file and needed file: the names of the needed items.
    of: BTreeMap<(usize, usize), BTreeSet<Needed>>,
    /// The files that define a type or a trait.
    define_types: BTreeSet<usize>,
}

/// An item that a file needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needed {
    name: String,
    is_type: bool,
    is_function: bool,
}

impl Needs {
    /// The path of a file from the root of the repository.
    fn name(&self, file: usize) -> String {
        let path = &self.files[file];
        path.strip_prefix(root()).unwrap_or(path).display().to_string()
    }

    /// The allowed circles.
    fn allowed(&self) -> Vec<(usize, usize)> {
        let pairs = self.of.keys().filter(|(one, other)| one < other && self.is_type_and_constructor(*one, *other));
        pairs.copied().collect()
    }

    /// Whether two files need each other only as a type and its constructor.
    fn is_type_and_constructor(&self, one: usize, other: usize) -> bool {
        let excepted = |with_type: usize, constructor: usize| {
            let (Some(of_type), Some(of_constructor)) =
                (self.of.get(&(constructor, with_type)), self.of.get(&(with_type, constructor)))
            else {
                return false;
            };
            of_type.len() == 1
                && of_type.iter().all(|needed| needed.is_type)
                && of_constructor.iter().all(|needed| needed.is_function)
                && !self.define_types.contains(&constructor)
        };
        excepted(one, other) || excepted(other, one)
    }
}

/// The shortest circle through each need, each circle once. A need between a type and its constructor is not followed.
fn circles(needs: &Needs) -> Vec<Vec<usize>> {
    let mut next: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (from, to) in needs.of.keys() {
        if !needs.is_type_and_constructor(*from, *to) {
            next.entry(*from).or_default().push(*to);
        }
    }
    let mut circles = BTreeSet::new();
    for (from, all) in &next {
        for to in all {
            if let Some(mut circle) = way(&next, *to, *from) {
                let least = circle.iter().enumerate().min_by_key(|(_, file)| **file).map_or(0, |(at, _)| at);
                circle.rotate_left(least);
                circles.insert((circle.len(), circle));
            }
        }
    }
    circles.into_iter().map(|(_, circle)| circle).collect()
}

/// The shortest list of files from one file to another. Each file of the list needs the next one.
fn way(next: &BTreeMap<usize, Vec<usize>>, from: usize, to: usize) -> Option<Vec<usize>> {
    let mut before = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(file) = queue.pop_front() {
        if file == to {
            let mut way = vec![to];
            while let Some(last) = way.last().copied().filter(|last| *last != from) {
                way.push(before[&last]);
            }
            way.reverse();
            return Some(way);
        }
        for needed in next.get(&file).into_iter().flatten() {
            if !before.contains_key(needed) {
                before.insert(*needed, file);
                queue.push_back(*needed);
            }
        }
    }
    None
}

/// The text of a circle: a line for each need.
fn text(circle: &[usize], needs: &Needs) -> String {
    let mut text = format!("  {} files:\n", circle.len());
    for (at, from) in circle.iter().enumerate() {
        let to = circle[(at + 1) % circle.len()];
        let names: Vec<&str> = needs.of[&(*from, to)].iter().map(|needed| needed.name.as_str()).collect();
        text += &format!("    {} needs {} of {}\n", needs.name(*from), names.join(", "), needs.name(to));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the circles of a crate with these files.
    fn check(files: &[(&str, &str)], expect: &[&[&str]]) {
        let read = |path: &Path| {
            let name = path.to_str()?;
            files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned())
        };
        let needs = Crate::read(Path::new("lib.rs"), &read).unwrap().needs();
        let names: Vec<Vec<&str>> = circles(&needs)
            .iter()
            .map(|circle| circle.iter().map(|file| needs.files[*file].to_str().unwrap()).collect())
            .collect();
        assert_eq!(names, expect);
    }

    const LIB: (&str, &str) = ("lib.rs", "mod a; mod b; mod c;");
    const STRUCT: &str = "pub struct C;";

    #[test]
    fn files_that_need_each_other_are_a_circle() {
        let b = ("b.rs", "use crate::c::C; pub struct B(C);");
        check(&[LIB, ("a.rs", "use crate::b::B; pub fn a(_: B) {}"), b, ("c.rs", STRUCT)], &[]);
        check(
            &[
                LIB,
                ("a.rs", "use crate::b::B; pub struct A(B);"),
                b,
                ("c.rs", "pub struct C(Option<Box<super::a::A>>);"),
            ],
            &[&["a.rs", "b.rs", "c.rs"]],
        );
        check(
            &[
                LIB,
                ("a.rs", "pub struct A; fn f() { crate::b::g() }"),
                ("b.rs", "use super::a::*; pub fn g() {} pub struct B;"),
                ("c.rs", ""),
            ],
            &[&["a.rs", "b.rs"]],
        );
    }

    #[test]
    fn a_name_is_followed_to_the_file_that_has_it() {
        let lib = ("lib.rs", "mod a; mod b; mod c; pub use a::A; use b as other;");
        // Through the root, through a module's re-export, through an alias, and in the tokens of a macro.
        for (b, c) in [
            ("pub struct B(crate::A);", ""),
            (
                "pub use crate::c::C; use crate::c; pub struct B; pub fn f() { c::g() }",
                "use crate::A; pub fn g() {} pub struct C(A);",
            ),
            ("use crate::other; pub struct B; fn f() { vec![crate::a::A::new()]; }", ""),
        ] {
            let circle: &[&str] = if c.is_empty() { &["a.rs", "b.rs"] } else { &["a.rs", "b.rs", "c.rs"] };
            check(&[lib, ("a.rs", "use crate::b::B; pub struct A(B);"), ("b.rs", b), ("c.rs", c)], &[circle]);
        }
    }

    #[test]
    fn a_module_and_a_function_may_have_one_name() {
        let lib = ("lib.rs", "mod a; mod b; mod c; pub fn c() -> a::A { a::A }");
        let b = ("b.rs", "use crate::c::C; pub struct B(C);");
        check(&[lib, ("a.rs", "use crate::b::B; pub struct A(B);"), b, ("c.rs", STRUCT)], &[]);
    }

    #[test]
    fn needs_of_names_and_tests_are_no_circle() {
        let a = ("a.rs", "use crate::b::B; pub struct A(B);");
        for b in [
            "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
            "pub struct B; #[cfg(all(test, loom))] use crate::a::A;",
            "pub struct B; pub use crate::a::A;",
            "pub struct B; use crate::a;",
            "pub struct B; pub(in crate) fn f() { let a = std::a::A; }",
        ] {
            check(&[LIB, a, ("b.rs", b), ("c.rs", "")], &[]);
        }
        check(
            &[LIB, a, ("b.rs", "pub struct B; #[cfg(not(test))] use crate::a::A;"), ("c.rs", "")],
            &[&["a.rs", "b.rs"]],
        );
        // A file that uses a name that it re-exports needs the item.
        check(&[LIB, a, ("b.rs", "pub use crate::a::A; pub struct B(A);"), ("c.rs", "")], &[&["a.rs", "b.rs"]]);
    }

    #[test]
    fn a_type_and_its_constructor_are_allowed() {
        let a = ("a.rs", "use crate::b::make; pub struct A; impl A { pub fn new() -> A { make() } }");
        check(&[LIB, a, ("b.rs", "use crate::a::A; pub fn make() -> A { A }"), ("c.rs", "")], &[]);
        // A constructor with a type of its own, and one with a second need, are not allowed.
        for b in [
            "use crate::a::A; pub struct B; pub fn make() -> A { A }",
            "use crate::a::{A, f}; pub fn make() -> A { f() }",
        ] {
            check(&[LIB, a, ("b.rs", b), ("c.rs", "")], &[&["a.rs", "b.rs"]]);
        }
    }
}
