//! Who writes, and in how many system calls.

use std::sync::Arc;

use wgrpc_gob::adapt::Go;
use wgrpc_gob::{Limits, to_vec};

use super::*;
use crate::codec::{Encoding, Format};

/// A socket that takes `room` bytes and notes every write.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    room: usize,
    writes: Vec<Vec<u8>>,
    /// Where the bytes of each write were.
    places: Vec<usize>,
}

impl Socket {
    fn with_room(room: usize) -> Self {
        Self(Arc::new(Mutex::new(Taken {
            room,
            ..Taken::default()
        })))
    }

    fn writes(&self) -> Vec<Vec<u8>> {
        self.0.lock().writes.clone()
    }

    fn add_room(&self, room: usize) {
        self.0.lock().room += room;
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut taken = self.0.lock();
        let count = buf.len().min(taken.room);
        if count == 0 {
            return Poll::Pending;
        }
        taken.room -= count;
        taken.writes.push(buf[..count].to_vec());
        taken.places.push(buf.as_ptr().addr());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn outbox(socket: &Socket) -> Outbox {
    Outbox::new(
        Box::new(socket.clone()),
        Sender::new(Format::Json, usize::MAX),
        (),
    )
}

fn append(outbox: &Outbox, seq: u64) -> Append {
    let header = Header {
        seq,
        ..Header::default()
    };
    outbox
        .append(
            &header,
            &Types::default(),
            &mut Content::Own(&mut b"{}\n".to_vec()),
            usize::MAX,
        )
        .unwrap()
}

fn flush(outbox: &Outbox) -> Flush {
    outbox.flush(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_hundred_messages_go_out_in_one_write_by_the_one_who_came_first() {
    let socket = Socket::with_room(usize::MAX);
    let outbox = outbox(&socket);
    assert_eq!(append(&outbox, 1), Append::Responsible);
    for seq in 2..=100 {
        assert_eq!(append(&outbox, seq), Append::Queued);
    }
    assert!(socket.writes().is_empty());
    outbox.write_here();
    let writes = socket.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].split(|&byte| byte == b'\n').count(), 201);
    assert_eq!(outbox.unwritten(), 0);
    assert_eq!(append(&outbox, 101), Append::Responsible);
}

#[test]
fn what_the_peer_does_not_take_stays_in_order_and_is_counted() {
    let socket = Socket::with_room(10);
    let outbox = outbox(&socket);
    let _ = append(&outbox, 1);
    assert!(matches!(flush(&outbox), Flush::Blocked { progress: true }));
    assert!(matches!(flush(&outbox), Flush::Blocked { progress: false }));
    assert_eq!(append(&outbox, 2), Append::Queued);
    let left = outbox.unwritten();
    assert!(left > 0);
    socket.add_room(left);
    assert!(matches!(flush(&outbox), Flush::Done));
    let text = String::from_utf8(socket.writes().concat()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(
        lines[0].contains("\"Seq\":1") && lines[2].contains("\"Seq\":2"),
        "{text}"
    );
}

#[test]
fn nothing_is_appended_beyond_the_limit_or_after_the_end() {
    let socket = Socket::with_room(0);
    let outbox = outbox(&socket);
    let _ = append(&outbox, 1);
    let before = outbox.unwritten();
    let header = Header::default();
    let mut body = b"{}\n".to_vec();
    let full = outbox.append(
        &header,
        &Types::default(),
        &mut Content::Own(&mut body),
        before - 1,
    );
    assert!(matches!(full, Err(AppendError::Full)));
    outbox.close(Cause::new("over"));
    let closed = outbox.append(
        &header,
        &Types::default(),
        &mut Content::Own(&mut body),
        usize::MAX,
    );
    assert!(matches!(closed, Err(AppendError::Closed(cause)) if cause.to_string() == "over"));
    assert_eq!(outbox.unwritten(), before);
}

#[test]
fn threads_that_append_and_write_at_once_lose_and_double_nothing() {
    let socket = Socket::with_room(usize::MAX);
    let outbox = Arc::new(outbox(&socket));
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let outbox = outbox.clone();
            scope.spawn(move || {
                for i in 0..500 {
                    if append(&outbox, thread * 1000 + i) == Append::Responsible {
                        outbox.write_here();
                    }
                }
            });
        }
    });
    assert_eq!(
        outbox.unwritten(),
        0,
        "the last one to be responsible wrote everything"
    );
    let text = String::from_utf8(socket.writes().concat()).unwrap();
    let mut seqs: Vec<u64> = text
        .lines()
        .filter_map(|line| {
            line.split("\"Seq\":")
                .nth(1)?
                .split(',')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    seqs.sort_unstable();
    let expected: Vec<u64> = (0..4)
        .flat_map(|t| (0..500).map(move |i| t * 1000 + i))
        .collect();
    assert_eq!(seqs, expected);
}

#[test]
fn a_long_value_reaches_the_socket_from_where_it_is() {
    let value = Go(Bytes::from(vec![7; 1 << 20]));
    for around in [3, LARGE] {
        let text = "x".repeat(around);
        let values = (text.clone(), value.clone(), text);
        let whole = to_vec(&values).unwrap();
        let mut body = Vec::new();
        let encoding = Encoding::new(Format::Gob, Limits::default());
        let types = encoding.encode(&values, &mut body).unwrap();
        assert!(body.len() < 3 * LARGE);
        let (shared, copied) = (Bytes::from(body.clone()), body.clone());
        for mut content in [
            Content::Own(&mut body),
            Content::Shared(&shared),
            Content::Copied(&copied),
        ] {
            let socket = Socket::with_room(usize::MAX);
            let sender = Sender::new(Format::Gob, usize::MAX);
            let outbox: Outbox = Outbox::new(Box::new(socket.clone()), sender, ());
            let header = Header::default();
            let appended = outbox.append(&header, &types, &mut content, usize::MAX);
            assert_eq!(appended.unwrap(), Append::Responsible);
            assert!(outbox.unwritten() > value.0.len());
            outbox.write_here();
            assert_eq!(outbox.unwritten(), 0);
            // Definitions and header stand in front, the same ones but for the header's type.
            let written = socket.writes().concat();
            let message = &whole[whole.len() - values.0.len() - value.0.len()..];
            assert!(written.ends_with(message));
            let places = &socket.0.lock().places;
            assert!(places.contains(&value.0.as_ptr().addr()), "it was copied");
        }
    }
    assert!(value.0.is_unique(), "what has been written is let go");
}
