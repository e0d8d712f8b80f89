//! Facts that insight records of futures-channel's channels.

use futures_lite::StreamExt;
use futures_lite::future::{or, pending, poll_once};
use insight_futures_channel::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded};
use insight_futures_channel::oneshot;
use insight_protocol::{Operation, Tier};
use insight_test_kit::{Bench, Tasks, by_hand, line_with};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;

fn line(text: &str) -> u32 {
    line_with(include_str!("seen.rs"), text)
}

/// A future that is ready when its task is polled after the flag was set.
fn flag() -> (Rc<Cell<bool>>, impl Future<Output = ()>) {
    let flag = Rc::new(Cell::new(false));
    let told = flag.clone();
    (flag, poll_fn(move |_| if told.get() { Poll::Ready(()) } else { Poll::Pending }))
}

/// Sends like the `send` of a `Sink`.
async fn send(sender: &mut Sender<u8>, message: u8) {
    poll_fn(|cx| sender.poll_ready(cx)).await.unwrap();
    sender.start_send(message).unwrap();
}

async fn read(mut receiver: Receiver<u8>) {
    while receiver.recv().await.is_ok() {} // read
}

fn waits(bench: &mut Bench) -> Vec<String> {
    bench.edges().into_iter().filter(|edge| edge.contains("waits")).collect()
}

fn lengths(bench: &mut Bench) -> (Option<u64>, Option<u64>) {
    let channel = bench.sample().resources.values().next().unwrap();
    (channel.capacity, channel.length)
}

#[test]
fn a_full_channel_shows_its_sender_and_receiver() {
    async fn write(mut sender: Sender<u8>) {
        loop {
            send(&mut sender, 0).await;
        }
    }
    async fn read_one(mut receiver: Receiver<u8>) {
        assert_eq!(receiver.recv().await, Ok(0));
        pending::<()>().await;
        drop(receiver);
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = channel(1);
        tasks.spawn(write(sender));
        tasks.spawn(read_one(receiver));
        tasks.run();
        let at = line("sender.poll_ready(cx)).await");
        assert_eq!(bench.edges(), ["read_one receiver", "write sender", &*format!("write waits send :{at}")]);
        // With the place that each sender has for itself.
        assert_eq!(lengths(bench), (Some(2), Some(2)));
        let model = bench.sample();
        let channel = model.resources.values().next().unwrap();
        assert_eq!((channel.senders, channel.receivers), (Some(1), Some(1)));
        let freers = model.freers(channel, &Operation::Send);
        assert!(freers.known.len() == 1 && freers.certain());
    });
}

#[test]
fn an_empty_channel_shows_its_receiver_and_sender() {
    async fn write_one(sender: UnboundedSender<u8>) {
        sender.unbounded_send(1).unwrap();
        pending::<()>().await;
        drop(sender);
    }
    async fn read_all(mut receiver: UnboundedReceiver<u8>) {
        while receiver.recv().await.is_ok() {} // read_all
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = unbounded();
        tasks.spawn(read_all(receiver));
        tasks.spawn(write_one(sender));
        tasks.run();
        let wait = format!("read_all waits recv :{}", line("// read_all"));
        assert_eq!(bench.edges(), ["read_all receiver", &*wait, "write_one sender"]);
        assert_eq!(lengths(bench), (None, Some(0)));
        let model = bench.sample();
        assert!(model.freers(model.resources.values().next().unwrap(), &Operation::Recv).certain());
    });
}

#[test]
fn length_is_the_number_of_messages_after_each_operation() {
    by_hand(|bench, _| {
        let (mut sender, mut receiver) = channel(2);
        let mut other = sender.clone();
        for n in 1..=3_u8 {
            sender.try_send(n).unwrap();
            assert_eq!(lengths(bench), (Some(3), Some(u64::from(n))));
        }
        assert!(sender.try_send(4).unwrap_err().is_full());
        assert_eq!(lengths(bench), (Some(3), Some(3)));
        other.start_send(4).unwrap();
        assert_eq!(lengths(bench), (Some(3), Some(4)));
        assert_eq!(receiver.try_recv(), Ok(1));
        assert_eq!(lengths(bench), (Some(3), Some(3)));
        receiver.close();
        assert!(sender.try_send(5).unwrap_err().is_disconnected());
        assert_eq!(lengths(bench), (Some(3), Some(3)));
    });
}

#[test]
fn a_stream_waits_until_it_has_a_message_or_is_closed() {
    async fn streams(mut receiver: UnboundedReceiver<u8>) {
        while receiver.next().await.is_some() {}
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = unbounded();
        tasks.spawn(streams(receiver));
        tasks.run();
        // The line of `next().await` is unknown.
        assert_eq!(bench.edges(), ["streams receiver", "streams waits recv"]);
        sender.unbounded_send(1).unwrap();
        assert_eq!(lengths(bench), (None, Some(1)));
        tasks.run();
        assert_eq!(bench.edges(), ["streams receiver", "streams waits recv"]);
        assert_eq!(lengths(bench), (None, Some(0)));
        sender.close_channel();
        tasks.run();
        assert_eq!(bench.edges(), ["streams receiver"]);
    });
}

#[test]
fn a_receiver_that_is_used_otherwise_no_longer_waits_as_a_stream() {
    type After = fn(Receiver<u8>) -> Option<Receiver<u8>>;
    async fn asks_once(mut receiver: Receiver<u8>, told: impl Future<Output = ()>, after: After) {
        let nothing = async { assert_eq!(receiver.next().await, None) };
        or(nothing, told).await;
        let _receiver = after(receiver);
        pending::<()>().await;
    }
    let all: [After; 4] = [
        |_| None,
        |mut receiver| receiver.try_recv().is_err().then_some(receiver),
        |mut receiver| futures_lite::future::block_on(poll_once(receiver.recv())).is_none().then_some(receiver),
        |mut receiver| {
            receiver.close();
            Some(receiver)
        },
    ];
    for after in all {
        by_hand(|bench, tasks| {
            let (_sender, receiver) = channel(1);
            let (tell, told) = flag();
            tasks.spawn(asks_once(receiver, told, after));
            tasks.run();
            assert_eq!(waits(bench), ["asks_once waits recv"]);
            tell.set(true);
            tasks.nudge();
            assert_eq!(waits(bench), [""; 0]);
        });
    }
}

#[test]
fn a_sender_that_is_used_otherwise_no_longer_waits() {
    type After = fn(Sender<u8>) -> Option<Sender<u8>>;
    async fn asks_once(mut sender: Sender<u8>, told: impl Future<Output = ()>, after: After) {
        sender.try_send(1).unwrap();
        or(async { poll_fn(|cx| sender.poll_ready(cx)).await.unwrap() }, told).await;
        let _sender = after(sender);
        pending::<()>().await;
    }
    let all: [After; 4] = [
        |_| None,
        |mut sender| sender.try_send(2).is_err().then_some(sender),
        |mut sender| {
            sender.close_channel();
            Some(sender)
        },
        |mut sender| {
            sender.disconnect();
            Some(sender)
        },
    ];
    for after in all {
        by_hand(|bench, tasks| {
            let (sender, _receiver) = channel(0);
            let (tell, told) = flag();
            tasks.spawn(asks_once(sender, told, after));
            tasks.run();
            assert_eq!(waits(bench).len(), 1);
            tell.set(true);
            tasks.nudge();
            assert_eq!(waits(bench), [""; 0]);
        });
    }
}

#[cfg(feature = "sink")]
#[test]
fn a_sink_waits_for_room_to_send_and_to_flush() {
    use futures_sink::Sink;
    use std::pin::Pin;
    async fn flushes(mut sender: Sender<u8>) {
        let mut sink = Pin::new(&mut sender);
        poll_fn(|cx| sink.as_mut().poll_ready(cx)).await.unwrap();
        sink.as_mut().start_send(1).unwrap();
        poll_fn(|cx| sink.as_mut().poll_flush(cx)).await.unwrap();
        poll_fn(|cx| sink.as_mut().poll_close(cx)).await.unwrap();
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        let (sender, mut receiver) = channel(0);
        tasks.spawn(flushes(sender));
        tasks.run();
        assert_eq!(bench.edges(), ["flushes sender", "flushes waits send"]);
        assert_eq!(receiver.try_recv(), Ok(1));
        tasks.run();
        // Its sender is disconnected, and no longer counts.
        assert_eq!(bench.edges(), [""; 0]);
        assert_eq!(bench.sample().resources.values().next().unwrap().senders, Some(0));
    });
}

#[test]
fn two_tasks_that_wait_for_each_other_are_found() {
    async fn read_orders(mut orders: Receiver<u8>, mut warm_cache: UnboundedReceiver<()>) {
        while orders.recv().await.is_ok() {
            warm_cache.recv().await.unwrap(); // read_orders
        }
    }
    async fn write_orders(mut orders: Sender<u8>, cache_is_warm: UnboundedSender<()>) {
        cache_is_warm.unbounded_send(()).unwrap();
        for value in 1..=10 {
            send(&mut orders, value).await;
        }
    }
    by_hand(|bench, tasks| {
        let (orders, reader) = channel(2);
        let (cache_is_warm, warm_cache) = unbounded();
        tasks.spawn(read_orders(reader, warm_cache));
        tasks.spawn(write_orders(orders, cache_is_warm));
        tasks.run();
        let both = vec!["read_orders".to_owned(), "write_orders".to_owned()];
        let lines = vec![line("// read_orders"), line("sender.poll_ready(cx)).await")];
        assert_eq!(bench.problems(), [(Tier::Suspected, both, lines)]);
    });
}

#[test]
fn a_task_that_sends_to_itself_is_found() {
    async fn pump(mut sender: Sender<u8>, mut receiver: Receiver<u8>) {
        send(&mut sender, 0).await;
        while receiver.recv().await.is_ok() {
            send(&mut sender, 1).await;
            send(&mut sender, 2).await;
        }
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = channel(0);
        tasks.spawn(pump(sender, receiver));

        tasks.run();
        let lines = vec![line("sender.poll_ready(cx)).await")];
        assert_eq!(bench.problems(), [(Tier::Suspected, vec!["pump".to_owned()], lines)]);
    });
}

#[test]
fn ends_that_were_the_real_ones_have_others_beside_them() {
    by_hand(|bench, tasks| {
        let (sender, receiver) = channel(1);
        let _sender = sender.into_inner();
        tasks.spawn(read(Receiver::from(receiver.into_inner())));
        tasks.run();
        assert_eq!(bench.problems(), []);
        let model = bench.sample();
        let channel = model.resources.values().find(|channel| !channel.edges.is_empty()).unwrap();
        assert_eq!(model.freers(channel, &Operation::Recv).unknown, 1);
    });
}

async fn receives(receiver: oneshot::Receiver<u8>) {
    let _ = receiver.await; // receives
}

#[test]
fn a_oneshot_is_recorded_when_something_waits_on_it() {
    by_hand(|bench, tasks| {
        let (sender, receiver) = oneshot::channel();
        sender.send(1).unwrap();
        tasks.spawn(receives(receiver));
        tasks.run();
        assert_eq!(bench.sample().resources.len(), 0);

        let (sender, receiver) = oneshot::channel();
        tasks.spawn(receives(receiver));
        tasks.run();
        let wait = format!("receives waits recv :{}", line("// receives"));
        assert_eq!(bench.edges(), ["receives receiver", &*wait]);
        let channel = bench.sample().resources.values().next().unwrap();
        assert_eq!((channel.senders, channel.receivers, channel.length), (Some(1), Some(1), Some(0)));
        sender.send(1).unwrap();
        assert_eq!(bench.sample().resources.values().next().unwrap().length, Some(1));
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
    });
}

#[test]
fn a_sender_waits_for_the_receiver_to_go() {
    async fn polls(mut sender: oneshot::Sender<u8>) {
        poll_fn(|cx| sender.poll_canceled(cx)).await; // polls
    }
    async fn awaits(mut sender: oneshot::Sender<u8>) {
        sender.cancellation().await; // awaits
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = oneshot::channel();
        tasks.spawn(polls(sender));
        let (other, mut other_receiver) = oneshot::channel();
        tasks.spawn(awaits(other));
        tasks.run();
        let expect = [
            "awaits sender".to_owned(),
            format!("awaits waits closed :{}", line("// awaits")),
            "polls sender".to_owned(),
            format!("polls waits closed :{}", line("// polls")),
        ];
        assert_eq!(bench.edges(), expect);
        drop(receiver);
        other_receiver.close();
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
    });
}

#[test]
fn a_oneshot_that_is_used_otherwise_is_no_longer_waited_on() {
    type After = fn(oneshot::Receiver<u8>) -> Option<oneshot::Receiver<u8>>;
    async fn asks_once(mut receiver: oneshot::Receiver<u8>, told: impl Future<Output = ()>, after: After) {
        or(async { assert!((&mut receiver).await.is_err()) }, told).await;
        let _receiver = after(receiver);
        pending::<()>().await;
    }
    let all: [After; 3] = [
        |_| None,
        |mut receiver| receiver.try_recv().is_ok().then_some(receiver),
        |mut receiver| {
            receiver.close();
            Some(receiver)
        },
    ];
    for after in all {
        by_hand(|bench, tasks| {
            let (_sender, receiver) = oneshot::channel();
            let (tell, told) = flag();
            tasks.spawn(asks_once(receiver, told, after));
            tasks.run();
            assert_eq!(waits(bench).len(), 1);
            tell.set(true);
            tasks.nudge();
            assert_eq!(waits(bench), [""; 0]);
        });
    }
}

/// We sample all the while, each message keeps the rules, and nothing is left at the end.
#[test]
fn many_tasks_on_many_threads_keep_the_rules() {
    const MESSAGES: usize = 200;
    async fn sends(mut sender: Sender<u8>) {
        for _ in 0..MESSAGES {
            send(&mut sender, 1).await;
        }
    }
    async fn receives(mut receiver: Receiver<u8>, done: oneshot::Sender<usize>) {
        let mut received = 0;
        while receiver.next().await.is_some() {
            received += 1;
        }
        done.send(received).unwrap();
    }
    async fn awaits(done: oneshot::Receiver<usize>) {
        assert_eq!(done.await, Ok(3 * MESSAGES));
    }
    by_hand(|bench, _| {
        let (sender, receiver) = channel(2);
        let (done, is_done) = oneshot::channel();
        let mut threads: Vec<_> = (0..3)
            .map(|_| {
                let sender = sender.clone();
                std::thread::spawn(move || {
                    let mut tasks = Tasks::default();
                    tasks.spawn(sends(sender));
                    tasks.run_to_end();
                })
            })
            .collect();
        threads.push(std::thread::spawn(move || {
            let mut tasks = Tasks::default();
            tasks.spawn(receives(receiver, done));
            tasks.run_to_end();
        }));
        threads.push(std::thread::spawn(move || {
            let mut tasks = Tasks::default();
            tasks.spawn(awaits(is_done));
            tasks.run_to_end();
        }));
        drop(sender);
        while !threads.iter().all(std::thread::JoinHandle::is_finished) {
            bench.sample();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
