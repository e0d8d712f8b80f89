use futures_lite::future::pending;
use insight_sync::channel_2 as channel;
use insight_sync::channel_2::{Receiver, SendError, Sender, bounded, unbounded};
use insight_test_kit::{by_hand, line_with};

// The same tests for both versions, on purpose.
#[allow(clippy::duplicate_mod)]
#[path = "seen.rs"]
mod seen;

#[test]
fn force_send_takes_the_place_of_a_message() {
    async fn write(sender: Sender<u8>) {
        assert_eq!(sender.force_send(1), Ok(None));
        assert_eq!(sender.force_send(2), Ok(Some(1)));
        sender.send(3).await.unwrap(); // write
        assert_eq!(sender.force_send(4), Ok(Some(3)));
        sender.close();
        assert_eq!(sender.force_send(5), Err(SendError(5)));
    }
    async fn write_one(sender: Sender<u8>) {
        assert_eq!(sender.force_send(1), Ok(None));
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        let (sender, _receiver) = bounded(1);
        tasks.spawn(write_one(sender));
        tasks.run();
        assert_eq!(bench.edges(), ["write_one sender"]);
        assert_eq!(bench.sample().resources.values().next().unwrap().length, Some(1));
    });
    by_hand(|bench, tasks| {
        let (sender, receiver) = bounded(1);
        tasks.spawn(write(sender));
        tasks.run();
        let waits = format!("write waits send :{}", line_with(include_str!("of_2.rs"), "// write"));
        assert_eq!(bench.edges(), ["write sender", &*waits]);
        assert_eq!(bench.sample().resources.values().next().unwrap().length, Some(1));
        assert_eq!(receiver.try_recv(), Ok(2));
        tasks.run();
        assert_eq!(receiver.try_recv(), Ok(4));
        assert!(receiver.is_closed());
    });
}

#[test]
fn until_it_is_closed() {
    async fn watches(sender: Sender<u8>) {
        sender.closed().await; // watches
    }
    async fn reads(receiver: Receiver<u8>) {
        receiver.recv().await.unwrap();
        receiver.close();
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        let (sender, receiver) = unbounded();
        tasks.spawn(watches(sender.clone()));
        tasks.spawn(reads(receiver));
        tasks.run();
        let waits = format!("watches waits closed :{}", line_with(include_str!("of_2.rs"), "// watches"));
        assert!(bench.edges().contains(&waits), "{:?}", bench.edges());
        sender.try_send(1).unwrap();
        tasks.run();
        assert_eq!(bench.edges(), ["reads receiver"]);
    });
}

#[test]
fn the_same_channel() {
    by_hand(|_, _| {
        let ((sender, receiver), (other, another)) = (bounded::<u8>(1), unbounded::<u8>());
        assert!(sender.same_channel(&sender.clone()) && !sender.same_channel(&other));
        assert!(receiver.same_channel(&receiver.clone()) && !receiver.same_channel(&another));
    });
}
