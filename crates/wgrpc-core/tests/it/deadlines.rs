//! Every call ends by its deadline, and what is late or given up leaves nothing behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use wgrpc_core::{
    Client, ClientLimits, Code, Context, Error, Fault, Method, ServerLimits, Service,
};

use crate::raw::{Codec, Raw, serve};
use crate::support::{Args, Bytes, SOON, demo, soon, until};

/// How many tasks the runtime has.
fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_to_a_frozen_server_end_by_their_deadline() {
    // Accepts by itself, and reads nothing.
    let frozen = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp@{}", frozen.local_addr().unwrap());
    for unwritten in [0, 1 << 20, usize::MAX] {
        let limits = ClientLimits {
            unwritten,
            ..ClientLimits::default()
        };
        let client = Client::builder()
            .limits(limits)
            .connect(address.as_str())
            .await
            .unwrap();
        let deadline = Duration::from_millis(500);
        let start = Instant::now();
        let payload = Bytes(vec![7; 64 << 10]);
        let mut calls = JoinSet::new();
        for _ in 0..1000 {
            calls.spawn(
                client
                    .call::<_, Bytes>("Echo.Bytes", &payload)
                    .timeout(deadline),
            );
        }
        let (mut sent, mut unsent) = (0, 0);
        for result in soon(calls.join_all()).await {
            match result.unwrap_err() {
                Error::Timeout { sent: true, .. } => sent += 1,
                Error::Timeout { sent: false, .. } => unsent += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(start.elapsed() < 10 * deadline, "{:?}", start.elapsed());
        assert_eq!(
            unsent == 0,
            unwritten == usize::MAX,
            "{sent} sent, {unsent} not sent"
        );
        assert!(client.is_available());
    }
}

/// `Gate.Pass` waits until it is opened.
fn gate(opens: Arc<Semaphore>) -> Service {
    Service::new("Gate").method(
        "Pass",
        Method::future(move |number: u64, _: Context| {
            let opens = opens.clone();
            async move {
                let _pass = opens.acquire().await?;
                Ok(number)
            }
        }),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_past_its_time_gets_exactly_one_response() {
    const CALLS: u64 = 10_000;
    let opens = Arc::new(Semaphore::new(0));
    let limits = ServerLimits {
        in_flight: 2 * CALLS as usize,
        in_flight_total: 2 * CALLS as usize,
        ..ServerLimits::default()
    };
    let server = demo()
        .register(gate(opens.clone()))
        .limits(limits)
        .start()
        .unwrap();
    let baseline = tasks();
    for codec in Codec::BOTH {
        let mut raw = Raw::in_memory(&server, 64 << 10, codec);
        raw.send(&codec.option_with("\"HandleTimeout\":50000000"))
            .await;
        let mut requests = Vec::new();
        for seq in 1..=CALLS {
            requests.extend(raw.speech.request("Gate.Pass", seq, &seq));
        }
        raw.send(&requests).await;
        let mut seen = vec![false; CALLS as usize + 1];
        for _ in 0..CALLS {
            let response = raw.response::<u64>().await.unwrap();
            let text = "request handle timeout: expect within 50ms";
            assert_eq!(response.result, Err(text.to_owned()));
            assert!(!std::mem::replace(
                &mut seen[response.header.seq as usize],
                true
            ));
        }
        // What the handlers return now is dropped.
        assert!(tasks() >= CALLS as usize);
        opens.add_permits(1);
        raw.request("Arith.Multiply", CALLS + 1, &Args { a: 6, b: 7 })
            .await;
        assert_eq!(raw.response::<i64>().await.unwrap().result, Ok(42));
        raw.finish().await;
        assert!(raw.rest().await.is_empty());
        drop(raw);
        until(|| tasks() <= baseline).await;
        opens.forget_permits(1);
    }
}

#[tokio::test]
async fn the_shorter_of_the_two_handle_timeouts_holds() {
    for (asked, most, text) in [
        (0, Some(20), "20ms"),
        (30, None, "30ms"),
        (30, Some(20), "20ms"),
        (10, Some(60_000), "10ms"),
    ] {
        let limits = ServerLimits {
            handle_timeout: most.map(Duration::from_millis),
            ..Default::default()
        };
        let server = demo().limits(limits).start().unwrap();
        let (ours, theirs) = tokio::io::duplex(4096);
        serve(&server, theirs);
        let client = Client::builder().handle_timeout(Duration::from_millis(asked));
        let client = client.from_stream(ours).unwrap();
        let error = soon(client.call::<_, i64>("Arith.Sleep", &10_000))
            .await
            .unwrap_err();
        let expected = format!("request handle timeout: expect within {text}");
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.fault().unwrap().code(), Some(Code::HandleTimeout));
        assert!(error.is_timeout());
    }
}

/// Answers with the number that it was sent, soon or later.
fn mirror() -> Service {
    Service::new("Mirror").method(
        "Number",
        Method::future(|number: u64, _: Context| async move {
            for _ in 0..number % 3 {
                tokio::task::yield_now().await;
            }
            if number.is_multiple_of(97) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok::<_, Fault>(number)
        }),
    )
}

/// Waits for `size` calls to come together.
fn meeting(size: usize) -> Service {
    let barrier = Arc::new(Barrier::new(size));
    Service::new("Meeting").method(
        "Meet",
        Method::future(move |(): (), _: Context| {
            let barrier = barrier.clone();
            async move {
                barrier.wait().await;
                Ok(true)
            }
        }),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_given_up_at_any_point_leave_nothing_behind() {
    const AT_ONCE: usize = 64;
    let server = demo()
        .register(mirror())
        .register(meeting(AT_ONCE))
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    let limits = ClientLimits {
        in_flight: AT_ONCE,
        ..ClientLimits::default()
    };
    let client = Client::builder()
        .limits(limits)
        .connect(server.address())
        .await
        .unwrap();
    let mut callers = JoinSet::new();
    for caller in 0..200u64 {
        let client = client.clone();
        callers.spawn(async move {
            for round in 0..100 {
                let number = caller * 1000 + round;
                let mut call = client.call::<_, u64>("Mirror.Number", &number);
                match (caller * 7 + round) % 5 {
                    // Given up before it was ever polled.
                    0 => drop(call),
                    // Given up after one poll or so.
                    1 => {
                        tokio::select! {
                            biased;
                            reply = &mut call => assert_eq!(reply.unwrap(), number),
                            () = tokio::task::yield_now() => {}
                        }
                    }
                    // Given up at any moment.
                    2 => {
                        let patience = Duration::from_micros(number % 500);
                        if let Ok(reply) = tokio::time::timeout(patience, call).await {
                            assert_eq!(reply.unwrap(), number);
                        }
                    }
                    // Ended by its deadline, perhaps.
                    3 => match call.timeout(Duration::from_micros(number % 2000)).await {
                        Ok(reply) => assert_eq!(reply, number),
                        Err(error) => assert!(error.is_timeout(), "{error:?}"),
                    },
                    _ => assert_eq!(call.await.unwrap(), number),
                }
            }
        });
    }
    soon(callers.join_all()).await;
    // There is still room for as many calls as ever.
    let meeting: JoinSet<_> = (0..AT_ONCE)
        .map(|_| client.call::<_, bool>("Meeting.Meet", &()))
        .collect();
    for met in soon(meeting.join_all()).await {
        assert!(met.unwrap());
    }
}

#[tokio::test]
async fn deadlines_beyond_the_clock_are_none() {
    let server = demo().start().unwrap();
    let client = server.connect().unwrap();
    for timeout in [
        Duration::MAX,
        Duration::from_secs(u64::MAX),
        Duration::from_secs(1 << 40),
    ] {
        let call = client.call::<_, i64>("Arith.Sleep", &1).timeout(timeout);
        assert_eq!(soon(call).await.unwrap(), 1);
    }
    let call = client.call::<_, i64>("Arith.Sleep", &1).no_timeout();
    assert_eq!(soon(call).await.unwrap(), 1);
    let start = Instant::now();
    let error = soon(
        client
            .call::<_, i64>("Arith.Sleep", &60_000)
            .timeout(Duration::ZERO),
    )
    .await;
    assert!(error.unwrap_err().is_timeout());
    assert!(start.elapsed() < SOON);
}

#[tokio::test(start_paused = true)]
async fn a_call_has_thirty_seconds_unless_told_otherwise() {
    let server = demo().start().unwrap();
    let client = server.connect().unwrap();
    let start = tokio::time::Instant::now();
    let error = client
        .call::<_, i64>("Arith.Sleep", &3_600_000)
        .await
        .unwrap_err();
    let thirty = Duration::from_secs(30);
    assert!(
        matches!(error, Error::Timeout { sent: true, after } if after == thirty),
        "{error:?}"
    );
    assert!(start.elapsed() >= thirty && start.elapsed() < 2 * thirty);
    let slept = client
        .call::<_, i64>("Arith.Sleep", &90_000)
        .no_timeout()
        .await;
    assert_eq!(slept.unwrap(), 90_000);
}
