//! The awaited function, as its user knows it: the function that the innermost own frame calls.
//!
//! Between that frame and the function, there may be wrappers that only poll another future. They are skipped. A facade of insight
//! is skipped, too: within it there is the function of the real crate.

use super::frames::{Resolver, Symbol};
use super::origin::is_of_insight;
use super::symbol::{implementation, plain, readable, root};
use insight_protocol::{FrameKind, TraceFrame};

/// Futures and functions that only poll another one, by the beginning of their path.
const WRAPPERS: &[&str] = &[
    "alloc::",
    "async_std::future::",
    "async_std::stream::stream::next::",
    "core::",
    "futures_core::",
    "futures_lite::future::",
    "futures_lite::stream::NextFuture",
    "futures_util::async_await::",
    "futures_util::future::",
    "futures_util::sink::",
    "futures_util::stream::stream::",
    "futures_util::stream::try_stream::",
    "std::",
    "tokio::future::",
    "tokio::macros::",
    "tokio::runtime::coop::",
    "tokio::task::coop::",
    "tokio::task::task_local::",
    "tokio::task::unconstrained::",
    "tokio::time::timeout::",
    "tokio_stream::stream_ext::",
    "tokio_util::future::",
    "tracing::instrument::",
    "tracing_futures::",
];

/// Parts of paths of functions that keep a waker for the function that the user awaits.
const PLUMBING: &[&str] = &[
    "atomic_waker",
    "AtomicWaker",
    "waker_list",
    "WakerRef",
    "with_mut",
    "catch_unwind",
    "__rust_try",
    "rust_begin_short",
];

/// Files of macros that poll the futures in their branches.
const MACROS: &[&str] = &["/src/macros/", "/src/async_await/"];

/// Modules of reading and writing futures. Each future has the name of its method, in a module of its own.
const IO: &[&str] = &[
    "tokio::io::util::",
    "futures_util::io::",
    "futures_lite::io::",
    "async_std::io::read::",
    "async_std::io::write::",
    "async_std::io::buf_read::",
];

/// Futures of [`IO`] that belong to a function, and not to a method of the type that is read.
const IO_FUNCTIONS: &[&str] = &["copy", "copy_abortable", "copy_bidirectional", "copy_buf", "copy_buf_abortable"];

/// The public path of an item that is defined in a private module, by the beginning of its path.
const PUBLIC: &[(&str, &str)] = &[
    ("async_channel::Recv", "async_channel::Receiver::recv"),
    ("async_channel::Send", "async_channel::Sender::send"),
    ("async_lock::mutex::", "async_lock::"),
    ("async_lock::rwlock::futures::", "async_lock::"),
    ("async_lock::rwlock::", "async_lock::"),
    ("async_lock::semaphore::", "async_lock::"),
    ("async_lock::barrier::", "async_lock::"),
    ("flume::async::", "flume::"),
    ("futures_channel::mpsc::sink_impl::", "futures_channel::mpsc::"),
    (
        "futures_intrusive::channel::channel_future::ChannelReceiveFuture",
        "futures_intrusive::channel::Channel::receive",
    ),
    ("futures_intrusive::channel::channel_future::ChannelSendFuture", "futures_intrusive::channel::Channel::send"),
    ("futures_intrusive::channel::state_broadcast::", "futures_intrusive::channel::"),
    (
        "futures_intrusive::sync::manual_reset_event::GenericWaitForEventFuture",
        "futures_intrusive::sync::ManualResetEvent::wait",
    ),
    ("futures_intrusive::sync::mutex::GenericMutexLockFuture", "futures_intrusive::sync::Mutex::lock"),
    (
        "futures_intrusive::sync::semaphore::GenericSemaphoreAcquireFuture",
        "futures_intrusive::sync::Semaphore::acquire",
    ),
    ("futures_util::future::future::", "futures_util::future::"),
    ("futures_util::future::try_future::", "futures_util::future::"),
    ("futures_util::lock::mutex::", "futures_util::lock::"),
    ("futures_util::stream::futures_unordered::", "futures_util::stream::"),
    ("hyper_util::client::legacy::client::", "hyper_util::client::legacy::"),
    ("reqwest::async_impl::client::", "reqwest::"),
    ("reqwest::async_impl::response::", "reqwest::"),
    ("tokio::fs::dir_builder::", "tokio::fs::"),
    ("tokio::fs::file::", "tokio::fs::"),
    ("tokio::fs::open_options::", "tokio::fs::"),
    ("tokio::fs::read_dir::", "tokio::fs::"),
    ("tokio::io::split::", "tokio::io::"),
    ("tokio::io::stdin::", "tokio::io::"),
    ("tokio::io::util::mem::", "tokio::io::"),
    ("tokio::io::util::", "tokio::io::"),
    ("tokio::net::tcp::listener::", "tokio::net::"),
    ("tokio::net::tcp::socket::", "tokio::net::"),
    ("tokio::net::tcp::split::", "tokio::net::tcp::"),
    ("tokio::net::tcp::split_owned::", "tokio::net::tcp::"),
    ("tokio::net::tcp::stream::", "tokio::net::"),
    ("tokio::net::udp::", "tokio::net::"),
    ("tokio::net::unix::datagram::socket::", "tokio::net::"),
    ("tokio::net::unix::listener::", "tokio::net::"),
    ("tokio::net::unix::stream::", "tokio::net::"),
    ("tokio::runtime::task::join::", "tokio::task::"),
    ("tokio::sync::barrier::", "tokio::sync::"),
    ("tokio::sync::batch_semaphore::Acquire", "tokio::sync::Semaphore::acquire"),
    ("tokio::sync::mpsc::bounded::", "tokio::sync::mpsc::"),
    ("tokio::sync::mpsc::unbounded::Unbounded", "tokio::sync::mpsc::Unbounded"),
    ("tokio::sync::mutex::", "tokio::sync::"),
    ("tokio::sync::notify::", "tokio::sync::"),
    ("tokio::sync::once_cell::", "tokio::sync::"),
    ("tokio::sync::rwlock::", "tokio::sync::"),
    ("tokio::sync::semaphore::", "tokio::sync::"),
    ("tokio::sync::set_once::", "tokio::sync::"),
    ("tokio::task::join_set::", "tokio::task::"),
    ("tokio::time::interval::Interval", "tokio::time::Interval"),
    ("tokio::time::sleep::", "tokio::time::"),
    ("tokio_util::sync::cancellation_token::", "tokio_util::sync::"),
];

/// The public function that returns a future, by the path of the future.
const FUTURES: &[(&str, &str)] = &[
    ("flume::RecvFut", "flume::Receiver::recv_async"),
    ("flume::SendFut", "flume::Sender::send_async"),
    ("futures_util::lock::MutexLockFuture", "futures_util::lock::Mutex::lock"),
    ("futures_util::lock::OwnedMutexLockFuture", "futures_util::lock::Mutex::lock_owned"),
    ("tokio::sync::Notified", "tokio::sync::Notify::notified"),
    ("tokio::sync::mpsc::Receiving", "tokio::sync::mpsc::Receiver::recv"),
    ("tokio::time::Sleep", "tokio::time::sleep"),
    ("async_lock::Lock", "async_lock::Mutex::lock"),
    ("tokio_util::sync::WaitForCancellationFuture", "tokio_util::sync::CancellationToken::cancelled"),
    ("tokio_util::sync::WaitForCancellationFutureOwned", "tokio_util::sync::CancellationToken::cancelled_owned"),
];

/// The awaited function of a stack.
pub(crate) struct Awaited {
    /// Its name.
    pub(crate) function: Option<String>,
    /// The index of the first frame to show: functions further in are its own matter.
    pub(crate) begin: usize,
    /// The index after the last frame to show: functions further out only wrap it.
    pub(crate) end: usize,
}

/// Finds the awaited function of a stack, the innermost frame first.
pub(crate) fn awaited(stack: &[(Symbol, TraceFrame)], resolver: &mut Resolver) -> Awaited {
    let kind = |kind: FrameKind| move |(_, frame): &(Symbol, TraceFrame)| frame.kind == kind;
    let Some(own) = stack.iter().position(kind(FrameKind::Own)) else { return without_own(stack) };
    let (symbol, frame) = &stack[own];
    if let Some(by_hand) = (own == 0).then(|| by_hand(stack, resolver)).flatten() {
        return by_hand;
    }
    if own == 0 {
        // A future that the program has written by hand: its `poll` keeps the waker.
        let function = resolver.future_of(symbol).or_else(|| public(symbol, frame));
        return Awaited { function, begin: 0, end: stack.len() };
    }
    let end = stack.len();
    match called(&stack[..own], frame.function.as_deref()) {
        Some(at) => Awaited { function: name(stack, at), begin: at, end },
        None => Awaited { function: resolver.future_of(symbol).or_else(|| public(symbol, frame)), begin: own, end },
    }
}

/// A future that the program has written by hand, at the line of the async code that awaits it. Its `poll` may call other functions
/// to keep the waker.
fn by_hand(stack: &[(Symbol, TraceFrame)], resolver: &mut Resolver) -> Option<Awaited> {
    let is_own = |frame: &TraceFrame| frame.kind == FrameKind::Own;
    let is_body = |symbol: &Symbol| symbol.name.as_deref().is_some_and(|name| name.contains('{'));
    let begin = stack.iter().position(|(symbol, frame)| is_own(frame) && is_body(symbol))?;
    let inside = stack[..begin].iter().rev().filter(|(_, frame)| is_own(frame));
    let named = |symbol: &Symbol| {
        let (of, as_trait, _) = implementation(symbol.name.as_deref()?)?;
        (as_trait.contains("Future") || as_trait.contains("Stream")).then(|| readable(&plain(of)))
    };
    let function = inside.into_iter().find_map(|(symbol, _)| resolver.future_of(symbol).or_else(|| named(symbol)))?;
    Some(Awaited { function: Some(function), begin, end: stack.len() })
}

/// Without an own frame, the outermost function of a library. Without debug information, we know only the crates of functions, and
/// the outermost one stands for the program's own.
fn without_own(stack: &[(Symbol, TraceFrame)]) -> Awaited {
    let is_library = |(_, frame): &(Symbol, TraceFrame)| frame.kind == FrameKind::Dependency;
    let unwrapped = stack.iter().rposition(|it| is_library(it) && !is_wrapper(&it.0, &it.1));
    if let Some(library) = unwrapped.or_else(|| stack.iter().rposition(is_library)) {
        let end = unwrapped.map_or(stack.len(), |at| at + 1);
        return Awaited { function: name(stack, library), begin: 0, end };
    }
    let crate_of = |frame: &TraceFrame| frame.crate_name.clone().filter(|_| frame.kind == FrameKind::Unknown);
    let outermost = stack.iter().rev().find_map(|(_, frame)| crate_of(frame));
    let inner = match &outermost {
        Some(own) => stack.iter().position(|(_, frame)| crate_of(frame).as_ref() == Some(own)).unwrap_or(0),
        None => stack.len(),
    };
    let end = stack.len();
    match called(&stack[..inner], None) {
        Some(at) => Awaited { function: name(stack, at), begin: at, end },
        None if outermost.is_some() => Awaited { function: name(stack, inner), begin: inner, end },
        None => Awaited { function: None, begin: 0, end },
    }
}

/// Whether the function only polls another future.
fn is_wrapper(symbol: &Symbol, frame: &TraceFrame) -> bool {
    let path = path(symbol, frame).unwrap_or_default();
    frame.crate_name.as_deref() == Some("futures-core") || WRAPPERS.iter().any(|wrapper| path.starts_with(wrapper))
}

/// The index of the outermost function of these that is neither a wrapper nor of insight; or else of the innermost wrapper.
fn called(inner: &[(Symbol, TraceFrame)], own: Option<&str>) -> Option<usize> {
    let is_plumbing = |symbol: &Symbol, frame: &TraceFrame| {
        let file = symbol.file.as_deref().unwrap_or_default().replace('\\', "/");
        let in_macro = MACROS.iter().any(|folder| file.contains(folder)) || frame.function.as_deref() == own;
        let path = path(symbol, frame).unwrap_or_default();
        let is_std = matches!(frame.crate_name.as_deref(), Some("core" | "std" | "alloc"));
        let is_of_insight = frame.crate_name.as_deref().is_some_and(is_of_insight);
        path.is_empty() || in_macro || is_std || is_of_insight || PLUMBING.iter().any(|part| path.contains(part))
    };
    let outermost = inner.iter().rposition(|(symbol, frame)| !is_plumbing(symbol, frame) && !is_wrapper(symbol, frame));
    outermost.or_else(|| inner.iter().position(|(symbol, frame)| !is_plumbing(symbol, frame)))
}

/// The name of the function at this index.
fn name(stack: &[(Symbol, TraceFrame)], at: usize) -> Option<String> {
    let (symbol, frame) = &stack[at];
    let path = path(symbol, frame)?;
    // The method is known by the future, and the type by a function further in: `TcpStream::poll_read`.
    let of = io(&path).and_then(|(module, method)| {
        if IO_FUNCTIONS.contains(&method.as_str()) {
            return Some(public_path(&format!("{module}{method}")));
        }
        let mut types = stack[..at].iter().rev().filter_map(|(symbol, frame)| stream(symbol, frame));
        Some(format!("{}::{method}", public_path(&types.next()?)))
    });
    of.or_else(|| public(symbol, frame))
}

/// `read_u8` of `tokio::io::util::read_int::ReadU8`: the method that returns this future, and the module before it. `None` for another
/// function.
fn io(path: &str) -> Option<(&'static str, String)> {
    let (module, inside) = IO.iter().find_map(|module| Some((*module, path.strip_prefix(module)?)))?;
    let future = inside.rsplit("::").next().filter(|name| name.starts_with(char::is_uppercase))?;
    Some((module, in_module_style(future.strip_suffix("Future").unwrap_or(future))))
}

/// The type that is read or written, by a function of it.
fn stream(symbol: &Symbol, frame: &TraceFrame) -> Option<String> {
    let name = symbol.name.as_deref()?;
    if root(name).is_none() {
        return stream_in_source(plain(name).as_str(), frame.function.as_deref()?);
    }
    let (of, as_trait, _) = implementation(name)?;
    let is_io = ["AsyncRead", "AsyncWrite", "AsyncBufRead", "AsyncSeek"].iter().any(|it| as_trait.contains(it));
    let of = plain(of);
    (is_io
        && !of.starts_with(['&', '*'])
        && of.contains("::")
        && !of.starts_with("core::")
        && !of.starts_with("alloc::"))
    .then_some(of)
}

/// As [`stream`], if the name of the function has no path, as with `line-tables-only`: its `impl` in the source has the type.
fn stream_in_source(name: &str, function: &str) -> Option<String> {
    let polls = ["poll_read", "poll_write", "poll_write_vectored", "poll_fill_buf", "poll_flush", "poll_shutdown"];
    let of = function.strip_suffix(name)?.strip_suffix("::")?;
    let is_type = of.rsplit("::").next()?.starts_with(char::is_uppercase);
    // The implementations for `Box` and `Pin`.
    let is_pointer = of.starts_with("tokio::io::async_") || of.starts_with("futures_io::");
    (polls.contains(&name) && is_type && !is_pointer).then(|| of.to_owned())
}

/// The public name of a function: that of its future, or that of the method without `poll_`.
fn public(symbol: &Symbol, frame: &TraceFrame) -> Option<String> {
    let path = public_path(&path(symbol, frame)?);
    Some(FUTURES.iter().find(|(future, _)| *future == path).map_or(path, |(_, function)| (*function).to_owned()))
}

fn public_path(path: &str) -> String {
    let public = PUBLIC.iter().find_map(|(private, public)| Some(format!("{public}{}", path.strip_prefix(private)?)));
    let path = readable(&public.unwrap_or_else(|| path.to_owned()));
    // A module with the name of its function or type is private, and the item is public outside of it: `tokio::fs::read::read`,
    // `deadpool::managed::pool::Pool`.
    let mut parts: Vec<&str> = path.split("::").collect();
    if let Some(at) = (1..parts.len().saturating_sub(1)).find(|at| parts[*at] == in_module_style(parts[at + 1])) {
        parts.remove(at);
    }
    parts.join("::")
}

/// `join_set` of `JoinSet`.
fn in_module_style(name: &str) -> String {
    let mut module = String::new();
    for (at, character) in name.char_indices() {
        if character.is_uppercase() && at > 0 {
            module.push('_');
        }
        module.extend(character.to_lowercase());
    }
    module
}

/// The path of the type whose `poll` it is, or of the function, without `poll_` in its name.
fn path(symbol: &Symbol, frame: &TraceFrame) -> Option<String> {
    let name = symbol.name.as_deref().filter(|name| root(name).is_some());
    let path = match name.and_then(implementation) {
        // A method of a trait, such as `<tokio::time::Sleep as core::future::Future>::poll`.
        Some((of, _, method)) => format!("{}::{method}", plain(of)),
        None => readable(name.or(frame.function.as_deref())?),
    };
    let (of, function) = match path.rsplit_once("::") {
        Some(("", _)) | None => return Some(path),
        Some(parts) => parts,
    };
    Some(match function.strip_prefix("poll") {
        Some("") => of.to_owned(),
        // The program's own function may have any name.
        Some(rest) if rest.starts_with('_') && frame.kind != FrameKind::Own => format!("{of}::{}", &rest[1..]),
        _ => path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case: the frames of a stack, the innermost first, each with its function and its file; and the awaited function.
    #[test]
    fn awaited_function_has_its_public_name() {
        let registry = "/home/u/.cargo/registry/src/index-0123456789abcdef";
        let mut resolver = Resolver::new();
        let mut check = |frames: &[(&str, &str)], expect: &str, begin: usize| {
            let frames: Vec<_> = frames
                .iter()
                .map(|(name, file)| {
                    let file =
                        file.replace("R/", &format!("{registry}/")).replace("C/", "/rustc/00ff/library/core/src/");
                    resolver.frame_of(name, Some(file.as_str()).filter(|file| !file.is_empty()))
                })
                .collect();
            let awaited = awaited(&frames, &mut resolver);
            assert_eq!((awaited.function.as_deref().unwrap_or("-"), awaited.begin), (expect, begin), "{frames:#?}");
        };
        let own = ("app::main::{{closure}}", "/app/src/main.rs");
        let register = (
            "tokio::sync::task::atomic_waker::AtomicWaker::register_by_ref",
            "R/tokio-1.54.1/src/sync/task/atomic_waker.rs",
        );
        let pin = ("<core::pin::Pin<P> as core::future::future::Future>::poll", "C/future/future.rs");
        let poll_recv =
            ("tokio::sync::mpsc::bounded::Receiver<T>::poll_recv", "R/tokio-1.54.1/src/sync/mpsc/bounded.rs");
        check(&[register, poll_recv, own], "tokio::sync::mpsc::Receiver::recv", 1);
        // The names of functions that were inlined have no path.
        check(&[register, ("poll_recv<u32>", poll_recv.1), own], "tokio::sync::mpsc::recv", 1);
        // A facade is hidden, and so are wrappers.
        let facade = insight_probe::SOURCE_FILE.replace("probe", "tokio").replace("lib.rs", "sync/mpsc/common.rs");
        let receiving = "<insight_tokio::sync::mpsc::bounded::Receiving<T,P> as core::future::future::Future>::poll";
        check(&[register, poll_recv, (receiving, &facade), pin, own], "tokio::sync::mpsc::Receiver::recv", 1);
        let whole_graph = "<tokio::sync::mpsc::bounded::Receiving<T,P> as core::future::future::Future>::poll";
        check(&[register, poll_recv, (whole_graph, &facade), pin, own], "tokio::sync::mpsc::Receiver::recv", 1);
        let timeout = (
            "<tokio::time::timeout::Timeout<T> as core::future::future::Future>::poll",
            "R/tokio-1.54.1/src/time/timeout.rs",
        );
        let select = ("app::main::{{closure}}::{{closure}}", "R/tokio-1.54.1/src/macros/select.rs");
        check(&[register, poll_recv, timeout, select, own], "tokio::sync::mpsc::Receiver::recv", 1);
        let sleep =
            ("<tokio::time::sleep::Sleep as core::future::future::Future>::poll", "R/tokio-1.54.1/src/time/sleep.rs");
        check(&[register, sleep, timeout, own], "tokio::time::sleep", 1);
        for wrapper in [
            "<futures_util::future::future::map::Map<Fut,F> as core::future::future::Future>::poll",
            "<futures_util::future::try_future::MapErr<Fut,F> as core::future::future::Future>::poll",
            "<futures_util::future::either::Either<A,B> as core::future::future::Future>::poll",
            "<futures_util::future::join_all::JoinAll<F> as core::future::future::Future>::poll",
            "<futures_util::future::abortable::Abortable<F> as core::future::future::Future>::poll",
            "<futures_util::future::future::catch_unwind::CatchUnwind<F> as core::future::future::Future>::poll",
            "<futures_util::future::maybe_done::MaybeDone<F> as core::future::future::Future>::poll",
            "<futures_util::future::select::Select<A,B> as core::future::future::Future>::poll",
            "<tracing::instrument::Instrumented<T> as core::future::future::Future>::poll",
            "<futures_util::stream::stream::next::Next<St> as core::future::future::Future>::poll",
        ] {
            check(&[register, sleep, (wrapper, "R/futures-util-0.3.31/src/lib.rs"), own], "tokio::time::sleep", 1);
        }
        // Only wrappers: the innermost one keeps the waker.
        let shared = (
            "<futures_util::future::future::shared::Shared<F> as core::future::future::Future>::poll",
            "R/futures-util-0.3.31/src/lib.rs",
        );
        check(&[shared, timeout, own], "futures_util::future::Shared", 0);
        let unordered = "<futures_util::stream::futures_unordered::FuturesUnordered<Fut> as futures_core::stream::Stream>::poll_next";
        let next = (
            "<futures_util::stream::stream::next::Next<St> as core::future::future::Future>::poll",
            "R/futures-util-0.3.31/src/lib.rs",
        );
        let unordered = (unordered, "R/futures-util-0.3.31/src/stream/futures_unordered/mod.rs");
        check(&[unordered, next, own], "futures_util::stream::FuturesUnordered::next", 0);

        let io = "R/tokio-1.54.1/src/io/util/read.rs";
        let read = [
            (
                "tokio::runtime::io::registration::Registration::poll_read_ready",
                "R/tokio-1.54.1/src/runtime/io/registration.rs",
            ),
            ("tokio::net::tcp::stream::TcpStream::poll_read_priv", "R/tokio-1.54.1/src/net/tcp/stream.rs"),
            (
                "<tokio::net::tcp::stream::TcpStream as tokio::io::async_read::AsyncRead>::poll_read",
                "R/tokio-1.54.1/src/net/tcp/stream.rs",
            ),
            ("<&mut T as tokio::io::async_read::AsyncRead>::poll_read", "R/tokio-1.54.1/src/io/async_read.rs"),
            ("<tokio::io::util::read::Read<R> as core::future::future::Future>::poll", io),
            own,
        ];
        check(&read, "tokio::net::TcpStream::read", 4);
        check(
            &[read[0], ("<tokio::io::util::read_exact::ReadExact<A> as core::future::future::Future>::poll", io), own],
            "tokio::io::ReadExact",
            1,
        );
        let file = |name: &str| format!("R/tokio-1.54.1/src/io/util/{name}.rs");
        let (copy_file, lines_file, mem_file, int_file) = (file("copy"), file("lines"), file("mem"), file("read_int"));
        // The function that the program calls, and not the type that it reads from or writes to.
        let poll_copy = ("tokio::io::util::copy::CopyBuffer::poll_copy", copy_file.as_str());
        let copying = ("<tokio::io::util::copy::Copy<R,W> as core::future::future::Future>::poll", copy_file.as_str());
        let copy = ("tokio::io::util::copy::copy::{{closure}}", copy_file.as_str());
        check(&[read[0], read[2], poll_copy, copying, copy, own], "tokio::io::copy", 4);
        check(&[read[0], read[2], poll_copy, copying, own], "tokio::io::copy", 3);
        let poll_line = ("tokio::io::util::lines::Lines<R>::poll_next_line", lines_file.as_str());
        let next_line = ("tokio::io::util::lines::Lines<R>::next_line::{{closure}}", lines_file.as_str());
        check(&[read[0], read[2], poll_line, pin, next_line, own], "tokio::io::Lines::next_line", 4);
        let pipe =
            ("<tokio::io::util::mem::SimplexStream as tokio::io::async_read::AsyncRead>::poll_read", mem_file.as_str());
        let duplex =
            ("<tokio::io::util::mem::DuplexStream as tokio::io::async_read::AsyncRead>::poll_read", mem_file.as_str());
        check(&[pipe, duplex, read[3], read[4], own], "tokio::io::DuplexStream::read", 3);
        let integer =
            ("<tokio::io::util::read_int::ReadU16Le<R> as core::future::future::Future>::poll", int_file.as_str());
        check(&[pipe, duplex, integer, own], "tokio::io::DuplexStream::read_u16_le", 2);
        for (name, function, expect) in [
            ("poll_read", "tokio::io::util::mem::DuplexStream::poll_read", Some("tokio::io::util::mem::DuplexStream")),
            ("poll_read", "tokio::io::async_read::Box::poll_read", None),
            ("poll_read", "tokio::io::util::mem::poll_read", None),
            ("poll", "tokio::io::util::read::Read::poll", None),
        ] {
            assert_eq!(stream_in_source(name, function).as_deref(), expect, "{function}");
        }
        let util = "R/futures-util-0.3.34/src/io/copy.rs";
        let copying = ("<futures_util::io::copy::Copy<R,W> as core::future::future::Future>::poll", util);
        check(&[pipe, duplex, copying, own], "futures_util::io::copy", 2);
        let accept =
            ("tokio::net::tcp::listener::TcpListener::accept::{{closure}}", "R/tokio-1.54.1/src/net/tcp/listener.rs");
        check(&[read[0], accept, own], "tokio::net::TcpListener::accept", 1);
        let flume = ("<flume::async::RecvFut<T> as core::future::future::Future>::poll", "R/flume-0.11.1/src/async.rs");
        check(&[flume, own], "flume::Receiver::recv_async", 0);
        let read_file = ("tokio::fs::read::read::{{closure}}", "R/tokio-1.54.1/src/fs/read.rs");
        check(&[register, read_file, own], "tokio::fs::read", 1);
        let open = ("tokio::fs::file::File::open::{{closure}}", "R/tokio-1.54.1/src/fs/file.rs");
        check(&[register, open, own], "tokio::fs::File::open", 1);
        let join_next =
            ("tokio::task::join_set::JoinSet<T>::join_next::{{closure}}", "R/tokio-1.54.1/src/task/join_set.rs");
        check(&[register, join_next, own], "tokio::task::JoinSet::join_next", 1);
        let event = (
            "<futures_intrusive::sync::manual_reset_event::GenericWaitForEventFuture<M> as core::future::future::Future>::poll",
            "R/futures-intrusive-0.5.0/src/sync/manual_reset_event.rs",
        );
        check(&[event, own], "futures_intrusive::sync::ManualResetEvent::wait", 0);
        let acquire = (
            "<tokio::sync::batch_semaphore::Acquire as core::future::future::Future>::poll",
            "R/tokio-1.54.1/src/sync/batch_semaphore.rs",
        );
        let pool = ("deadpool::managed::pool::Pool<M,W>::get::{{closure}}", "R/deadpool-0.12.3/src/managed/pool.rs");
        check(&[acquire, pool, own], "deadpool::managed::Pool::get", 1);
        check(
            &[acquire, ("tokio::sync::mutex::Mutex<T>::lock::{{closure}}", "R/tokio-1.54.1/src/sync/mutex.rs"), own],
            "tokio::sync::Mutex::lock",
            1,
        );
        let notified = (
            "<tokio::sync::notify::Notified as core::future::future::Future>::poll",
            "R/tokio-1.54.1/src/sync/notify.rs",
        );
        check(&[notified, own], "tokio::sync::Notify::notified", 0);
        let cancelled = (
            "<tokio_util::sync::cancellation_token::WaitForCancellationFuture as core::future::future::Future>::poll",
            "R/tokio-util-0.7.20/src/sync/cancellation_token.rs",
        );
        check(&[notified, cancelled, own], "tokio_util::sync::CancellationToken::cancelled", 1);
        let locking = (
            "<futures_util::lock::mutex::MutexLockFuture<T> as core::future::future::Future>::poll",
            "R/futures-util-0.3.34/src/lock/mutex.rs",
        );
        check(&[locking, own], "futures_util::lock::Mutex::lock", 0);
        let join = (
            "<tokio::runtime::task::join::JoinHandle<T> as core::future::future::Future>::poll",
            "R/tokio-1.54.1/src/runtime/task/join.rs",
        );
        check(&[join, own], "tokio::task::JoinHandle", 0);

        // A future of the program's own.
        check(&[("<app::ByHand as core::future::future::Future>::poll", "/app/src/main.rs"), own], "app::ByHand", 1);
        check(
            &[
                ("<core::task::wake::Waker as core::clone::Clone>::clone", "C/task/wake.rs"),
                ("<app::ByHand as core::future::future::Future>::poll", "/app/src/main.rs"),
                own,
            ],
            "app::ByHand",
            1,
        );
        // Without an own frame, and without debug information.
        let connection = (
            "<hyper::client::conn::Connection<T,B> as core::future::future::Future>::poll",
            "R/hyper-1.6.0/src/client/conn/http1.rs",
        );
        check(&[read[2], connection], "hyper::client::conn::Connection", 0);
        let map = (
            "<futures_util::future::future::map::Map<Fut,F> as core::future::future::Future>::poll",
            "R/futures-util-0.3.31/src/future/future/map.rs",
        );
        let try_poll = ("<F as futures_core::future::TryFuture>::try_poll", "R/futures-core-0.3.31/src/future.rs");
        check(&[read[2], connection, try_poll, map], "hyper::client::conn::Connection", 0);
        check(&[register], "-", 0);
        let app = ("app::main::{{closure}}", "");
        check(&[(register.0, ""), (sleep.0, ""), ("app::inner::{{closure}}", ""), app], "tokio::time::sleep", 1);
        check(&[(flume.0, ""), (pool.0, ""), ("app::inner::{{closure}}", ""), app], "deadpool::managed::Pool::get", 1);
        check(&[("<app::ByHand as core::future::future::Future>::poll", ""), app], "app::ByHand", 0);
        check(&[(whole_graph, ""), app], "tokio::sync::mpsc::Receiver::recv", 0);
        check(&[], "-", 0);
    }
}
