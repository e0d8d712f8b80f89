//! Two tasks have the handle of each other, and each waits for the other's end.

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[tokio::main]
pub async fn main() {
    let (to_reader, writer_handle) = oneshot::channel();
    let (to_writer, reader_handle) = oneshot::channel();
    let reader = tokio::spawn(reader(writer_handle));
    let writer = tokio::spawn(writer(reader_handle));
    to_reader.send(writer).unwrap();
    to_writer.send(reader).unwrap();
    std::future::pending().await
}

async fn reader(writer: oneshot::Receiver<JoinHandle<()>>) {
    let writer = writer.await.unwrap();
    writer.await.unwrap(); // waits here
}

async fn writer(reader: oneshot::Receiver<JoinHandle<()>>) {
    let reader = reader.await.unwrap();
    reader.await.unwrap(); // waits here
}
