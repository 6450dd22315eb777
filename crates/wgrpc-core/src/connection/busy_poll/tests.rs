//! When it looks, and what it finds.

use std::io;
use std::os::unix::net::UnixStream as Socket;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::*;
use crate::connection::Fill;
use crate::transport::Source;

/// A socket on which nothing ever arrives, and the other end of it.
struct Silence(
    Socket,
    #[expect(dead_code, reason = "open, and nothing more")] Socket,
);

impl AsyncRead for Silence {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl Source for Silence {
    fn socket(&self) -> Option<SockRef<'_>> {
        Some(SockRef::from(&self.0))
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

const NOTHING: fn() -> bool = || false;
const NEWS: fn() -> bool = || true;

fn silence() -> Inbox {
    let (one, other) = Socket::pair().unwrap();
    one.set_nonblocking(true).unwrap();
    Inbox::new(Box::new(Silence(one, other)), BytesMut::new())
}

fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Gives it a turn in which there is nothing but `is_wanted`, as a connection does.
fn turn(busy_poll: &mut BusyPoll, inbox: &mut Inbox, is_wanted: fn() -> bool) -> bool {
    busy_poll.enter();
    busy_poll.is_on(inbox) && busy_poll.poll(&mut nobody(), inbox, 1, false, is_wanted)
}

/// Lets it wait for something that does not come before its time is up.
fn wait_in_vain(busy_poll: &mut BusyPoll, inbox: &mut Inbox) {
    while busy_poll.is_on(inbox) {
        assert!(!turn(busy_poll, inbox, NOTHING));
    }
}

/// Through how many reads it sleeps now.
fn skips(busy_poll: &mut BusyPoll, inbox: &Inbox) -> u32 {
    let mut count = 0;
    while !busy_poll.is_on(inbox) {
        busy_poll.arrived();
        count += 1;
    }
    count
}

/// Lets it find something. The machine may look busy for a moment.
fn find(busy_poll: &mut BusyPoll, inbox: &mut Inbox) {
    while !turn(busy_poll, inbox, NEWS) {
        skips(busy_poll, inbox);
    }
    busy_poll.arrived();
}

#[test]
fn the_more_often_it_looks_in_vain_the_longer_it_sleeps() {
    let mut inbox = silence();
    let mut busy_poll = BusyPoll::new(Duration::from_micros(10));
    for expected in [1, 2, 4, 8, 16, 32, 64, 64] {
        wait_in_vain(&mut busy_poll, &mut inbox);
        assert_eq!(skips(&mut busy_poll, &inbox), expected);
    }
    find(&mut busy_poll, &mut inbox);
    wait_in_vain(&mut busy_poll, &mut inbox);
    assert_eq!(skips(&mut busy_poll, &inbox), 1);
}

#[test]
fn it_looks_longer_for_many_calls() {
    let mut inbox = silence();
    let mut busy_poll = BusyPoll::new(Duration::from_millis(1));
    let mut look = |calls| {
        let start = Instant::now();
        while busy_poll.skips == 0 {
            busy_poll.left = TURN_EVERY;
            busy_poll.enter();
            assert!(!busy_poll.poll(&mut nobody(), &mut inbox, calls, false, NOTHING));
            // A machine that is busy for a moment does not end it.
            busy_poll.turn = None;
        }
        busy_poll.skips = 0;
        start.elapsed()
    };
    assert!(look(CALLS - 1) >= Duration::from_millis(1));
    assert!(look(9 * CALLS) >= Duration::from_millis(10));
}

#[test]
fn others_have_a_turn_before_it_looks_for_the_first_time_and_when_it_has_looked_for_a_while() {
    let mut inbox = silence();
    let mut busy_poll = BusyPoll::new(Duration::from_secs(10));
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let cx = &mut Context::from_waker(&waker);
    busy_poll.enter();
    assert!(!busy_poll.poll(cx, &mut inbox, 1, false, NEWS));
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    // The machine may look busy for a moment.
    busy_poll.turn = None;
    busy_poll.left = TURN_EVERY;
    busy_poll.enter();
    assert!(!busy_poll.poll(cx, &mut inbox, 1, false, NOTHING));
    assert_eq!(count.0.load(Ordering::Relaxed), 2);
}

#[test]
fn others_have_a_turn_first_where_the_connection_says_so() {
    let mut inbox = silence();
    let mut busy_poll = BusyPoll::new(Duration::from_secs(10));
    find(&mut busy_poll, &mut inbox);
    busy_poll.enter();
    assert!(!busy_poll.poll(&mut nobody(), &mut inbox, 1, true, NEWS));
    // The same wait goes on.
    busy_poll.turn = None;
    busy_poll.enter();
    assert!(busy_poll.poll(&mut nobody(), &mut inbox, 1, true, NEWS));
}

#[test]
fn others_have_a_turn_although_it_keeps_finding_something() {
    let mut inbox = silence();
    let mut busy_poll = BusyPoll::new(Duration::from_secs(10));
    find(&mut busy_poll, &mut inbox);
    busy_poll.left = u32::MAX;
    busy_poll.enter();
    let start = Instant::now();
    while busy_poll.poll(&mut nobody(), &mut inbox, 1, false, NEWS) {
        busy_poll.arrived();
        let took = start.elapsed();
        assert!(took < Duration::from_secs(10), "no turn for others");
    }
}

#[test]
fn a_busy_thread_is_left_alone() {
    let mut inbox = silence();
    let mut busy_poll = BusyPoll::new(Duration::from_secs(10));
    busy_poll.enter();
    assert!(!busy_poll.poll(&mut nobody(), &mut inbox, 1, false, NOTHING));
    assert!(busy_poll.is_on(&inbox), "others have their first turn");
    std::thread::sleep(10 * BUSY);
    assert!(!turn(&mut busy_poll, &mut inbox, NEWS));
    assert!(!busy_poll.is_on(&inbox));
}

#[test]
fn connections_that_share_a_thread_and_wait_at_the_same_time_do_not_look() {
    let inbox = silence();
    let mut one = BusyPoll::new(Duration::from_secs(10));
    let mut other = BusyPoll::new(Duration::from_secs(10));
    one.enter();
    one.arrived();
    one.enter();
    assert!(one.is_on(&inbox), "it has been alone");
    // Whoever expects nothing minds nobody.
    other.enter();
    assert!(other.is_on(&inbox));
    one.enter();
    assert!(!one.is_on(&inbox));
    assert_eq!(skips(&mut one, &inbox), MOST_SKIPPED);
    one.rest();
    other.enter();
    one.enter();
    assert!(one.is_on(&inbox));
}

#[test]
fn it_never_looks_without_time_nor_where_it_would_see_nothing() {
    assert!(!BusyPoll::new(Duration::ZERO).is_on(&silence()));
    let (end, _other_end) = tokio::io::duplex(64);
    let inbox = Inbox::new(Box::new(tokio::io::split(end).0), BytesMut::new());
    assert!(!BusyPoll::new(Duration::from_secs(1)).is_on(&inbox));
}

#[tokio::test]
async fn what_has_arrived_is_found_although_the_runtime_has_not_heard_of_it() {
    let (one, other) = UnixStream::pair().unwrap();
    let mut inbox = Inbox::new(Box::new(one.into_split().0), BytesMut::new());
    other.writable().await.unwrap();
    assert!(!inbox.fill_now());
    assert!(inbox.poll_fill(&mut nobody()).is_pending());

    other.try_write(b"news").unwrap();
    assert!(inbox.poll_fill(&mut nobody()).is_pending());
    assert!(inbox.fill_now());
    assert!(!inbox.is_ready(), "news is told before it is used");
    assert!(matches!(
        inbox.poll_fill(&mut nobody()),
        Poll::Ready(Ok(Fill::Ready))
    ));
    assert_eq!(&inbox.take()[..], b"news");

    // The runtime hears of it in the end, and of everything that comes later.
    other.try_write(b"more").unwrap();
    let fill = std::future::poll_fn(|cx| inbox.poll_fill(cx)).await;
    assert!(matches!(fill, Ok(Fill::Ready)));
    assert_eq!(&inbox.take()[..], b"more");
}

#[tokio::test]
async fn the_end_is_found_too() {
    let (one, other) = UnixStream::pair().unwrap();
    let mut inbox = Inbox::new(Box::new(one.into_split().0), BytesMut::new());
    drop(other);
    assert!(inbox.fill_now());
    assert!(matches!(
        inbox.poll_fill(&mut nobody()),
        Poll::Ready(Ok(Fill::End))
    ));
}

#[tokio::test]
async fn an_error_is_found_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (other, _) = listener.accept().await.unwrap();
    let mut inbox = Inbox::new(Box::new(one.into_split().0), BytesMut::new());
    // Closed at once, which resets the connection.
    SockRef::from(&other)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(other);
    let start = Instant::now();
    while !inbox.fill_now() {
        let took = start.elapsed();
        assert!(took < Duration::from_secs(10), "the connection was reset");
    }
    let Poll::Ready(Err(error)) = inbox.poll_fill(&mut nobody()) else {
        panic!("the connection was reset");
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}
