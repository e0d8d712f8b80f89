//! Facts that insight records of want's signals.

use futures_lite::future::{or, pending};
use insight_protocol::{Operation, Tier};
use insight_test_kit::traits;
use insight_test_kit::{Tasks, by_hand, line_with};
use insight_want::{Giver, Taker};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

fn line(text: &str) -> u32 {
    line_with(include_str!("seen.rs"), text)
}

#[test]
fn auto_traits_are_those_of_the_real_ends() {
    assert_eq!(traits!(Giver), traits!(real::Giver));
    assert_eq!(traits!(Taker), traits!(real::Taker));
}

#[test]
fn a_giver_waits_until_something_is_wanted() {
    async fn gives(mut giver: Giver) {
        giver.want().await.unwrap(); // gives
        assert!(giver.give());
        poll_fn(|cx| giver.poll_want(cx)).await.unwrap_err(); // gives again
        assert!(giver.shared().is_canceled());
    }
    by_hand(|bench, tasks| {
        let (giver, mut taker) = insight_want::new();
        assert_eq!(format!("{giver:?} {taker:?}"), "Giver { state: Idle } Taker { state: Idle }");
        tasks.spawn(gives(giver));
        tasks.run();
        assert_eq!(bench.edges(), ["gives receiver", &*format!("gives waits changed :{}", line("// gives"))]);
        taker.want();
        tasks.run();
        assert_eq!(bench.edges(), ["gives receiver", &*format!("gives waits changed :{}", line("// gives again"))]);
        taker.want();
        taker.unwant();
        taker.cancel();
        tasks.run();
        assert_eq!(bench.edges(), [""; 0]);
        let signal = bench.sample().resources.values().next().unwrap();
        assert_eq!((signal.senders, signal.receivers), (Some(1), Some(0)));
    });
}

#[test]
fn a_giver_that_waits_otherwise_has_given_up_its_poll() {
    async fn asks_once(mut giver: Giver, told: Rc<Cell<bool>>) {
        let told = poll_fn(|_| if told.get() { Poll::Ready(()) } else { Poll::Pending });
        or(async { poll_fn(|cx| giver.poll_want(cx)).await.unwrap() }, told).await;
        drop(giver.want());
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        let (giver, _taker) = insight_want::new();
        let tell = Rc::new(Cell::new(false));
        tasks.spawn(asks_once(giver, tell.clone()));
        tasks.run();
        assert_eq!(bench.edges().len(), 2);
        tell.set(true);
        tasks.nudge();
        assert_eq!(bench.edges(), ["asks_once receiver"]);
    });
}

#[test]
fn the_connection_that_does_not_ask_is_known() {
    async fn takes_in_turn(mut taker: Taker, mut other: Giver) {
        taker.want();
        other.want().await.unwrap(); // takes in turn
        taker.want();
    }
    async fn gives_in_turn(mut giver: Giver, mut other: Taker) {
        other.want();
        other.unwant();
        giver.want().await.unwrap();
        assert!(giver.give());
        giver.want().await.unwrap(); // gives in turn
        other.want();
    }
    by_hand(|bench, tasks| {
        let (giver, taker) = insight_want::new();
        let (other, other_taker) = insight_want::new();
        tasks.spawn(gives_in_turn(giver, other_taker));
        tasks.spawn(takes_in_turn(taker, other));
        tasks.run();
        let both = vec!["gives_in_turn".to_owned(), "takes_in_turn".to_owned()];
        let lines = vec![line("// takes in turn"), line("// gives in turn")];
        assert_eq!(bench.problems(), [(Tier::Suspected, both, lines)]);
        let model = bench.sample();
        let signal = model.resources.values().next().unwrap();
        assert!(model.freers(signal, &Operation::Changed).certain());
    });
}

/// As in want's own test, each end has a thread. We sample all the while, and each message keeps the rules.
#[test]
fn a_giver_and_a_taker_on_two_threads_keep_the_rules() {
    const WANTED: usize = 100;
    by_hand(|bench, _| {
        let threads: Vec<_> = (0..3)
            .flat_map(|_| {
                let (mut giver, mut taker) = insight_want::new();
                let given = Arc::new(AtomicUsize::new(0));
                let taken = given.clone();
                let gives = async move {
                    while giver.want().await.is_ok() {
                        if giver.give() {
                            given.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                };
                let takes = async move {
                    for n in 1..=WANTED {
                        taker.want();
                        poll_fn(|cx| {
                            cx.waker().wake_by_ref();
                            if taken.load(Ordering::SeqCst) == n { Poll::Ready(()) } else { Poll::Pending }
                        })
                        .await;
                    }
                };
                [run(gives), run(takes)]
            })
            .collect();
        while !threads.iter().all(std::thread::JoinHandle::is_finished) {
            bench.sample();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    fn run(future: impl Future<Output = ()> + Send + 'static) -> std::thread::JoinHandle<()> {
        std::thread::spawn(move || {
            let mut tasks = Tasks::default();
            tasks.spawn(future);
            tasks.run_to_end();
        })
    }
}
