//! Clients whose runtime ends before them.

use tokio::runtime::{Builder, Runtime};
use wgrpc_core::{Client, Error, Executed};

use crate::support::{Args, soon};

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn calls_end_with_the_runtime_of_their_connection() {
    let theirs = runtime();
    let (ours, _server) = tokio::io::duplex(4096);
    let client = theirs.block_on(async { Client::builder().from_stream(ours).unwrap() });
    let call = || {
        let call = client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 });
        call.no_timeout()
    };
    let in_flight = call();
    drop(theirs);

    let own = runtime();
    let error = own.block_on(soon(in_flight)).unwrap_err();
    assert!(matches!(error, Error::Lost(_)), "{error:?}");
    assert_eq!(error.is_executed(), Executed::Maybe);
    let text = error.to_string();
    assert!(text.contains("the connection's task has ended"), "{text}");

    assert!(!client.is_available());
    let error = own.block_on(soon(call())).unwrap_err();
    assert!(matches!(error, Error::NotSent(_)), "{error:?}");
    assert_eq!(error.is_executed(), Executed::No);
    let text = error.to_string();
    assert!(text.contains("the connection's task has ended"), "{text}");
}
