//! Facts that insight records of event-listener's events.

use futures_lite::future::{pending, poll_once};
use insight_event_listener::{Event, EventListener, IntoNotification, Listener, listener};
use insight_probe::{ANY, Executor, HandOff, ObservedClosure, Op, Resource, Site, Type, waiting};
use insight_test_kit::traits;
use insight_test_kit::{Tasks, by_hand, line_with};
use std::cell::Cell;
use std::future::poll_fn;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

fn line(text: &str) -> u32 {
    line_with(include_str!("seen.rs"), text)
}

#[test]
fn auto_traits_are_those_of_the_real_types() {
    macro_rules! same {
        ($($value:ty),*) => {$(
            assert_eq!(traits!(Event<$value>), traits!(real::Event<$value>));
            assert_eq!(traits!(EventListener<$value>), traits!(real::EventListener<$value>));
        )*};
    }
    same!((), Cell<u8>, Rc<u8>);
}

#[test]
fn a_listener_waits_until_it_is_notified() {
    async fn boxed(event: Arc<Event>) {
        let listener = event.listen(); // boxed
        assert!(listener.listens_to(&event));
        listener.await;
        pending::<()>().await;
    }
    async fn on_the_stack(event: Arc<Event>) {
        listener!(event => listener); // on the stack
        listener.await;
        pending::<()>().await;
    }
    async fn tagged(event: Arc<Event<u8>>) {
        assert_eq!(event.listen().await, 7);
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        static _CAN_BE_A_STATIC: Event = Event::new();
        let event = Arc::new(Event::default());
        tasks.spawn(boxed(event.clone()));
        tasks.spawn(on_the_stack(event.clone()));
        tasks.run();
        let expect = [
            format!("boxed waits notified :{}", line("// boxed")),
            format!("on_the_stack waits notified :{}", line("// on the stack")),
        ];
        assert_eq!(bench.edges(), expect);
        let resources = &bench.sample().resources;
        assert_eq!(resources.values().map(|resource| resource.kind.as_str()).collect::<Vec<_>>(), ["notify"]);
        assert_eq!((event.total_listeners(), event.notify(usize::MAX)), (2, 2));
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
    });
    by_hand(|bench, tasks| {
        let event = Arc::new(Event::with_tag());
        tasks.spawn(tagged(event.clone()));
        tasks.run();
        assert_eq!(bench.edges().len(), 1);
        assert_eq!(event.notify(1.tag(7)), 1);
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
    });
}

#[test]
fn a_listener_that_is_used_otherwise_no_longer_waits() {
    type After = fn(EventListener);
    async fn polls_once(event: Arc<Event>, told: Rc<Cell<bool>>, after: After) {
        let mut listener = event.listen();
        assert!(poll_once(&mut listener).await.is_none());
        poll_fn(|_| if told.get() { Poll::Ready(()) } else { Poll::Pending }).await;
        after(listener);
        pending::<()>().await;
    }
    let all: [After; 3] = [
        drop,
        |listener| assert!(!listener.discard()),
        |listener| assert!(listener.wait_timeout(Duration::from_millis(1)).is_none()),
    ];
    for after in all {
        by_hand(|bench, tasks| {
            let (event, tell) = (Arc::new(Event::new()), Rc::new(Cell::new(false)));
            tasks.spawn(polls_once(event, tell.clone(), after));
            tasks.run();
            assert_eq!(bench.edges().len(), 1);
            tell.set(true);
            tasks.nudge();
            assert_eq!(bench.edges(), [""; 0]);
        });
    }
}

/// As in async-lock: the lock's own wait is the only one.
#[test]
fn an_event_of_an_observed_primitive_is_not_recorded() {
    async fn locks(lock: Arc<(Resource, Event)>) {
        let site = Site { executor: &ANY, op: Op::Lock, need: 1, location: None };
        waiting(&lock.0, site, async { lock.1.listen().await }).await;
        let site = Site { executor: &ANY, op: Op::Lock, need: 1, location: None };
        waiting(&lock.0, site, async {
            listener!(lock.1 => listener);
            listener.await;
        })
        .await;
    }
    by_hand(|bench, tasks| {
        let lock = Resource::new(Type::Mutex(HandOff::Fifo), Location::caller(), None);
        let lock = Arc::new((lock, Event::new()));
        tasks.spawn(locks(lock.clone()));
        for _ in 0..2 {
            tasks.run();
            assert_eq!(bench.edges(), ["locks waits lock"]);
            assert_eq!(bench.sample().resources.len(), 1);
            lock.1.notify(1);
        }
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
    });
}

#[test]
fn a_task_that_blocks_its_thread_waits() {
    static EXECUTOR: Executor = Executor::new("threads", "1.0", || None);
    fn blocks(event: &Event) {
        event.listen().wait(); // boxed wait
        listener!(*event => listener);
        listener.wait(); // wait on the stack
    }
    by_hand(|bench, _| {
        let event = Arc::new(Event::new());
        let listened = event.clone();
        let task = ObservedClosure::new(move || blocks(&listened), &EXECUTOR, Location::caller());
        let thread = thread::spawn(move || task.call());
        for at in ["// boxed wait", "// wait on the stack"] {
            let expect = format!("waits notified :{}", line(at));
            bench.until_edges(|edges| edges.iter().any(|edge| edge.ends_with(&expect)));
            event.notify(1);
        }
        thread.join().unwrap();
        assert_eq!(bench.edges(), [""; 0]);
    });
}

/// We sample all the while, each message keeps the rules, and nothing is left at the end.
#[test]
fn many_listeners_on_many_threads_keep_the_rules() {
    const WAITS: usize = 200;
    async fn listens(event: Arc<Event>, left: Arc<AtomicUsize>) {
        for _ in 0..WAITS {
            event.listen().await;
        }
        left.fetch_sub(1, Ordering::SeqCst);
    }
    by_hand(|bench, _| {
        let (event, left) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(6)));
        let start = |_| {
            let (event, left) = (event.clone(), left.clone());
            thread::spawn(move || {
                let mut tasks = Tasks::default();
                tasks.spawn(listens(event.clone(), left.clone()));
                tasks.spawn(listens(event, left));
                tasks.run_to_end();
            })
        };
        let threads: Vec<_> = (0..3).map(start).collect();
        while left.load(Ordering::SeqCst) != 0 {
            event.notify(usize::MAX);
            bench.sample();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
