//! The calls in flight: a table without channels, without a runtime and without allocations a
//! call.
//!
//! A call's sequence number is its place and its generation at once: numbers only ever grow, and
//! the place is the number modulo the table's size. So a late or doubled reply cannot reach
//! another call, and the numbers stay short on the wire.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

/// The size of a table that has nothing in it.
const SMALLEST: usize = 16;
/// A table larger than this is given back once it is empty.
const KEPT: usize = 1024;
/// A call that there is room for, and that is not polled for this long, loses its turn.
const PATIENCE: Duration = Duration::from_millis(100);

/// The calls in flight, and those that wait for room.
pub(crate) struct Pending<T> {
    places: Vec<Place<T>>,
    next_seq: u64,
    /// Places in use: calls in flight and results that nobody has fetched.
    used: usize,
    in_flight: usize,
    /// Calls that were given up or timed out, and whose answers may still come.
    late: u64,
    /// No call's time is up before this.
    earliest: Option<Instant>,
    waiting: VecDeque<Waiting>,
    next_ticket: u64,
}

enum Place<T> {
    Free,
    InFlight {
        seq: u64,
        deadline: Option<Instant>,
        waker: Option<Waker>,
    },
    Done {
        seq: u64,
        result: Result<T, Error>,
    },
}

/// A call that waits for room.
struct Waiting {
    ticket: u64,
    deadline: Option<Instant>,
    waker: Waker,
    /// Until when its turn lasts: it has been woken, and not been polled since.
    turn: Option<Instant>,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Fetched<T> {
    /// Not answered yet; the waker is kept.
    InFlight,
    /// Answered, and forgotten here.
    Done(Result<T, Error>),
    /// No such call.
    Unknown,
}

impl<T> Pending<T> {
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            // Go's client begins with 1 too.
            next_seq: 1,
            used: 0,
            in_flight: 0,
            late: 0,
            earliest: None,
            waiting: VecDeque::new(),
            next_ticket: 0,
        }
    }

    /// How many calls have been sent and not answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The number of the next call, unless its place is taken.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    #[inline]
    fn place(&self, seq: u64) -> usize {
        seq as usize & (self.places.len() - 1)
    }

    /// Registers a call and gives it its number.
    #[inline]
    pub(crate) fn insert(&mut self, deadline: Option<Instant>) -> u64 {
        if self.used * 2 >= self.places.len() {
            self.grow();
        }
        // At least half of the places are free, so this ends soon.
        loop {
            let seq = self.next_seq;
            self.next_seq += 1;
            let place = self.place(seq);
            if matches!(self.places[place], Place::Free) {
                self.places[place] = Place::InFlight {
                    seq,
                    deadline,
                    waker: None,
                };
                self.used += 1;
                self.in_flight += 1;
                self.note_deadline(deadline);
                return seq;
            }
        }
    }

    /// Numbers that differ modulo a size differ modulo twice the size too.
    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(SMALLEST);
        let old = std::mem::take(&mut self.places);
        self.places.resize_with(size, || Place::Free);
        for place in old {
            if let Place::InFlight { seq, .. } | Place::Done { seq, .. } = place {
                let index = self.place(seq);
                self.places[index] = place;
            }
        }
    }

    fn note_deadline(&mut self, deadline: Option<Instant>) {
        if let Some(deadline) = deadline
            && self.earliest.is_none_or(|earliest| deadline < earliest)
        {
            self.earliest = Some(deadline);
        }
    }

    /// Keeps `result` for the call, and returns whom to wake. `None` if no such call is in
    /// flight: it was given up, or never made.
    #[inline]
    pub(crate) fn complete(
        &mut self,
        seq: u64,
        result: impl FnOnce() -> Result<T, Error>,
    ) -> Option<Option<Waker>> {
        if self.places.is_empty() {
            return None;
        }
        let index = self.place(seq);
        let place = &mut self.places[index];
        match place {
            Place::InFlight {
                seq: known, waker, ..
            } if *known == seq => {
                let waker = waker.take();
                *place = Place::Done {
                    seq,
                    result: result(),
                };
                self.in_flight -= 1;
                Some(waker)
            }
            _ => None,
        }
    }

    /// Whether a reply that [met no call](Self::complete) may be that of one that was given up;
    /// there are as many of these as calls were.
    pub(crate) fn expects_late_reply(&mut self) -> bool {
        let is_expected = self.late > 0;
        self.late -= u64::from(is_expected);
        is_expected
    }

    /// Fetches the result of a call, or keeps `waker` until it is there.
    #[inline]
    pub(crate) fn fetch(&mut self, seq: u64, waker: &Waker) -> Fetched<T> {
        if self.places.is_empty() {
            return Fetched::Unknown;
        }
        let index = self.place(seq);
        match &mut self.places[index] {
            Place::InFlight {
                seq: known,
                waker: kept,
                ..
            } if *known == seq => {
                match kept {
                    Some(kept) if kept.will_wake(waker) => {}
                    kept => *kept = Some(waker.clone()),
                }
                Fetched::InFlight
            }
            Place::Done { seq: known, .. } if *known == seq => {
                match std::mem::replace(&mut self.places[index], Place::Free) {
                    Place::Done { result, .. } => {
                        self.freed();
                        Fetched::Done(result)
                    }
                    _ => Fetched::Unknown,
                }
            }
            _ => Fetched::Unknown,
        }
    }

    /// Forgets a call, answered or not.
    pub(crate) fn remove(&mut self, seq: u64) {
        if self.places.is_empty() {
            return;
        }
        let index = self.place(seq);
        match self.places[index] {
            Place::InFlight { seq: known, .. } if known == seq => {
                self.in_flight -= 1;
                self.late += 1;
            }
            Place::Done { seq: known, .. } if known == seq => {}
            _ => return,
        }
        self.places[index] = Place::Free;
        self.freed();
    }

    /// Forgets a call that was not sent after all: no late reply comes.
    pub(crate) fn take_back(&mut self, seq: u64) {
        let late = self.late;
        self.remove(seq);
        self.late = late;
    }

    fn freed(&mut self) {
        self.used -= 1;
        if self.used == 0 && self.places.len() > KEPT {
            self.places = Vec::new();
        }
    }

    /// Gives a call another deadline.
    pub(crate) fn change_deadline(&mut self, seq: u64, to: Option<Instant>) {
        if self.places.is_empty() {
            return;
        }
        let index = self.place(seq);
        if let Place::InFlight {
            seq: known,
            deadline,
            ..
        } = &mut self.places[index]
            && *known == seq
        {
            *deadline = to;
            self.note_deadline(to);
        }
    }

    /// The moment before which no call's time is up.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.earliest
    }

    /// Ends every call whose time is up with the error that `late` makes, wakes them through
    /// `wake`, and finds the next moment to look.
    ///
    /// This looks at every call, but only when the earliest deadline known has passed; answered
    /// calls take theirs with them. So a call costs no timer.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        late: impl Fn() -> Error,
        mut wake: impl FnMut(Waker),
    ) {
        let mut made_room = false;
        let mut earliest: Option<Instant> = None;
        let mut later = |deadline: Instant| {
            earliest = Some(earliest.map_or(deadline, |earliest| earliest.min(deadline)));
        };
        for place in &mut self.places {
            let Place::InFlight {
                seq,
                deadline: Some(deadline),
                waker,
            } = place
            else {
                continue;
            };
            if *deadline > now {
                later(*deadline);
                continue;
            }
            if let Some(waker) = waker.take() {
                wake(waker);
            }
            *place = Place::Done {
                seq: *seq,
                result: Err(late()),
            };
            self.in_flight -= 1;
            self.late += 1;
            made_room = true;
        }
        self.waiting.retain(|waiting| {
            let ends = [waiting.deadline, waiting.turn];
            match ends.into_iter().flatten().min() {
                // It finds out by itself that its time is up, or queues up again. Polled or not,
                // it holds up nobody.
                Some(end) if end <= now => {
                    wake(waiting.waker.clone());
                    made_room = true;
                    false
                }
                end => {
                    end.into_iter().for_each(&mut later);
                    true
                }
            }
        });
        self.earliest = earliest;
        if made_room {
            self.wake_first().into_iter().for_each(wake);
        }
    }

    /// Ends every call in flight with `error`, and wakes everybody.
    pub(crate) fn fail_all(&mut self, error: &Error, mut wake: impl FnMut(Waker)) {
        for place in &mut self.places {
            if let Place::InFlight { seq, waker, .. } = place {
                if let Some(waker) = waker.take() {
                    wake(waker);
                }
                *place = Place::Done {
                    seq: *seq,
                    result: Err(error.clone()),
                };
            }
        }
        self.in_flight = 0;
        self.earliest = None;
        self.waiting
            .drain(..)
            .for_each(|waiting| wake(waiting.waker));
    }

    /// Queues up for room, or keeps the place that the call has in the queue.
    pub(crate) fn wait(
        &mut self,
        ticket: &mut Option<u64>,
        deadline: Option<Instant>,
        waker: &Waker,
    ) {
        self.note_deadline(deadline);
        // A new one is not looked for: there may be many that wait.
        let place = ticket.and_then(|ticket| self.place_in_queue(ticket));
        match place.and_then(|place| self.waiting.get_mut(place)) {
            Some(waiting) => {
                waiting.waker.clone_from(waker);
                waiting.deadline = deadline;
                waiting.turn = None;
            }
            None => {
                let ticket = *ticket.get_or_insert_with(|| {
                    self.next_ticket += 1;
                    self.next_ticket
                });
                self.waiting.push_back(Waiting {
                    ticket,
                    deadline,
                    waker: waker.clone(),
                    turn: None,
                });
            }
        }
    }

    /// Which place in the queue has this ticket. It is the first for nearly all who ask.
    fn place_in_queue(&self, ticket: u64) -> Option<usize> {
        self.waiting
            .iter()
            .position(|waiting| waiting.ticket == ticket)
    }

    /// Whether the call with this ticket, or a new one, is the next to enter.
    pub(crate) fn is_next(&self, ticket: Option<u64>) -> bool {
        match self.waiting.front() {
            Some(first) => ticket == Some(first.ticket),
            None => true,
        }
    }

    /// Leaves the queue.
    pub(crate) fn leave(&mut self, ticket: u64) {
        if let Some(place) = self.place_in_queue(ticket) {
            self.waiting.remove(place);
        }
    }

    /// Whom to wake because there may be room: the first that waits for it, whose turn begins.
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        let first = self.waiting.front_mut()?;
        let turn = *first.turn.get_or_insert_with(|| Instant::now() + PATIENCE);
        let waker = first.waker.clone();
        self.note_deadline(Some(turn));
        Some(waker)
    }
}

#[cfg(test)]
mod tests;
