//! Resolves addresses to functions, files and lines.

use super::function;
use super::origin::{Origin, Origins, in_place_of, is_of_insight, is_ours, module};
use super::symbol::{plain, readable, root};
use crate::source::Sources;
use insight_probe::Stack;
use insight_protocol::{FrameKind, SourceLocation, TraceFrame, TraceLeaf, with};
use std::collections::{BTreeSet, HashMap};
use std::ffi::c_void;
use std::path::Path;

/// The function of the probe that captures the stack.
const FIRST: &str = "clone_tracing_";
const PROBE: &str = "insight_probe";

/// A function at an address, from the debug information.
#[derive(Clone, Debug, Default)]
pub(crate) struct Symbol {
    pub(crate) name: Option<String>,
    pub(crate) file: Option<String>,
    line: u32,
    column: u32,
    inlined: bool,
}

/// Maximum memory of the symbols that are kept, about, in bytes.
const MAX_KNOWN: usize = 8 << 20;

/// The symbols at each address, the innermost first.
#[derive(Default)]
struct Known {
    symbols: HashMap<usize, Vec<Symbol>>,
    bytes: usize,
}

impl Known {
    fn at(&mut self, address: usize) -> Vec<Symbol> {
        if let Some(symbols) = self.symbols.get(&address) {
            return symbols.clone();
        }
        let symbols = symbols(address);
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.bytes += symbols.iter().map(|it| size_of::<Symbol>() + text(&it.name) + text(&it.file)).sum::<usize>();
        self.symbols.insert(address, symbols.clone());
        symbols
    }
}

/// Reads the functions of stacks from the program's debug information.
pub(crate) struct Resolver {
    known: Known,
    sources: Sources,
    /// The folder of the program's workspace, with its last `/`. Debug information has whole paths; locations have relative
    /// ones.
    workspace: Option<String>,
    origins: Origins,
}

impl Resolver {
    pub(crate) fn new() -> Resolver {
        Resolver { known: Known::default(), sources: Sources::new(), workspace: None, origins: Origins::of_process() }
    }

    /// The functions of each stack, the innermost first. The program's own files get the paths in `files`.
    pub(crate) fn frames(&mut self, stacks: &[Stack], files: &BTreeSet<String>) -> Vec<Vec<(Symbol, TraceFrame)>> {
        let mut frames = Vec::new();
        for stack in stacks {
            let symbols = trimmed(stack, &mut self.known);
            frames.push(symbols.into_iter().map(|symbol| (symbol.clone(), self.frame(symbol))).collect::<Vec<_>>());
        }
        if self.workspace.is_none() {
            let outermost_first = frames.iter().flat_map(|frames| frames.iter().rev().map(|(_, frame)| frame));
            self.workspace = workspace(outermost_first, files);
        }
        for (_, frame) in frames.iter_mut().flatten() {
            let Some(location) = frame.location.as_mut().filter(|_| frame.kind == FrameKind::Own) else { continue };
            if let Some(short) = self.workspace.as_ref().and_then(|path| location.file.strip_prefix(path.as_str())) {
                location.file = short.to_owned();
            }
        }
        if self.known.bytes > MAX_KNOWN {
            self.known = Known::default();
        }
        frames
    }

    /// The future whose `poll` the function is, from its `impl` in the source: the function's name may lack it.
    pub(crate) fn future_of(&mut self, symbol: &Symbol) -> Option<String> {
        if symbol.name.as_deref().is_none_or(|name| root(name).is_some() || plain(name) != "poll") {
            return None;
        }
        let file = symbol.file.as_deref()?;
        let of = self.sources.implementation_at(file, symbol.line)?;
        Some(match module(&file.replace('\\', "/")) {
            Some(module) => format!("{module}::{of}"),
            None => of,
        })
    }

    #[cfg(test)]
    pub(crate) fn frame_of(&mut self, name: &str, file: Option<&str>) -> (Symbol, TraceFrame) {
        let (name, file) = (Some(name.to_owned()), file.map(str::to_owned));
        let symbol = Symbol { name, file, line: 1, column: 1, inlined: false };
        (symbol.clone(), self.frame(symbol))
    }

    /// Ends a batch of stacks: files that were read for it are forgotten, and so is their thread.
    pub(crate) fn end_batch(&mut self) {
        self.sources.rest();
    }
}

/// Converts the stacks to leaves. The program's own files get the paths in `files`.
pub(super) fn leaves(stacks: &[Stack], files: &BTreeSet<String>) -> Vec<TraceLeaf> {
    let mut resolver = Resolver::new();
    let mut leaves: Vec<TraceLeaf> = Vec::new();
    for (stack, frames) in stacks.iter().zip(resolver.frames(stacks, files)) {
        let function = function::awaited(&frames, &mut resolver).function;
        let frames: Vec<TraceFrame> = frames.into_iter().map(|(_, frame)| as_known(frame)).collect();
        let own = frames.iter().position(|frame| frame.kind == FrameKind::Own);
        let own = own.and_then(|at| u32::try_from(at).ok());
        let mut leaf = with!(TraceLeaf::new(frames), function, own, cut = stack.cut);
        for frame in leaf.frames.iter_mut().filter(|frame| frame.kind == FrameKind::Own) {
            frame.source = frame.location.as_ref().map(|location| resolver.sources.text_at(location));
        }
        // Copies of one function at different addresses give equal leaves: by their lines they are one await.
        if !leaves.contains(&leaf) {
            leaves.push(leaf);
        }
    }
    leaves
}

/// The frame as the program's author knows it: a facade has the names of the crate that it replaces.
fn as_known(mut frame: TraceFrame) -> TraceFrame {
    if frame.crate_name.as_deref().is_some_and(is_of_insight) {
        for name in [&mut frame.function, &mut frame.crate_name].into_iter().flatten() {
            *name = in_place_of(name).unwrap_or_else(|| std::mem::take(name));
        }
    }
    frame
}

fn workspace<'f>(frames: impl Iterator<Item = &'f TraceFrame>, files: &BTreeSet<String>) -> Option<String> {
    let own = frames.filter(|frame| frame.kind == FrameKind::Own);
    let mut paths = own.filter_map(|frame| frame.location.as_ref()).map(|location| location.file.as_str());
    paths.find_map(|path| {
        let folder = files.iter().find_map(|file| {
            let relative = !Path::new(file).is_absolute();
            path.strip_suffix(file.replace('\\', "/").as_str()).filter(|folder| relative && folder.ends_with('/'))
        });
        folder.map(str::to_owned)
    })
}

impl Resolver {
    fn frame(&mut self, symbol: Symbol) -> TraceFrame {
        let Origin { kind, crate_name, file } =
            self.origins.origin(symbol.file.as_deref(), symbol.name.as_deref().and_then(root));
        let sources = &mut self.sources;
        let location =
            file.filter(|_| symbol.line > 0).map(|file| SourceLocation::new(file, symbol.line, symbol.column.max(1)));
        let function = function(&symbol, location.as_ref().map(|location| location.file.as_str()), sources);
        with!(TraceFrame::new(kind), function, crate_name, location, inlined = symbol.inlined)
    }
}

/// With `line-tables-only`, names have no paths, and the body of an async function is called `{async_fn#0}`. Then the module comes
/// from the file, and the function and its type from the source.
fn function(symbol: &Symbol, shown: Option<&str>, sources: &mut Sources) -> Option<String> {
    let name = symbol.name.as_deref()?;
    let braces = name.starts_with('{');
    // The types in `poll<hyper::Body>` have paths, and the function has none.
    if !braces && (plain(name).contains("::") || name.starts_with('<')) {
        return Some(readable(name));
    }
    let file = symbol.file.as_deref();
    let written = if braces { sources.function_at(file?, symbol.line) } else { Some(readable(name)) };
    let of = file.and_then(|file| sources.implementation_at(file, symbol.line));
    let written = match (of, written) {
        (Some(of), Some(name)) => Some(format!("{of}::{name}")),
        (_, written) => written,
    };
    match (shown.and_then(module), written) {
        (Some(module), Some(name)) => Some(format!("{module}::{name}")),
        (Some(only), None) | (None, Some(only)) => Some(only),
        (None, None) => None,
    }
}

/// The functions of a stack, without the functions that captured it and the functions outside of the task's own future.
fn trimmed(stack: &Stack, known: &mut Known) -> Vec<Symbol> {
    let mut inner: Vec<Symbol> = Vec::new();
    let mut last = Vec::new();
    for address in &stack.addresses {
        inner.append(&mut last);
        last = known.at(*address);
    }
    // Here the probe polls the future. The outer functions of this frame were inlined around that call.
    if let Some(at) = last.iter().rposition(is_probe) {
        last.truncate(at + 1);
    }
    inner.append(&mut last);
    while inner.last().is_some_and(is_probe) {
        inner.pop();
    }
    let first = inner.iter().position(|symbol| symbol.name.as_ref().is_some_and(|name| name.contains(FIRST)));
    let mut rest = inner.split_off(first.map_or(0, |first| first + 1));
    let is_clone = |symbol: &Symbol| {
        let name = symbol.name.as_deref().unwrap_or_default();
        let file = symbol.file.as_deref().unwrap_or_default();
        name.contains("clone") && (name.contains("task::wake::Waker") || file.ends_with("core/src/task/wake.rs"))
    };
    let clones = rest.iter().take_while(|symbol| is_clone(symbol)).count();
    rest.split_off(clones)
}

fn is_probe(symbol: &Symbol) -> bool {
    symbol.name.as_deref().and_then(root) == Some(PROBE)
        || symbol.file.as_deref().is_some_and(|file| is_ours(&file.replace('\\', "/")))
}

fn symbols(address: usize) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    let _resolving = crate::fork::resolving();
    backtrace::resolve(address as *mut c_void, |symbol| {
        symbols.push(Symbol {
            name: symbol.name().map(|name| format!("{name:#}")),
            file: symbol.filename().map(|path| path.to_string_lossy().into_owned()),
            line: symbol.lineno().unwrap_or(0),
            column: symbol.colno().unwrap_or(0),
            inlined: true,
        });
    });
    match symbols.last_mut() {
        Some(last) => last.inlined = false,
        None => symbols.push(Symbol::default()),
    }
    symbols
}

/// Drops the debug information that was read from memory. The next address reads it again.
pub(crate) fn forget_debug_information() {
    let _resolving = crate::fork::resolving();
    backtrace::clear_symbol_cache();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_of_a_facade_has_the_names_of_the_replaced_crate() {
        let mut resolver = Resolver::new();
        let facade = insight_probe::SOURCE_FILE.replace("probe", "tokio").replace("lib.rs", "sync/mutex.rs");
        let mut check = |name: &str, file: &str, expect: (&str, &str)| {
            let frame = as_known(resolver.frame_of(name, Some(file)).1);
            assert_eq!((frame.function.as_deref().unwrap(), frame.crate_name.as_deref().unwrap()), expect);
        };
        let lock = ("tokio::sync::mutex::Mutex::lock", "tokio");
        check("insight_tokio::sync::mutex::Mutex<T>::lock::{{closure}}", &facade, lock);
        // An own function with such a name is not of a facade.
        check("task::run", "/app/src/main.rs", ("task::run", "task"));
    }
}
