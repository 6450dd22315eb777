//! One direction of a stream: what is on its way, and when each part of it arrives.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::Host;

/// How many bytes may be on their way before the writer waits.
const WINDOW: usize = 64 << 10;

/// What is sent at once.
pub(super) enum Segment {
    Data(Vec<u8>),
    /// Nothing more comes.
    End,
    /// The other side knows nothing of this stream.
    Reset,
}

/// One direction of a stream.
pub(super) struct Pipe {
    pub(super) from: Host,
    pub(super) to: Host,
    /// The number of the other direction.
    pub(super) other: u64,
    /// The receiving end is held by nobody.
    pub(super) is_abandoned: bool,
    /// The sending end cannot be written to any more.
    pub(super) is_broken: bool,
    /// The sender has said that nothing more comes.
    pub(super) is_ended: bool,
    /// What is on its way and when it arrives: in the order in which it was sent.
    flying: VecDeque<(Instant, Segment)>,
    /// What was lost, and will be sent again.
    lost: VecDeque<Segment>,
    /// The bytes of both.
    bytes: usize,
    /// Before this nothing arrives.
    earliest: Instant,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// What there is to be read.
pub(super) enum Arrived {
    Data,
    End,
    Reset,
    /// Something, but only then.
    At(Instant),
    Nothing,
}

impl Pipe {
    pub(super) fn new(from: Host, to: Host, other: u64) -> Self {
        Self {
            from,
            to,
            other,
            is_abandoned: false,
            is_broken: false,
            is_ended: false,
            flying: VecDeque::new(),
            lost: VecDeque::new(),
            bytes: 0,
            earliest: Instant::now(),
            reader: None,
            writer: None,
        }
    }

    /// Sends a segment that arrives after `delay`, if it does.
    pub(super) fn push(&mut self, delay: Option<Duration>, segment: Segment) {
        if self.is_abandoned {
            if delay.is_none() {
                self.lost.push_back(segment);
            }
            return;
        }
        if let Segment::Data(data) = &segment {
            self.bytes += data.len();
        }
        match delay {
            Some(delay) => {
                self.earliest = self.earliest.max(Instant::now() + delay);
                self.flying.push_back((self.earliest, segment));
                if let Some(reader) = self.reader.take() {
                    reader.wake();
                }
            }
            None => self.lost.push_back(segment),
        }
    }

    pub(super) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    pub(super) fn take_lost(&mut self) -> Vec<Segment> {
        let lost: Vec<Segment> = self.lost.drain(..).collect();
        for segment in &lost {
            if let Segment::Data(data) = segment {
                self.bytes = self.bytes.saturating_sub(data.len());
            }
        }
        lost
    }

    /// Lets nothing new arrive for a while.
    pub(super) fn pause(&mut self, pause: Duration) {
        self.earliest = self.earliest.max(Instant::now() + pause);
    }

    /// Looks at what has arrived.
    pub(super) fn arrived(&self) -> Arrived {
        match self.flying.front() {
            Some((at, _)) if *at > Instant::now() => Arrived::At(*at),
            Some((_, Segment::Data(_))) => Arrived::Data,
            Some((_, Segment::End)) => Arrived::End,
            Some((_, Segment::Reset)) => Arrived::Reset,
            None => Arrived::Nothing,
        }
    }

    /// Takes at most so many bytes of the data that has arrived.
    pub(super) fn take(&mut self, most: usize) -> Vec<u8> {
        let Some((_, Segment::Data(data))) = self.flying.front_mut() else {
            return Vec::new();
        };
        let rest = data.split_off(most.min(data.len()));
        let taken = std::mem::replace(data, rest);
        if data.is_empty() {
            self.flying.pop_front();
        }
        self.bytes -= taken.len();
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
        taken
    }

    /// How many more bytes may be sent now.
    pub(super) fn room(&self) -> usize {
        WINDOW.saturating_sub(self.bytes)
    }

    pub(super) fn wait_to_read(&mut self, waker: &Waker) {
        self.reader = Some(waker.clone());
    }

    pub(super) fn wait_to_write(&mut self, waker: &Waker) {
        self.writer = Some(waker.clone());
    }

    /// Has both ends look again.
    pub(super) fn wake(&mut self) {
        let wakers = self.reader.take().into_iter().chain(self.writer.take());
        wakers.for_each(Waker::wake);
    }

    /// Nobody reads this any more.
    pub(super) fn abandon(&mut self) {
        self.is_abandoned = true;
        self.flying.clear();
        self.bytes = 0;
        self.wake();
    }
}
