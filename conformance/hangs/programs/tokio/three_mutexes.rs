//! Three tasks in a circle, each with one mutex and waiting for the next one's. A fourth task waits only for one of these
//! mutexes. It hangs too, but is not part of the cause.

use std::sync::Arc;
use tokio::sync::{Barrier, Mutex};

type Lock = Arc<Mutex<u64>>;

#[tokio::main]
pub async fn main() {
    let cpu = Arc::new(Mutex::new(0));
    let disk = Arc::new(Mutex::new(0));
    let network = Arc::new(Mutex::new(0));
    let each_holds_one = Arc::new(Barrier::new(4));
    tokio::spawn(compute(cpu.clone(), disk.clone(), each_holds_one.clone()));
    tokio::spawn(write(disk.clone(), network.clone(), each_holds_one.clone()));
    tokio::spawn(upload(network, cpu.clone(), each_holds_one.clone()));
    each_holds_one.wait().await;
    tokio::spawn(watch(cpu)).await.unwrap();
}

async fn compute(cpu: Lock, disk: Lock, each_holds_one: Arc<Barrier>) {
    let used = cpu.lock().await;
    each_holds_one.wait().await;
    *disk.lock().await += *used; // waits here
}

async fn write(disk: Lock, network: Lock, each_holds_one: Arc<Barrier>) {
    let used = disk.lock().await;
    each_holds_one.wait().await;
    *network.lock().await += *used; // waits here
}

async fn upload(network: Lock, cpu: Lock, each_holds_one: Arc<Barrier>) {
    let used = network.lock().await;
    each_holds_one.wait().await;
    *cpu.lock().await += *used; // waits here
}

async fn watch(cpu: Lock) {
    println!("{}", cpu.lock().await);
}
