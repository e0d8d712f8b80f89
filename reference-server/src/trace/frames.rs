//! Resolves addresses to functions, files and lines.

use super::origin::{Origin, is_ours, module, origin};
use super::symbol::{readable, root};
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
struct Symbol {
    name: Option<String>,
    file: Option<String>,
    line: u32,
    column: u32,
    inlined: bool,
}

/// Converts the stacks to leaves. The program's own files get the paths in `files`.
pub(super) fn leaves(stacks: &[Stack], files: &BTreeSet<String>) -> Vec<TraceLeaf> {
    let mut known = HashMap::new();
    let mut sources = Sources::new();
    let mut leaves: Vec<TraceLeaf> = Vec::new();
    for stack in stacks {
        let leaf = leaf(trimmed(stack, &mut known), stack.cut, &mut sources);
        // Copies of one function at different addresses give equal leaves: by their lines they are one await.
        if !leaves.contains(&leaf) {
            leaves.push(leaf);
        }
    }
    let workspace = workspace(&leaves, files);
    for frame in leaves.iter_mut().flat_map(|leaf| &mut leaf.frames) {
        let Some(location) = &mut frame.location else { continue };
        if frame.kind == FrameKind::Own {
            if let Some(short) = workspace.as_ref().and_then(|path| location.file.strip_prefix(path.as_str())) {
                location.file = short.to_owned();
            }
            frame.source = Some(sources.text_at(location));
        }
    }
    leaves
}

/// The folder of the program's workspace, with its last `/`. Debug information has whole paths; locations have relative ones.
fn workspace(leaves: &[TraceLeaf], files: &BTreeSet<String>) -> Option<String> {
    let own = leaves.iter().flat_map(|leaf| leaf.frames.iter().rev()).filter(|frame| frame.kind == FrameKind::Own);
    let mut paths = own.filter_map(|frame| frame.location.as_ref()).map(|location| location.file.as_str());
    paths.find_map(|path| {
        let folder = files.iter().find_map(|file| {
            let relative = !Path::new(file).is_absolute();
            path.strip_suffix(file.replace('\\', "/").as_str()).filter(|folder| relative && folder.ends_with('/'))
        });
        folder.map(str::to_owned)
    })
}

fn leaf(symbols: Vec<Symbol>, cut: bool, sources: &mut Sources) -> TraceLeaf {
    let frames: Vec<TraceFrame> = symbols.into_iter().map(|symbol| frame(symbol, sources)).collect();
    let own = frames.iter().position(|frame| frame.kind == FrameKind::Own);
    with!(TraceLeaf::new(frames), own = own.and_then(|at| u32::try_from(at).ok()), cut)
}

fn frame(symbol: Symbol, sources: &mut Sources) -> TraceFrame {
    let Origin { kind, crate_name, file } = origin(symbol.file.as_deref(), symbol.name.as_deref().and_then(root));
    let location =
        file.filter(|_| symbol.line > 0).map(|file| SourceLocation::new(file, symbol.line, symbol.column.max(1)));
    let function = function(&symbol, location.as_ref().map(|location| location.file.as_str()), sources);
    with!(TraceFrame::new(kind), function, crate_name, location, inlined = symbol.inlined)
}

/// With `line-tables-only`, names have no paths, and the body of an async function is called `{async_fn#0}`. Then the module comes
/// from the file, and the function from the source.
fn function(symbol: &Symbol, shown: Option<&str>, sources: &mut Sources) -> Option<String> {
    let name = symbol.name.as_deref()?;
    let braces = name.starts_with('{');
    if !braces && (name.contains("::") || name.starts_with('<')) {
        return Some(readable(name));
    }
    let written = if braces { sources.function_at(symbol.file.as_deref()?, symbol.line) } else { Some(readable(name)) };
    match (shown.and_then(module), written) {
        (Some(module), Some(name)) => Some(format!("{module}::{name}")),
        (Some(only), None) | (None, Some(only)) => Some(only),
        (None, None) => None,
    }
}

/// The functions of a stack, without the functions that captured it and the functions outside of the task's own future.
fn trimmed(stack: &Stack, known: &mut HashMap<usize, Vec<Symbol>>) -> Vec<Symbol> {
    let mut resolve = |address: usize| known.entry(address).or_insert_with(|| symbols(address)).clone();
    let mut inner: Vec<Symbol> = Vec::new();
    let mut last = Vec::new();
    for address in &stack.addresses {
        inner.append(&mut last);
        last = resolve(*address);
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
