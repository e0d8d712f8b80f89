//! A function that is not async calls `block_on` within a task. It waits for another task, which would run on the blocked
//! thread: by default smol has only one.

use smol::channel::{Receiver, Sender, bounded};

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let (questions, asked) = bounded(1);
    let database = smol::spawn(database(asked));
    smol::spawn(render(questions)).await;
    database.await;
}

async fn database(asked: Receiver<Sender<u64>>) {
    while let Ok(answer) = asked.recv().await {
        answer.send(7).await.unwrap();
    }
}

async fn render(questions: Sender<Sender<u64>>) {
    println!("{}", template(&questions));
}

fn template(questions: &Sender<Sender<u64>>) -> u64 {
    smol::block_on(ask(questions))
}

async fn ask(questions: &Sender<Sender<u64>>) -> u64 {
    let (answer, answered) = bounded(1);
    questions.send(answer).await.unwrap();
    answered.recv().await.unwrap() // waits here
}
