//! A parent holds a lock while it waits for the end of its child, and the child needs the lock to end.

use std::sync::Arc;
use tokio::sync::Mutex;

#[tokio::main]
pub async fn main() {
    let report = Arc::new(Mutex::new(String::new()));
    tokio::spawn(parent(report)).await.unwrap();
}

async fn parent(report: Arc<Mutex<String>>) {
    let mut text = report.lock().await;
    text.push_str("begun\n");
    let child = tokio::spawn(child(report.clone()));
    child.await.unwrap(); // waits here
    text.push_str("done\n");
}

async fn child(report: Arc<Mutex<String>>) {
    report.lock().await.push_str("part 1\n"); // waits here
}
