//! Facts that insight records of flume's channels.
#![cfg(all(feature = "async", feature = "select"))]

use futures_lite::StreamExt;
use futures_lite::future::{or, pending};
use insight_flume::{Receiver, Selector, Sender, bounded, unbounded};
use insight_probe::{Executor, ObservedClosure};
use insight_protocol::{Operation, Tier};
use insight_test_kit::traits;
use insight_test_kit::{Bench, Tasks, by_hand, line_with};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::marker::PhantomPinned;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

fn line(text: &str) -> u32 {
    line_with(include_str!("seen.rs"), text)
}

/// A future that is ready when its task is polled after the flag was set.
fn flag() -> (Rc<Cell<bool>>, impl Future<Output = ()>) {
    let flag = Rc::new(Cell::new(false));
    let told = flag.clone();
    (flag, poll_fn(move |_| if told.get() { Poll::Ready(()) } else { Poll::Pending }))
}

fn waits(bench: &mut Bench) -> Vec<String> {
    bench.edges().into_iter().filter(|edge| edge.contains("waits")).collect()
}

fn lengths(bench: &mut Bench) -> (Option<u64>, Option<u64>) {
    let channel = bench.sample().resources.values().next().unwrap();
    (channel.capacity, channel.length)
}

macro_rules! same {
    ($($value:ty),*: $types:tt) => {$(
        same!(@of $value, $types);
    )*};
    (@of $value:ty, [$($($part:ident)::+ $(<$lifetime:lifetime>)?),*]) => {$(
        let observed = traits!(insight_flume::$($part)::+<$($lifetime,)? $value>);
        let real = traits!(real::$($part)::+<$($lifetime,)? $value>);
        assert_eq!(observed, real, "{}<{}>", stringify!($($part)::+), stringify!($value));
    )*};
}

#[test]
fn auto_traits_are_those_of_the_real_types() {
    same!(u8, Cell<u8>, Rc<u8>, &'static mut u8, PhantomPinned: [
        Sender, Receiver, WeakSender, Iter<'static>, TryIter<'static>, IntoIter, Selector<'static>,
        r#async::SendFut<'static>, r#async::SendSink<'static>, r#async::RecvFut<'static>, r#async::RecvStream<'static>
    ]);
}

async fn write(sender: Sender<u8>) {
    while sender.send_async(0).await.is_ok() {} // write
}

async fn read(receiver: Receiver<u8>) {
    while receiver.recv_async().await.is_ok() {} // read
}

#[test]
fn a_full_channel_shows_its_sender_and_receiver() {
    async fn read_one(receiver: Receiver<u8>) {
        receiver.recv_async().await.unwrap();
        pending::<()>().await;
        drop(receiver);
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(2);
        tasks.spawn(write(sender));
        tasks.spawn(read_one(receiver));
        tasks.run();
        let wait = format!("write waits send :{}", line("// write"));
        assert_eq!(bench.edges(), ["read_one receiver", "write sender", &*wait]);
        assert_eq!(lengths(bench), (Some(2), Some(2)));
        let model = bench.sample();
        let freers = model.freers(model.resources.values().next().unwrap(), &Operation::Send);
        assert!(freers.known.len() == 1 && freers.certain());
    });
}

#[test]
fn an_empty_channel_shows_its_receiver_and_sender() {
    async fn write_one(sender: Sender<u8>) {
        sender.try_send(1).unwrap();
        pending::<()>().await;
        drop(sender);
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = unbounded();
        tasks.spawn(read(receiver));
        tasks.spawn(write_one(sender));
        tasks.run();
        let wait = format!("read waits recv :{}", line("// read"));
        assert_eq!(bench.edges(), ["read receiver", &*wait, "write_one sender"]);
        assert_eq!(lengths(bench), (None, Some(0)));
    });
}

#[test]
fn operations_that_have_their_end_are_parties() {
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        sender.try_send(1).unwrap();
        tasks.spawn(async move { sender.into_send_async(2).await.unwrap() });
        tasks.run();
        assert_eq!(waits(bench).len(), 1);
        assert_eq!(bench.edges().len(), 2);
        assert_eq!((receiver.drain().len(), receiver.try_recv()), (1, Ok(2)));
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
        tasks.spawn(async move { assert!(receiver.into_recv_async().await.is_err()) });
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
    });
}

#[test]
fn streams_and_sinks_wait() {
    use futures_sink::Sink;
    use std::pin::Pin;
    async fn streams(receiver: Receiver<u8>) {
        let mut messages = receiver.into_stream();
        while messages.next().await.is_some() {}
        pending::<()>().await;
    }
    async fn sinks(sender: Sender<u8>) {
        let mut sink = sender.into_sink();
        for n in 0..3 {
            poll_fn(|cx| Pin::new(&mut sink).poll_ready(cx)).await.unwrap();
            Pin::new(&mut sink).start_send(n).unwrap();
        }
        assert_eq!(sink.sender().capacity(), Some(1));
        poll_fn(|cx| Pin::new(&mut sink).poll_close(cx)).await.unwrap();
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        tasks.spawn(sinks(sender));
        tasks.run();
        assert_eq!(bench.edges(), ["sinks sender", "sinks waits send"]);
        tasks.spawn(streams(receiver));
        tasks.run();
        // The sender that `sender` returned, which no task uses.
        assert_eq!(bench.sample().resources.values().next().unwrap().senders, Some(2));
        assert_eq!(bench.edges(), ["sinks sender", "streams receiver", "streams waits recv"]);
    });
}

#[test]
fn a_wait_that_is_given_up_is_over() {
    async fn gives_up(sender: Sender<u8>, receiver: Receiver<u8>, told: impl Future<Output = ()>) {
        sender.send_async(0).await.unwrap();
        let sends = async { sender.send_async(1).await.unwrap() };
        or(sends, told).await;
        pending::<()>().await;
        drop(receiver);
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        let (tell, told) = flag();
        tasks.spawn(gives_up(sender, receiver, told));
        tasks.run();
        assert_eq!(waits(bench).len(), 1);
        tell.set(true);
        tasks.nudge();
        assert_eq!(bench.edges(), ["gives_up sender"]);
    });
}

#[test]
fn two_tasks_that_wait_for_each_other_are_found() {
    async fn read_orders(orders: Receiver<u8>, warm_cache: Receiver<()>) {
        while orders.recv_async().await.is_ok() {
            warm_cache.recv_async().await.unwrap(); // read_orders
        }
    }
    async fn write_orders(orders: Sender<u8>, cache_is_warm: Sender<()>) {
        cache_is_warm.try_send(()).unwrap();
        for value in 1..=10 {
            orders.send_async(value).await.unwrap(); // write_orders
        }
    }
    by_hand(|bench, tasks| {
        let (orders, reader) = bounded(2);
        let (cache_is_warm, warm_cache) = unbounded();
        tasks.spawn(read_orders(reader, warm_cache));
        tasks.spawn(write_orders(orders, cache_is_warm));
        tasks.run();
        let both = vec!["read_orders".to_owned(), "write_orders".to_owned()];
        let lines = vec![line("// read_orders"), line("// write_orders")];
        assert_eq!(bench.problems(), [(Tier::Suspected, both, lines)]);
    });
}

#[test]
fn a_task_that_sends_to_itself_is_found() {
    async fn pump(sender: Sender<u8>, receiver: Receiver<u8>) {
        assert!(receiver.try_recv().is_err());
        sender.send_async(1).await.unwrap();
        sender.send_async(2).await.unwrap(); // pump
        drop(receiver);
    }
    async fn meet(sender: Sender<u8>, receiver: Receiver<u8>) {
        assert!(receiver.try_recv().is_err());
        sender.send_async(1).await.unwrap(); // meet
        drop(receiver);
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        tasks.spawn(pump(sender, receiver));
        tasks.run();
        assert_eq!(bench.problems(), [(Tier::Suspected, vec!["pump".to_owned()], vec![line("// pump")])]);
    });
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(0);
        tasks.spawn(meet(sender, receiver));
        tasks.run();
        assert_eq!(bench.problems(), [(Tier::Suspected, vec!["meet".to_owned()], vec![line("// meet")])]);
    });
}

#[test]
fn handles_are_counted() {
    by_hand(|bench, _| {
        let (sender, receiver) = bounded::<u8>(1);
        let weak = sender.downgrade();
        let mut check = |expect: (u64, u64, u64)| {
            let channel = bench.sample().resources.values().next().unwrap();
            let counts = (channel.senders, channel.weak_senders, channel.receivers);
            assert_eq!(counts, (Some(expect.0), Some(expect.1), Some(expect.2)));
        };
        check((1, 1, 1));
        let more = (weak.upgrade().unwrap(), weak.clone(), receiver.clone());
        assert_eq!(sender.sink().clone().capacity(), Some(1));
        check((2, 2, 2));
        let sink = sender.clone().into_sink();
        let other = sink.clone();
        check((4, 2, 2));
        drop((more.0, more.1, more.2, sink, other, sender));
        check((0, 1, 1));
        assert!(weak.upgrade().is_none());
        drop((receiver, weak));
    });
}

#[test]
fn a_task_that_blocks_its_thread_waits() {
    static EXECUTOR: Executor = Executor::new("threads", "1.0", || None);
    fn sends(sender: Sender<u8>) {
        sender.send(1).unwrap();
        sender.send(2).unwrap(); // blocks in send
    }
    fn receives(receiver: Receiver<u8>) {
        assert_eq!(receiver.recv(), Ok(1)); // blocks in recv
    }
    fn iterates(receiver: Receiver<u8>) {
        for message in receiver {
            assert_eq!(message, 1);
        }
    }
    fn check<End: Send + 'static>(
        bench: &mut Bench,
        (blocks, end): (fn(End), End),
        (operation, at): (&str, &str),
        release: impl FnOnce(),
    ) {
        let task = ObservedClosure::new(move || blocks(end), &EXECUTOR, Location::caller());
        let thread = thread::spawn(move || task.call());
        let expect = format!("waits {operation} :{}", line(at));
        bench.until_edges(|edges| edges.iter().any(|edge| edge.ends_with(&expect)));
        release();
        thread.join().unwrap();
        assert_eq!(bench.edges(), [""; 0]);
    }
    by_hand(|bench, _| {
        let (sender, receiver) = bounded(1);
        check(bench, (sends, sender), ("send", "// blocks in send"), || assert_eq!(receiver.recv(), Ok(1)));
        let (sender, receiver) = bounded(1);
        check(bench, (receives, receiver), ("recv", "// blocks in recv"), || sender.send(1).unwrap());
        let (sender, receiver) = bounded(1);
        check(bench, (iterates, receiver), ("recv", "for message in receiver"), || drop(sender));
    });
}

#[test]
fn a_selector_notes_the_lengths() {
    by_hand(|bench, _| {
        let (sender, receiver) = bounded(2);
        sender.send(1).unwrap();
        Selector::new().send(&sender, 2, |sent| sent.unwrap()).wait();
        assert_eq!(lengths(bench), (Some(2), Some(2)));
        assert_eq!(Selector::new().recv(&receiver, |received| received.unwrap()).wait(), 1);
        assert_eq!(lengths(bench), (Some(2), Some(1)));
    });
}

#[test]
fn ends_that_were_the_real_ones_have_others_beside_them() {
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        let _sender = sender.into_inner();
        tasks.spawn(read(Receiver::from(receiver.into_inner())));
        tasks.run();
        assert_eq!(bench.problems(), []);
        let model = bench.sample();
        let channel = model.resources.values().find(|channel| !channel.edges.is_empty()).unwrap();
        assert_eq!(channel.capacity, Some(1));
        assert_eq!(model.freers(channel, &Operation::Recv).unknown, 1);
    });
}

/// We sample all the while, each message keeps the rules, and nothing is left at the end.
#[test]
fn many_tasks_on_many_threads_keep_the_rules() {
    const MESSAGES: usize = 200;
    async fn sends(sender: Sender<u8>) {
        for _ in 0..MESSAGES {
            sender.send_async(1).await.unwrap();
        }
    }
    async fn receives(receiver: Receiver<u8>, received: Arc<AtomicUsize>) {
        while receiver.recv_async().await.is_ok() {
            received.fetch_add(1, Ordering::Relaxed);
        }
    }
    async fn streams(receiver: Receiver<u8>, received: Arc<AtomicUsize>) {
        let mut messages = receiver.stream();
        while messages.next().await.is_some() {
            received.fetch_add(1, Ordering::Relaxed);
        }
    }
    by_hand(|bench, _| {
        let (sender, receiver) = bounded(2);
        let received = Arc::new(AtomicUsize::new(0));
        let start = |_| {
            let (sender, receiver, received) = (sender.clone(), receiver.clone(), received.clone());
            thread::spawn(move || {
                let mut tasks = Tasks::default();
                tasks.spawn(receives(receiver.clone(), received.clone()));
                tasks.spawn(streams(receiver, received));
                tasks.spawn(sends(sender.clone()));
                tasks.spawn(sends(sender));
                tasks.run_to_end();
            })
        };
        let threads: Vec<_> = (0..3).map(start).collect();
        drop((sender, receiver));
        while !threads.iter().all(thread::JoinHandle::is_finished) {
            bench.sample();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(received.load(Ordering::Relaxed), 3 * 2 * MESSAGES);
    });
}
