//! The modules of a crate, their names, and the files in which the named items are.

use super::{Needed, Needs};
use crate::process::Result;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use syn::punctuated::Punctuated;
use syn::{Attribute, Item, Meta, Token, UseTree, Visibility};

/// Maximum number of re-exports in a row. It stops the search for a name that leads to itself.
const MOST_STEPS: usize = 64;

/// Reads the text of a file, if there is one.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// All modules of a crate. The first one is the root.
#[derive(Default)]
pub struct Crate {
    modules: Vec<Module>,
    files: Vec<PathBuf>,
}

struct Module {
    file: usize,
    parent: usize,
    /// If a module and a function have one name, this is the function.
    names: BTreeMap<String, Name>,
    modules: BTreeMap<String, usize>,
    /// The modules whose names are all imported.
    globs: Vec<(Vec<String>, Import)>,
    /// Code of other items than `use` and `mod`.
    code: Vec<TokenStream>,
}

enum Name {
    Item { is_type: bool, is_function: bool },
    Module(usize),
    Import(Vec<String>, Import),
}

#[derive(Clone, Copy, PartialEq)]
enum Import {
    Private,
    ReExport,
}

/// The module or item that a path names.
enum Target {
    Module(usize),
    Item { file: usize, needed: Needed },
}

impl Crate {
    /// Reads a crate, beginning with its first file.
    pub fn read(source: &Path, read: ReadFile<'_>) -> Result<Crate> {
        let mut all = Crate::default();
        let folder = source.parent().unwrap_or(Path::new("")).to_owned();
        all.read_file(source, &folder, 0, read)?;
        Ok(all)
    }

    /// Reads a file and its modules, which are in `folder`. Returns the index of its module.
    fn read_file(&mut self, path: &Path, folder: &Path, parent: usize, read: ReadFile<'_>) -> Result<usize> {
        let text = read(path).ok_or(format!("cannot read {}", path.display()))?;
        let parsed = syn::parse_file(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        self.files.push(path.to_owned());
        self.read_module(self.files.len() - 1, parsed.items, folder, parent, read)
    }

    fn read_module(
        &mut self,
        file: usize,
        items: Vec<Item>,
        folder: &Path,
        parent: usize,
        read: ReadFile<'_>,
    ) -> Result<usize> {
        let module = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            names: BTreeMap::new(),
            modules: BTreeMap::new(),
            globs: Vec::new(),
            code: Vec::new(),
        });
        for item in items {
            if is_test(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    let inner = folder.join(&name);
                    let index = match child.content {
                        Some((_, items)) => self.read_module(file, items, &inner, module, read)?,
                        None => {
                            let beside = folder.join(format!("{name}.rs"));
                            let path = if read(&beside).is_some() { beside } else { inner.join("mod.rs") };
                            self.read_file(&path, &inner, module, read)?
                        }
                    };
                    self.modules[module].modules.insert(name.clone(), index);
                    self.modules[module].names.entry(name).or_insert(Name::Module(index));
                }
                Item::Use(import) => {
                    let kind = match import.vis {
                        Visibility::Inherited => Import::Private,
                        _ => Import::ReExport,
                    };
                    self.modules[module].import(&import.tree, &[], kind);
                }
                item => {
                    if let Some((name, is_type, is_function)) = defined(&item) {
                        self.modules[module].names.insert(name, Name::Item { is_type, is_function });
                    }
                    self.modules[module].code.push(item.into_token_stream());
                }
            }
        }
        Ok(module)
    }

    /// The items that each file needs of the others.
    pub fn needs(self) -> Needs {
        let mut needs = Needs::default();
        for (index, module) in self.modules.iter().enumerate() {
            let mut paths: Vec<Vec<String>> = Vec::new();
            for name in module.names.values() {
                match name {
                    Name::Import(path, Import::Private) => paths.push(path.clone()),
                    Name::Item { is_type: true, .. } => {
                        needs.define_types.insert(module.file);
                    }
                    _ => {}
                }
            }
            module.code.iter().for_each(|code| paths_in(code.clone(), &mut paths));
            for path in paths {
                if let Some(Target::Item { file, needed }) = self.resolve(index, &path, 0)
                    && file != module.file
                {
                    needs.of.entry((module.file, file)).or_default().insert(needed);
                }
            }
            for (path, import) in &module.globs {
                if let (Import::Private, Some(Target::Module(of))) = (import, self.resolve(index, path, 0))
                    && self.modules[of].file != module.file
                {
                    let needed = Needed { name: "*".to_owned(), is_type: false, is_function: false };
                    needs.of.entry((module.file, self.modules[of].file)).or_default().insert(needed);
                }
            }
        }
        needs.files = self.files;
        needs
    }

    /// The module or item that a path names. `None` for an item of another crate, and for a local name, such as a variable.
    fn resolve(&self, module: usize, path: &[String], steps: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(module),
            "super" => Target::Module(self.modules[module].parent),
            name => self.module(module, name, !rest.is_empty()).or_else(|| self.named(module, name, steps))?,
        };
        for (index, name) in rest.iter().enumerate() {
            let Target::Module(module) = at else { break };
            if let Some(inner) = self.module(module, name, index + 1 < rest.len()) {
                at = inner;
                continue;
            }
            at = match name.as_str() {
                "super" => Target::Module(self.modules[module].parent),
                "self" => Target::Module(module),
                // An unknown name was made by a macro. It is in the module's own file.
                name => self.named(module, name, steps).unwrap_or(Target::Item {
                    file: self.modules[module].file,
                    needed: Needed { name: name.to_owned(), is_type: false, is_function: false },
                }),
            };
        }
        Some(at)
    }

    /// The module of this name, if another name follows it in the path: a function may have the same name.
    fn module(&self, module: usize, name: &str, followed: bool) -> Option<Target> {
        self.modules[module].modules.get(name).filter(|_| followed).map(|inner| Target::Module(*inner))
    }

    fn named(&self, module: usize, name: &str, steps: usize) -> Option<Target> {
        if steps > MOST_STEPS {
            return None;
        }
        let here = &self.modules[module];
        match here.names.get(name) {
            Some(Name::Module(index)) => Some(Target::Module(*index)),
            Some(Name::Item { is_type, is_function }) => {
                let needed = Needed { name: name.to_owned(), is_type: *is_type, is_function: *is_function };
                Some(Target::Item { file: here.file, needed })
            }
            Some(Name::Import(path, _)) => self.resolve_import(module, path, steps + 1),
            None => here.globs.iter().find_map(|(path, _)| match self.resolve_import(module, path, steps + 1)? {
                Target::Module(of) => self.named(of, name, steps + 1),
                Target::Item { .. } => None,
            }),
        }
    }

    /// Like [`resolve`](Crate::resolve) for the path of an import. A name that is imported as itself belongs to another crate.
    fn resolve_import(&self, module: usize, path: &[String], steps: usize) -> Option<Target> {
        let is_itself = match self.modules[module].names.get(path.first()?) {
            Some(Name::Import(other, _)) => other == path,
            _ => false,
        };
        if is_itself { None } else { self.resolve(module, path, steps) }
    }
}

impl Module {
    fn import(&mut self, tree: &UseTree, before: &[String], kind: Import) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), kind),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before, kind)),
            UseTree::Glob(_) => self.globs.push((before.to_vec(), kind)),
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                self.names.insert(last, Name::Import(before.to_vec(), kind));
            }
            UseTree::Name(name) => self.take_in(name.ident.to_string(), with(&name.ident), kind),
            UseTree::Rename(rename) => self.take_in(rename.rename.to_string(), with(&rename.ident), kind),
        }
    }

    fn take_in(&mut self, name: String, path: Vec<String>, kind: Import) {
        // A trait that is imported only for its methods has no name.
        let name = if name == "_" { format!("_ {}", path.join("::")) } else { name };
        // A macro is re-exported under its own name.
        self.names.entry(name).or_insert(Name::Import(path, kind));
    }
}

/// The name that an item defines, and whether the item is a type or a trait, or a function.
fn defined(item: &Item) -> Option<(String, bool, bool)> {
    Some(match item {
        Item::Struct(item) => (item.ident.to_string(), true, false),
        Item::Enum(item) => (item.ident.to_string(), true, false),
        Item::Union(item) => (item.ident.to_string(), true, false),
        Item::Trait(item) => (item.ident.to_string(), true, false),
        Item::Type(item) => (item.ident.to_string(), true, false),
        Item::Fn(item) => (item.sig.ident.to_string(), false, true),
        Item::Const(item) => (item.ident.to_string(), false, false),
        Item::Static(item) => (item.ident.to_string(), false, false),
        Item::Macro(item) => (item.ident.as_ref()?.to_string(), false, false),
        _ => return None,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item exists only in tests.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args::<Meta>().is_ok_and(|condition| holds(&condition) == Some(false))
        }
        meta => meta.path().is_ident("test"),
    })
}

/// Whether a condition of `cfg` holds in a build without `test`. `None` if it depends on something else.
fn holds(condition: &Meta) -> Option<bool> {
    let Meta::List(list) = condition else {
        return condition.path().is_ident("test").then_some(false);
    };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
    let parts: Vec<Option<bool>> = parts.iter().map(holds).collect();
    // One false part decides `all`, and one true part decides `any`.
    let decided_by = |deciding: bool| {
        let others = parts.iter().all(|part| *part == Some(!deciding)).then_some(!deciding);
        if parts.contains(&Some(deciding)) { Some(deciding) } else { others }
    };
    match () {
        () if list.path.is_ident("not") => parts.first().copied().flatten().map(|holds| !holds),
        () if list.path.is_ident("all") => decided_by(false),
        () if list.path.is_ident("any") => decided_by(true),
        () => None,
    }
}

/// The paths in a piece of code, and in `use` within functions. A single name is a path, unless it is a field or a method.
fn paths_in(code: TokenStream, paths: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    let is =
        |at: usize, punct: char| matches!(tokens.get(at), Some(TokenTree::Punct(found)) if found.as_char() == punct);
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => paths_in(group.stream(), paths),
            TokenTree::Ident(first) => {
                let is_part = at > 0 && (is(at - 1, '.') && !(at > 1 && is(at - 2, '.')) || is(at - 1, '\''));
                let is_outer = at > 1 && is(at - 1, ':') && is(at - 2, ':');
                let mut path = vec![first.to_string()];
                while is(at + 1, ':') && is(at + 2, ':') {
                    match tokens.get(at + 3) {
                        Some(TokenTree::Ident(next)) => path.push(next.to_string()),
                        Some(TokenTree::Group(group)) => {
                            // `use a::{b, c}` within a function.
                            let mut inner = Vec::new();
                            paths_in(group.stream(), &mut inner);
                            paths.extend(inner.into_iter().map(|inner| [&path[..], &inner[..]].concat()));
                            break;
                        }
                        _ => break,
                    }
                    at += 3;
                }
                if !is_part && !is_outer {
                    paths.push(path);
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn condition_is_for_tests_if_it_is_false_without_test() {
        for (condition, expect) in [
            ("test", Some(false)),
            ("loom", None),
            ("all(test, loom)", Some(false)),
            ("all(not(test), loom)", None),
            ("not(all(test, loom))", Some(true)),
            ("any(test, unix)", None),
            ("any(test, all(test, unix))", Some(false)),
            ("feature = \"futures\"", None),
        ] {
            assert_eq!(holds(&syn::parse_str(condition).unwrap()), expect, "{condition}");
        }
    }

    #[test]
    fn paths_are_found_in_code() {
        let mut paths = Vec::new();
        paths_in("fn f(a: b::C) { self.d(crate::e::f!(g::h::<I>())); use j::{k, l::m}; }".parse().unwrap(), &mut paths);
        let paths: BTreeSet<String> = paths.iter().map(|path| path.join("::")).collect();
        for path in ["b::C", "crate::e::f", "g::h", "I", "j::k", "j::l::m"] {
            assert!(paths.contains(path), "{path} is not in {paths:?}");
        }
        assert!(!paths.contains("d"), "{paths:?}");
    }
}
