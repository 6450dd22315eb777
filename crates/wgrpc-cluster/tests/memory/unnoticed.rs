//! A connection that has died without anybody noticing, to a server that was left out meanwhile:
//! what the first call over it ends with says nothing about the server.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::time::{Instant, sleep};
use wgrpc_cluster::{SelectMode, ServerList, XClient};
use wgrpc_core::{CallOptions, Method, Server, Service};

use crate::fleet::endpoint;

/// A connection that says nothing when it dies, until somebody writes to it.
struct Mortal {
    stream: DuplexStream,
    is_dead: Arc<AtomicBool>,
}

impl Mortal {
    fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }
}

impl AsyncRead for Mortal {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.is_dead() {
            true => Poll::Pending,
            false => Pin::new(&mut self.stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Mortal {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.is_dead() {
            true => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            false => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A server that answers or does not, and how many calls it got.
#[derive(Clone, Default)]
struct Moody {
    is_mute: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
}

impl Moody {
    fn start(&self) -> Server {
        let moody = self.clone();
        let work = Method::future(move |number: u64, _| {
            let moody = moody.clone();
            async move {
                moody.calls.fetch_add(1, Ordering::SeqCst);
                while moody.is_mute.load(Ordering::SeqCst) {
                    sleep(Duration::from_secs(1)).await;
                }
                Ok(number)
            }
        });
        let service = Service::new("Work").method("Do", work);
        Server::builder().register(service).start().unwrap()
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_is_used_again_after_one_term_though_its_connection_has_died_meanwhile() {
    let moods = [Moody::default(), Moody::default()];
    let servers = moods.clone().map(|moody| moody.start());
    let connections: Arc<Mutex<Vec<Arc<AtomicBool>>>> = Arc::default();
    let made = connections.clone();
    let client = XClient::builder()
        .select(SelectMode::RoundRobin)
        .dial(move |connector, address| {
            let number = usize::from(address == endpoint(1).address);
            let (ours, theirs) = duplex(16 << 10);
            let server = servers[number].clone();
            tokio::spawn(async move { server.serve_connection(theirs).await });
            let is_dead = Arc::new(AtomicBool::new(false));
            if number == 0 {
                made.lock().push(is_dead.clone());
            }
            let stream = ours;
            async move { Ok(connector.from_stream(Mortal { stream, is_dead })) }
        })
        .start(ServerList::new([endpoint(0), endpoint(1)]))
        .unwrap();
    client.ready().await;
    let calling = tokio::spawn(async move {
        loop {
            let options = CallOptions::new()
                .idempotent()
                .timeout(Duration::from_secs(2));
            let reply = client.call_with::<_, u64>("Work.Do", &1u64, options).await;
            assert_eq!(reply.unwrap(), 1);
            sleep(Duration::from_millis(50)).await;
        }
    });
    // Until it is left out for as long as can be, and was just found mute again.
    moods[0].is_mute.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(300)).await;
    let calls = moods[0].calls();
    while moods[0].calls() == calls {
        sleep(Duration::from_millis(100)).await;
    }
    sleep(Duration::from_secs(2)).await;

    let calls = moods[0].calls();
    moods[0].is_mute.store(false, Ordering::SeqCst);
    for connection in &*connections.lock() {
        connection.store(true, Ordering::SeqCst);
    }
    let healed = Instant::now();
    while moods[0].calls() == calls {
        sleep(Duration::from_millis(100)).await;
    }
    let took = healed.elapsed();
    assert!(
        took > Duration::from_secs(25),
        "it was not left out: {took:?}"
    );
    assert!(took < Duration::from_secs(62), "{took:?}");
    assert!(!calling.is_finished(), "a call has failed");
    calling.abort();
}

#[tokio::test(start_paused = true)]
async fn after_a_silence_a_slow_call_is_made_twice_at_most_and_once_if_it_must_not_be() {
    let moody = Moody::default();
    let server = moody.start();
    let client = XClient::builder()
        .dial(move |_, _| std::future::ready(server.connect()))
        .start(ServerList::new([endpoint(0)]))
        .unwrap();
    client.ready().await;
    let call = async |options: CallOptions| {
        let begun = Instant::now();
        let reply = client.call_with::<_, u64>("Work.Do", &1u64, options).await;
        assert_eq!(reply.unwrap(), 1);
        begun.elapsed()
    };
    sleep(Duration::from_millis(10)).await;
    call(CallOptions::new()).await;
    for (options, most) in [
        (CallOptions::new().idempotent(), 2),
        (CallOptions::new(), 1),
        // It was slow the last time as well.
        (CallOptions::new().idempotent(), 1),
    ] {
        sleep(Duration::from_secs(60)).await;
        let calls = moody.calls();
        moody.is_mute.store(true, Ordering::SeqCst);
        let wakes = async {
            sleep(Duration::from_millis(500)).await;
            moody.is_mute.store(false, Ordering::SeqCst);
        };
        let (took, ()) = tokio::join!(call(options), wakes);
        assert_eq!(took.as_secs(), 1, "the first answer counts: {took:?}");
        assert_eq!(moody.calls() - calls, most);
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubted_connection_takes_no_attempt_from_the_other_servers() {
    let moods = [(); 3].map(|()| Moody::default());
    let servers = moods.clone().map(|moody| moody.start());
    for _ in 0..20 {
        let servers = servers.clone();
        let client = XClient::builder()
            .select(SelectMode::RoundRobin)
            .dial(move |_, address| {
                let number = (0..3).position(|number| endpoint(number).address == address);
                std::future::ready(servers[number.unwrap()].connect())
            })
            .start(ServerList::new((0..3).map(endpoint)))
            .unwrap();
        while client.servers().iter().any(|server| !server.is_usable) {
            sleep(Duration::from_millis(10)).await;
        }
        let call = async || {
            let options = CallOptions::new()
                .idempotent()
                .timeout(Duration::from_secs(9));
            let reply = client.call_with::<_, u64>("Work.Do", &1u64, options).await;
            assert_eq!(reply.unwrap(), 1);
        };
        for _ in 0..3 {
            call().await;
        }
        sleep(Duration::from_secs(60)).await;
        // Whichever is tried first: the third is well.
        for moody in &moods[..2] {
            moody.is_mute.store(true, Ordering::SeqCst);
        }
        call().await;
        for moody in &moods[..2] {
            moody.is_mute.store(false, Ordering::SeqCst);
        }
    }
}
