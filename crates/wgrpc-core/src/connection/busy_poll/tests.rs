//! When it looks, and what it finds.

use std::io::{self, Read, Write};
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

/// A socket of which the runtime hears nothing.
struct Unheard(Socket);

impl AsyncRead for Unheard {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl Source for Unheard {
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

/// An inbox, and the other end of its socket.
fn inbox() -> (Inbox, Socket) {
    let (one, other) = Socket::pair().unwrap();
    one.set_nonblocking(true).unwrap();
    let inbox = Inbox::new(Box::new(Unheard(one)), BytesMut::new());
    (inbox, other)
}

/// An inbox in which nothing ever arrives.
fn silence() -> Inbox {
    let (inbox, other) = inbox();
    std::mem::forget(other);
    inbox
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

/// A connection that expects something more.
struct Waiting {
    busy_poll: BusyPoll,
    inbox: Inbox,
    other_end: Socket,
    woken: Arc<Count>,
    waker: Waker,
}

impl Waiting {
    fn new() -> Self {
        let (inbox, other_end) = inbox();
        let mut busy_poll = BusyPoll::new(Duration::from_secs(10));
        busy_poll.enter();
        busy_poll.arrived();
        let woken = Arc::new(Count::default());
        let waker = Waker::from(woken.clone());
        Self {
            busy_poll,
            inbox,
            other_end,
            woken,
            waker,
        }
    }

    /// Gives it a turn with so many calls. Says whether it has found anything, and through how many
    /// reads it sleeps then.
    fn turn(&mut self, calls: usize) -> (bool, u32) {
        // The machine may look busy for a moment; others had their first turn.
        self.busy_poll.turn = None;
        self.busy_poll.left = TURN_EVERY;
        self.busy_poll.enter();
        let cx = &mut Context::from_waker(&self.waker);
        let found = (self.busy_poll).poll(cx, &mut self.inbox, calls, false, NOTHING);
        (found, self.busy_poll.skips)
    }

    /// Reads what it has found. Says how much that was.
    fn read(&mut self) -> usize {
        assert!(self.inbox.poll_fill(&mut nobody()).is_ready());
        self.busy_poll.arrived();
        self.inbox.take().len()
    }

    fn woken(&self) -> usize {
        self.woken.0.swap(0, Ordering::Relaxed)
    }
}

/// Gives everybody a turn, so that they know of each other.
fn meet(all: &mut [&mut Waiting]) {
    for waiting in all {
        assert_eq!(waiting.turn(1), (false, 0));
        waiting.woken();
    }
}

#[test]
fn connections_with_many_calls_that_share_a_thread_do_not_look() {
    let (mut one, mut other) = (Waiting::new(), Waiting::new());
    assert_eq!(one.turn(FEW_CALLS + 1), (false, MOST_SKIPPED));
    // Whoever expects nothing minds nobody.
    other.busy_poll.rest();
    assert_eq!(other.turn(FEW_CALLS + 1), (false, 0));
    other.busy_poll.skips = 0;
    assert_eq!(other.turn(FEW_CALLS + 1), (false, 0), "it has been alone");
}

#[test]
fn one_looks_for_a_few_that_share_a_thread() {
    let (mut one, mut other) = (Waiting::new(), Waiting::new());
    meet(&mut [&mut one, &mut other]);
    // What has nothing to do with it.
    let elsewhere = std::thread::spawn(|| {
        let (mut one, mut other) = (Waiting::new(), Waiting::new());
        meet(&mut [&mut one, &mut other]);
        (&one.other_end).write_all(b"news").unwrap();
        (one, other)
    });
    let (stranger, _other) = elsewhere.join().unwrap();
    for _ in 0..3 {
        assert_eq!(one.turn(1), (false, 0));
        assert_eq!(other.woken(), 0);
        (&other.other_end).write_all(b"news").unwrap();
        assert_eq!(one.turn(1), (false, 0));
        assert_eq!(other.woken(), 1);
        assert_eq!(other.turn(1), (true, 0));
        assert_eq!(other.read(), 4);
        assert_eq!(
            one.woken() + stranger.woken(),
            1,
            "it has let others have a turn"
        );
    }
    // An end is news as well.
    drop(std::mem::replace(&mut other.other_end, inbox().1));
    assert_eq!(one.turn(1), (false, 0));
    assert_eq!(other.woken(), 1);
}

#[test]
fn who_has_let_others_have_a_turn_leaves_it_to_them_to_look() {
    let (mut one, mut other) = (Waiting::new(), Waiting::new());
    meet(&mut [&mut one, &mut other]);
    one.turn(1);
    other.turn(1);
    one.busy_poll.enter();
    assert!(!one.busy_poll.is_on(&one.inbox));
    other.busy_poll.enter();
    assert!(other.busy_poll.is_on(&other.inbox), "one of them looks");
    // It is woken for another reason, or something has arrived.
    one.busy_poll.enter();
    assert!(one.busy_poll.is_on(&one.inbox));
    other.turn(1);
    one.busy_poll.enter();
    one.busy_poll.arrived();
    assert!(one.busy_poll.is_on(&one.inbox));
}

#[test]
fn what_was_found_for_one_that_sleeps_is_read() {
    let (mut one, mut other) = (Waiting::new(), Waiting::new());
    meet(&mut [&mut one, &mut other]);
    other.busy_poll.skips = 7;
    (&other.other_end).write_all(b"news").unwrap();
    one.turn(1);
    assert_eq!(other.woken(), 1);
    other.busy_poll.enter();
    assert!(other.busy_poll.is_on(&other.inbox));
    other.busy_poll.enter();
    let is_on = other.busy_poll.is_on(&other.inbox);
    assert!(!is_on, "it was not woken for that");
}

#[test]
fn nobody_looks_for_one_that_would_not_read() {
    let (mut one, mut other) = (Waiting::new(), Waiting::new());
    meet(&mut [&mut one, &mut other]);
    (&other.other_end).write_all(b"news").unwrap();
    other.busy_poll.pause();
    assert_eq!(one.turn(1), (false, 0));
    assert_eq!(other.woken(), 0);
    assert_eq!(other.turn(1), (true, 0));
}

#[test]
fn an_error_is_left_to_the_connection_that_it_is_for() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    socket.set_nonblocking(true).unwrap();
    let one = Arc::new(Neighbor::default());
    let other = Arc::new(Neighbor::default());
    let nothing = silence();
    let woken = Arc::new(Count::default());
    let now = Instant::now();
    assert!(one.join(nothing.socket(), Waker::noop(), now));
    assert!(other.join(
        Some(SockRef::from(&socket)),
        &Waker::from(woken.clone()),
        now
    ));
    other.set_waiting(true);
    SockRef::from(&peer)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(peer);
    let start = Instant::now();
    while !one.wake_others() {
        let took = start.elapsed();
        assert!(took < Duration::from_secs(10), "the connection was reset");
    }
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    let error = (&socket).read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn nobody_looks_where_too_many_share_a_thread() {
    let mut all: Vec<_> = (0..=neighbor::MOST).map(|_| Waiting::new()).collect();
    let (last, others) = all.split_last_mut().unwrap();
    meet(&mut others.iter_mut().collect::<Vec<_>>());
    assert_eq!(last.turn(1), (false, MOST_SKIPPED));
    for other in others {
        assert_eq!(other.turn(1), (false, MOST_SKIPPED));
    }
    // They try again later, not at once.
    last.busy_poll.skips = 0;
    assert_eq!(last.turn(1), (false, MOST_SKIPPED));
    neighbor::crowd(Instant::now() - neighbor::CROWDED);
    last.busy_poll.skips = 0;
    meet(&mut [last]);
}

#[test]
fn whoever_moves_to_another_thread_looks_there() {
    let (mut one, mut other) = (Waiting::new(), Waiting::new());
    meet(&mut [&mut one, &mut other]);
    let moved = std::thread::spawn(move || {
        meet(&mut [&mut other]);
        other
    });
    let other = moved.join().unwrap();
    (&other.other_end).write_all(b"news").unwrap();
    assert_eq!(one.turn(1), (false, 0));
    assert_eq!(other.woken(), 0);
    // And looks there: for one that is there, and not for one that is here.
    let moved = std::thread::spawn(move || {
        let mut other = other;
        let mut third = Waiting::new();
        assert!(other.inbox.fill_now());
        assert_eq!(other.read(), 4);
        meet(&mut [&mut third, &mut other]);
        (&third.other_end).write_all(b"news").unwrap();
        other.turn(1);
        assert_eq!(third.woken(), 1);
        other
    });
    // However often it comes and goes, it is one.
    let mut other = moved.join().unwrap();
    for _ in 0..=neighbor::MOST {
        meet(&mut [&mut one, &mut other]);
        let moved = std::thread::spawn(move || {
            meet(&mut [&mut other]);
            other
        });
        other = moved.join().unwrap();
    }
}

#[test]
fn many_calls_on_one_connection_keep_others_from_looking() {
    let (mut one, mut other) = (Waiting::new(), Waiting::new());
    meet(&mut [&mut one, &mut other]);
    one.turn(1);
    assert_eq!(other.turn(FEW_CALLS + 1), (false, MOST_SKIPPED));
    assert_eq!(one.turn(1), (false, MOST_SKIPPED));
}

#[test]
fn neighbors_do_not_keep_a_socket_open() {
    let ends: [fn(BusyPoll); 2] = [drop, |busy_poll| std::mem::forget(left(busy_poll))];
    fn left(mut busy_poll: BusyPoll) -> BusyPoll {
        busy_poll.leave();
        busy_poll
    }
    for end in ends {
        let (mut one, mut other) = (Waiting::new(), Waiting::new());
        meet(&mut [&mut one, &mut other]);
        let Waiting {
            busy_poll,
            inbox,
            mut other_end,
            ..
        } = one;
        drop(inbox);
        other_end.set_nonblocking(true).unwrap();
        assert!(other_end.read(&mut [0]).is_err(), "it has another handle");
        end(busy_poll);
        assert_eq!(other_end.read(&mut [0]).unwrap(), 0);
        assert_eq!(other.turn(1), (false, 0));
    }
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
