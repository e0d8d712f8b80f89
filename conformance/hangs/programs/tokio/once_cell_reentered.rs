//! The future that initialises a cell waits for the value of the same cell.

use std::sync::Arc;
use tokio::sync::OnceCell;

#[tokio::main]
pub async fn main() {
    let config = Arc::new(OnceCell::new());
    tokio::spawn(start(config)).await.unwrap();
}

async fn start(config: Arc<OnceCell<u64>>) {
    config.get_or_init(|| load(&config)).await;
}

async fn load(config: &OnceCell<u64>) -> u64 {
    1 + default_port(config).await
}

async fn default_port(config: &OnceCell<u64>) -> u64 {
    *Box::pin(config.get_or_init(async || 8080)).await // waits here
}
