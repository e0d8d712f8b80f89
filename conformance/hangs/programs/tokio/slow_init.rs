//! Three tasks want the value of a cell. One of them computes it, and this takes a while.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    loop {
        let pool = Arc::new(OnceCell::new());
        let users: Vec<_> = (0..3).map(|_| tokio::spawn(user(pool.clone()))).collect();
        for user in users {
            user.await.unwrap();
        }
    }
}

async fn user(pool: Arc<OnceCell<u64>>) {
    println!("{}", pool.get_or_init(connect).await);
}

async fn connect() -> u64 {
    sleep(Duration::from_secs(2)).await;
    5
}
