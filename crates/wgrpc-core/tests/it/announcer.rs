//! What a server announces, and when.

use std::sync::Arc;

use tokio::sync::Notify;
use wgrpc_core::{Address, Announcer, BoxFuture, Client};

use crate::support::{Args, demo, soon};

/// Keeps what it is told, and lets the end wait.
#[derive(Default)]
struct Board {
    up: parking_lot::Mutex<Vec<String>>,
    is_going_down: Notify,
    may_go_down: Notify,
}

struct Announcing(Arc<Board>);

impl Announcer for Announcing {
    fn up(&self, address: &Address) {
        self.0.up.lock().push(address.to_string());
    }

    fn down(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.0.is_going_down.notify_one();
            self.0.may_go_down.notified().await;
        })
    }
}

#[tokio::test]
async fn a_server_announces_every_listener_and_serves_until_its_end_is_known() {
    let board = Arc::new(Board::default());
    let builder = demo().announcer(Announcing(board.clone()));
    let server = builder.listen("tcp@127.0.0.1:0").await.unwrap();
    let second = server.listen("tcp@127.0.0.1:0").await.unwrap();
    let told = board.up.lock().clone();
    assert_eq!(told, [server.address().to_string(), second.to_string()]);

    let ending = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown().await }
    });
    soon(board.is_going_down.notified()).await;
    let client = Client::connect(second).await.unwrap();
    let args = Args { a: 6, b: 7 };
    let product = soon(client.call::<_, i64>("Arith.Multiply", &args));
    assert_eq!(product.await.unwrap(), 42);
    board.may_go_down.notify_one();
    soon(ending).await.unwrap().unwrap();
}
