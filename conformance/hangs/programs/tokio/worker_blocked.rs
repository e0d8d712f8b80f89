//! A task on a runtime of one thread receives from a channel of the standard library, which blocks the thread. The task
//! that would send is behind it.

use std::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    let (answers, answered) = channel();
    let ask = tokio::spawn(ask(answered));
    tokio::spawn(answer(answers));
    ask.await.unwrap();
}

async fn ask(answered: Receiver<u64>) {
    println!("{}", answered.recv().unwrap());
}

async fn answer(answers: Sender<u64>) {
    answers.send(42).unwrap();
}
