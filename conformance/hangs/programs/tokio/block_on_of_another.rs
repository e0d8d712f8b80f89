//! A function that is not async calls `block_on` of the futures crate within a task. It waits for a task of the same
//! runtime, whose only thread it blocks.

use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    let (questions, asked) = channel(1);
    tokio::spawn(database(asked));
    tokio::spawn(render(questions)).await.unwrap();
}

async fn database(mut asked: Receiver<Sender<u64>>) {
    while let Some(answer) = asked.recv().await {
        answer.send(7).await.unwrap();
    }
}

async fn render(questions: Sender<Sender<u64>>) {
    println!("{}", template(&questions));
}

fn template(questions: &Sender<Sender<u64>>) -> u64 {
    futures::executor::block_on(ask(questions))
}

async fn ask(questions: &Sender<Sender<u64>>) -> u64 {
    let (answer, mut answered) = channel(1);
    questions.send(answer).await.unwrap();
    answered.recv().await.unwrap() // waits here
}
