//! The same tests for both versions. `channel` is the tested one.

use super::channel::{Receiver, Sender, bounded, unbounded};
use futures_lite::StreamExt;
use futures_lite::future::{or, pending, yield_now};
use insight_probe::{Executor, ObservedClosure};
use insight_protocol::{Operation, Tier};
use insight_test_kit::{Bench, Tasks, by_hand, line_with};
use std::cell::Cell;
use std::future::Future;
use std::future::poll_fn;
use std::panic::Location;
use std::pin::pin;
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

async fn write(sender: Sender<u8>) {
    let mut n = 0;
    while sender.send(n).await.is_ok() {
        n += 1;
    }
}

async fn read(receiver: Receiver<u8>) {
    while receiver.recv().await.is_ok() {}
}

#[test]
fn a_full_channel_and_who_can_make_room() {
    async fn read_one(receiver: Receiver<u8>) {
        receiver.recv().await.unwrap();
        pending::<()>().await;
        drop(receiver);
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(2);
        tasks.spawn(write(sender));
        tasks.spawn(read_one(receiver));
        tasks.run();
        let waits = format!("write waits send :{}", line("sender.send(n).await"));
        assert_eq!(bench.edges(), ["read_one receiver", "write sender", &*waits]);
        let model = bench.sample();
        let channel = model.resources.values().next().unwrap();
        assert_eq!((channel.capacity, channel.length), (Some(2), Some(2)));
        assert_eq!((channel.senders, channel.weak_senders, channel.receivers), (Some(1), Some(0), Some(1)));
        let made = model.edges.values().find_map(|edge| edge.location.as_ref()).unwrap();
        assert!(made.place.file.ends_with("tests/channel/seen.rs"), "{made:?}");
        let freers = model.freers(channel, &Operation::Send);
        assert_eq!(freers.known.len(), 1);
        assert!(freers.certain());
    });
}

#[test]
fn an_empty_channel_and_who_can_send() {
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
        let waits = format!("read waits recv :{}", line("while receiver.recv().await.is_ok() {}"));
        assert_eq!(bench.edges(), ["read receiver", &*waits, "write_one sender"]);
        let model = bench.sample();
        let channel = model.resources.values().next().unwrap();
        assert_eq!((channel.capacity, channel.length), (None, Some(0)));
        assert!(model.freers(channel, &Operation::Recv).certain());
    });
}

#[test]
fn two_receivers_are_two_parties() {
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        tasks.spawn(read(receiver.clone()));
        tasks.spawn(read(receiver));
        tasks.spawn(write_none(sender));
        tasks.run();
        let model = bench.sample();
        let channel = model.resources.values().next().unwrap();
        assert_eq!(channel.receivers, Some(2));
        let freers = model.freers(channel, &Operation::Send);
        assert_eq!((freers.known.len(), freers.unknown), (2, 0));
        assert!(freers.known[0].task != freers.known[1].task);
    });
    async fn write_none(sender: Sender<u8>) {
        pending::<()>().await;
        drop(sender);
    }
}

#[test]
fn a_wait_that_is_given_up_is_over() {
    async fn gives_up(sender: Sender<u8>, receiver: Receiver<u8>, told: impl Future<Output = ()>) {
        sender.send(0).await.unwrap();
        let sends = async { sender.send(1).await.unwrap() }; // given up
        or(sends, told).await;
        pending::<()>().await;
        drop(receiver);
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        let (tell, told) = flag();
        tasks.spawn(gives_up(sender, receiver, told));
        tasks.run();
        let waits = format!("gives_up waits send :{}", line("// given up"));
        assert_eq!(bench.edges(), ["gives_up sender", &*waits]);
        tell.set(true);
        tasks.nudge();
        assert_eq!(bench.edges(), ["gives_up sender"]);
    });
}

#[test]
fn a_stream_that_waits() {
    async fn streams(receiver: Receiver<u8>) {
        let mut receiver = pin!(receiver);
        while receiver.next().await.is_some() {}
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        tasks.spawn(streams(receiver));
        tasks.run();
        // The line of `next().await` is unknown.
        assert_eq!(bench.edges(), ["streams receiver", "streams waits recv"]);
        sender.try_send(1).unwrap();
        assert_eq!(bench.sample().resources.values().next().unwrap().length, Some(1));
        tasks.run();
        assert_eq!(bench.edges(), ["streams receiver", "streams waits recv"]);
        assert_eq!(bench.sample().resources.values().next().unwrap().length, Some(0));
        drop(sender);
        tasks.run();
        assert_eq!(bench.edges(), ["streams receiver"]);
    });
}

#[test]
fn a_stream_that_nobody_asks_any_more() {
    /// A use of the receiver after the stream.
    #[derive(Clone, Copy, Debug)]
    enum After {
        Drop,
        TryRecv,
        Recv,
        Close,
        Elsewhere,
    }
    async fn asks_once(receiver: Receiver<u8>, told: impl Future<Output = ()>, after: After) {
        let mut receiver = Box::pin(receiver);
        let nothing = async { assert_eq!(receiver.next().await, None) };
        or(nothing, told).await;
        match after {
            After::Drop => drop(receiver),
            After::TryRecv => assert!(receiver.try_recv().is_err()),
            After::Recv => assert!(futures_lite::future::poll_once(receiver.recv()).await.is_none()),
            After::Close => assert!(receiver.close()),
            After::Elsewhere => {
                let from_elsewhere = thread::spawn(move || {
                    assert!(receiver.try_recv().is_err());
                    receiver
                });
                drop(from_elsewhere.join());
            }
        }
        pending::<()>().await;
    }
    for after in [After::Drop, After::TryRecv, After::Recv, After::Close, After::Elsewhere] {
        by_hand(|bench, tasks| {
            let (_sender, receiver) = bounded(1);
            let (tell, told) = flag();
            tasks.spawn(asks_once(receiver, told, after));
            tasks.run();
            let waits = |edges: Vec<String>| edges.into_iter().filter(|edge| edge.contains("waits")).count();
            assert_eq!(waits(bench.edges()), 1, "{after:?}");
            tell.set(true);
            tasks.nudge();
            assert_eq!(waits(bench.edges()), 0, "{after:?}");
        });
    }
}

async fn read_orders(orders: Receiver<u8>, warm_cache: Receiver<()>) {
    while orders.recv().await.is_ok() {
        warm_cache.recv().await.unwrap(); // read_orders
    }
}

/// As in Barbara's service: the reader waits for a message that no observed task will send.
#[test]
fn a_writer_stuck_behind_a_reader_that_waits_elsewhere() {
    async fn write_orders(orders: Sender<u8>) {
        for value in 1..=10 {
            orders.send(value).await.unwrap(); // write_orders
        }
    }
    by_hand(|bench, tasks| {
        let (orders, reader) = bounded(2);
        let (_cache_is_warm, warm_cache) = bounded(1);
        tasks.spawn(read_orders(reader, warm_cache));
        tasks.spawn(write_orders(orders));
        tasks.run();
        let (reads, writes) = (line("// read_orders"), line("// write_orders"));
        let expect = [
            "read_orders receiver".to_owned(),
            "read_orders receiver".to_owned(),
            format!("read_orders waits recv :{reads}"),
            "write_orders sender".to_owned(),
            format!("write_orders waits send :{writes}"),
        ];
        assert_eq!(bench.edges(), expect);
        assert_eq!(bench.problems(), []);
    });
}

#[test]
fn a_writer_and_a_reader_that_wait_for_each_other() {
    async fn write_orders(orders: Sender<u8>, cache_is_warm: Sender<()>) {
        for value in 1..=10 {
            orders.send(value).await.unwrap(); // each_other
            if value == 1 {
                cache_is_warm.send(()).await.unwrap();
            }
        }
    }
    by_hand(|bench, tasks| {
        let (orders, reader) = bounded(2);
        let (cache_is_warm, warm_cache) = bounded(1);
        tasks.spawn(read_orders(reader, warm_cache));
        tasks.spawn(write_orders(orders, cache_is_warm));
        tasks.run();
        let both = vec!["read_orders".to_owned(), "write_orders".to_owned()];
        let lines = vec![line("// read_orders"), line("// each_other")];
        assert_eq!(bench.problems(), [(Tier::Suspected, both, lines)]);
    });
}

#[test]
fn a_task_that_sends_to_itself() {
    async fn pump(sender: Sender<u8>, receiver: Receiver<u8>) {
        sender.send(0).await.unwrap();
        while receiver.recv().await.is_ok() {
            sender.send(1).await.unwrap();
            sender.send(2).await.unwrap(); // pump
        }
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        tasks.spawn(pump(sender, receiver));
        tasks.run();
        assert_eq!(bench.problems(), [(Tier::Suspected, vec!["pump".to_owned()], vec![line("// pump")])]);
    });
    // A handle that any task may have, or may turn into a receiver, is an unknown way out. So is a handle that is used
    // unobserved.
    type Another = fn(&Receiver<u8>) -> Box<dyn std::any::Any>;
    let found = |tier| vec![(tier, vec!["pump".to_owned()], vec![line("// pump")])];
    let others: [(Another, Vec<_>); 3] = [
        (|receiver| Box::new(receiver.clone()), found(Tier::Suspected)),
        (|receiver| Box::new(receiver.downgrade()), found(Tier::Suspected)),
        (|receiver| Box::new(receiver.clone().into_inner()), vec![]),
    ];
    for (another, expect) in others {
        by_hand(|bench, tasks| {
            let (sender, receiver) = bounded(1);
            let other = another(&receiver);
            tasks.spawn(pump(sender, receiver));
            tasks.run();
            assert_eq!(bench.problems(), expect);
            drop(other);
        });
    }
}

/// The tasks with the other ends stay unknown, however long the wait lasts.
#[test]
fn ends_that_were_the_real_ones() {
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
        assert_eq!(model.freers(channel, &Operation::Send).unknown, 1);
    });
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        let _receiver = receiver.into_inner();
        tasks.spawn(write(sender));
        tasks.run();
        assert_eq!(bench.problems(), []);
        let model = bench.sample();
        let channel = model.resources.values().next().unwrap();
        assert_eq!(model.freers(channel, &Operation::Send).unknown, 1);
    });
}

#[test]
fn closing_ends_every_wait() {
    async fn streams(receiver: Receiver<u8>) {
        assert_eq!(pin!(receiver).next().await, None);
    }
    let waits = |edges: Vec<String>| edges.into_iter().filter(|edge| edge.contains("waits")).count();
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        (0..2).for_each(|_| tasks.spawn(write(sender.clone())));
        tasks.run();
        assert_eq!(waits(bench.edges()), 2);
        assert!(sender.close());
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
        drop(receiver);
    });
    by_hand(|bench, tasks| {
        let (sender, receiver) = unbounded();
        tasks.spawn(streams(receiver.clone()));
        tasks.spawn(read(receiver.clone()));
        tasks.run();
        assert_eq!(waits(bench.edges()), 2);
        assert!(receiver.close());
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
        assert!(sender.is_closed());
    });
}

#[test]
fn a_thread_is_no_task() {
    by_hand(|bench, _| {
        let (sender, receiver) = bounded(1);
        let thread = thread::spawn(move || {
            sender.send_blocking(1).unwrap();
            sender.send_blocking(2).unwrap();
            assert!(sender.try_send(3).is_err());
            sender
        });
        assert_eq!(receiver.recv_blocking(), Ok(1));
        let sender = thread.join().unwrap();
        let model = bench.sample();
        assert_eq!((model.tasks.len(), model.edges.len()), (0, 0));
        let channel = model.resources.values().next().unwrap();
        assert_eq!(channel.length, Some(1));
        assert_eq!(model.freers(channel, &Operation::Send).unknown, 1);
        drop((sender, receiver));
    });
}

#[test]
fn a_task_that_blocks_its_thread() {
    static EXECUTOR: Executor = Executor::new("threads", "1.0", || None);
    fn sends(sender: Sender<u8>) {
        sender.send_blocking(1).unwrap();
        sender.send_blocking(2).unwrap(); // blocks in send
    }
    fn receives(receiver: Receiver<u8>) {
        assert_eq!(receiver.recv_blocking(), Ok(1)); // blocks in recv
    }
    fn check<End: Send + 'static>(
        bench: &mut Bench,
        blocks: fn(End),
        end: End,
        operation: &str,
        release: impl FnOnce(),
    ) {
        let task = ObservedClosure::new(move || blocks(end), &EXECUTOR, Location::caller());
        let thread = thread::spawn(move || task.call());
        let expect = format!("waits {operation} :{}", line(&format!("// blocks in {operation}")));
        bench.until_edges(|edges| edges.iter().any(|edge| edge.ends_with(&expect)));
        release();
        thread.join().unwrap();
        assert_eq!(bench.edges(), [""; 0]);
    }
    by_hand(|bench, _| {
        let (sender, receiver) = bounded(1);
        check(bench, sends, sender, "send", || assert_eq!(receiver.recv_blocking(), Ok(1)));
        let (sender, receiver) = bounded(1);
        check(bench, receives, receiver, "recv", || sender.send_blocking(1).unwrap());
    });
}

#[test]
fn handles_are_counted() {
    by_hand(|bench, _| {
        let (sender, receiver) = bounded::<u8>(1);
        let weak = (sender.downgrade(), receiver.downgrade());
        let mut check = |expect: (u64, u64, u64)| {
            let channel = bench.sample().resources.values().next().unwrap();
            let counts = (channel.senders, channel.weak_senders, channel.receivers);
            assert_eq!(counts, (Some(expect.0), Some(expect.1), Some(expect.2)));
        };
        // A weak receiver counts as a receiver.
        check((1, 1, 2));
        let strong = (weak.0.upgrade().unwrap(), weak.1.upgrade().unwrap());
        check((2, 1, 3));
        let more = (strong.clone(), weak.clone());
        check((3, 2, 5));
        drop((strong, more));
        drop((sender, receiver));
        check((0, 1, 1));
        assert!(weak.0.upgrade().is_none() && weak.1.upgrade().is_none());
        check((0, 1, 1));
    });
}

#[test]
fn a_name_and_what_is_shown() {
    by_hand(|bench, _| {
        let (sender, receiver) = bounded::<u8>(1);
        insight_probe::name(&sender, "orders");
        insight_probe::name(&receiver, "too late");
        let name = bench.sample().resources.values().next().unwrap().name.clone();
        assert_eq!(name.as_deref(), Some("orders"));
        let shown = [
            format!("{sender:?}"),
            format!("{receiver:?}"),
            format!("{:?}", sender.downgrade()),
            format!("{:?}", receiver.downgrade()),
        ];
        assert_eq!(shown, ["Sender { .. }", "Receiver { .. }", "WeakSender { .. }", "WeakReceiver { .. }"]);
        assert!(format!("{:?}", sender.send(7)).contains("Some(7)"));
        assert!(format!("{:?}", receiver.recv()).starts_with("Recv"));
    });
}

/// We sample all the while, each message keeps the rules, and nothing is left at the end.
#[test]
fn many_tasks_on_many_threads() {
    const MESSAGES: usize = 200;
    async fn sends(sender: Sender<u8>) {
        for _ in 0..MESSAGES {
            // The task gives up after a while, and tries again.
            let sends = async { sender.send(1).await.is_ok() };
            let gives_up = async {
                yield_now().await;
                yield_now().await;
                false
            };
            if !or(sends, gives_up).await {
                sender.send(1).await.unwrap();
            }
        }
    }
    async fn receives(receiver: Receiver<u8>, received: Arc<AtomicUsize>) {
        while receiver.recv().await.is_ok() {
            received.fetch_add(1, Ordering::Relaxed);
        }
    }
    async fn streams(receiver: Receiver<u8>, received: Arc<AtomicUsize>) {
        let mut receiver = pin!(receiver);
        while receiver.next().await.is_some() {
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
