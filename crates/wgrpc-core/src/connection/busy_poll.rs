//! Looking for what comes next, for a moment, before the connection's task sleeps.
//!
//! To fall asleep and to be woken by the kernel takes longer than many peers take to answer. So a
//! task that has reason to expect something looks at its socket a few times more. That costs
//! processor time which somebody else might want: it is done only while it keeps finding something,
//! by a connection that has its thread to itself, or by one of a few on which little is called, for
//! all of them.

mod neighbor;

use std::cell::Cell;
use std::sync::{Arc, LazyLock};
use std::task::Context;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use super::{Inbox, take_turns};
use neighbor::Neighbor;

/// How long it looks unless told otherwise: longer than a call takes on one machine, and not much
/// longer than it takes to fall asleep and to be woken. Not at all on an only processor: while it
/// looks there, nobody can answer.
static USUAL: LazyLock<Duration> = LazyLock::new(|| match available_parallelism() {
    Ok(processors) if processors.get() > 1 => Duration::from_micros(100),
    _ => Duration::ZERO,
});

/// So long it looks before others have a turn. Whatever becomes ready meanwhile waits for it, or
/// for another thread.
const SLICE: Duration = Duration::from_micros(20);

/// After so long others have a turn also if it keeps finding something.
const TURN: Duration = Duration::from_micros(200);

/// A thread is busy if all others together take longer than this when they have a turn.
const BUSY: Duration = Duration::from_micros(100);

/// After it has found something so often, others have a turn first, to see whether the thread is
/// busy.
const TURN_EVERY: u32 = 16;

/// It sleeps until so many reads have brought something: at most, after it has looked in vain, and
/// always after it has shared the thread with more than a few.
const MOST_SKIPPED: u32 = 64;

/// A connection with more calls at a time does not look on a shared thread: whoever answers them
/// may need the processor.
const FEW_CALLS: usize = 2;

/// So many calls at a time make it look for twice as long, twice as many three times, and so on:
/// they take longer to be answered, and what a call pays for looking stays the same.
const CALLS: usize = 128;

/// A look is a system call; so many pauses lie between two.
const PAUSES: u32 = 8;

thread_local! {
    /// Whose turn it was last, of all connections of the program; zero for nobody's.
    static LAST: Cell<usize> = const { Cell::new(0) };
    /// Who has looked last.
    static LOOKER: Cell<usize> = const { Cell::new(0) };
}

/// Looks for what comes next on one connection.
#[derive(Debug)]
pub(crate) struct BusyPoll {
    limit: Duration,
    /// Since when it has been looking, if it is.
    since: Option<Instant>,
    /// When it looked first since the connection has its turn.
    began: Option<Instant>,
    /// When others got their turn, if they have one.
    turn: Option<Instant>,
    /// How often it has to find something before others have a turn first.
    left: u32,
    /// How many reads it slept through after it had looked in vain.
    skipped: u32,
    /// How many it still sleeps through.
    skips: u32,
    /// Whether something is expected.
    is_waiting: bool,
    /// Whether others had turns on the thread since it looked last.
    has_company: bool,
    /// Whether it leaves it to another to look, who has begun while others had a turn.
    stands_back: bool,
    /// Whether another has found something for it.
    is_called: bool,
    /// How others see it that wait on the same thread, once there are any.
    neighbor: Option<Arc<Neighbor>>,
}

impl BusyPoll {
    /// How long it looks unless told otherwise.
    pub(crate) fn usual() -> Duration {
        *USUAL
    }

    /// Looks for up to `limit` each time; never, if that is zero.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: None,
            began: None,
            turn: None,
            left: 0,
            skipped: 0,
            skips: 0,
            is_waiting: false,
            has_company: false,
            stands_back: false,
            is_called: false,
            neighbor: None,
        }
    }

    /// Notes that the connection has a turn.
    pub(crate) fn enter(&mut self) {
        let this = std::ptr::from_ref(self).addr();
        let last = LAST.replace(this);
        self.began = None;
        self.is_called = self.neighbor.as_ref().is_some_and(|it| it.take_call());
        let had_company = self.is_waiting && last != this && last != 0;
        if let Some(turn) = self.turn.take() {
            self.left = TURN_EVERY;
            if turn.elapsed() > BUSY {
                self.left = 0;
                self.give_up();
            }
            self.stands_back = had_company && LOOKER.get() != this;
        } else {
            self.stands_back = false;
        }
        if had_company {
            self.since = None;
            self.has_company = true;
        }
    }

    /// Is no neighbor of others any more, who would keep a handle of its socket.
    pub(crate) fn leave(&mut self) {
        if let Some(neighbor) = self.neighbor.take() {
            neighbor.leave();
        }
    }

    /// Notes that it would not read what arrives now, so that nobody looks for it.
    pub(crate) fn pause(&self) {
        if let Some(neighbor) = &self.neighbor {
            neighbor.set_waiting(false);
        }
    }

    /// Notes that something has arrived, and that more is expected.
    pub(crate) fn arrived(&mut self) {
        self.is_waiting = true;
        self.stands_back = false;
        if self.since.take().is_some() {
            self.skipped = 0;
            self.left = self.left.saturating_sub(1);
        } else {
            self.skips = self.skips.saturating_sub(1);
        }
    }

    /// Notes that nothing is expected.
    pub(crate) fn rest(&mut self) {
        self.is_waiting = false;
        self.since = None;
        self.turn = None;
        self.pause();
    }

    /// Whether it looks into `inbox` if it has to wait now.
    pub(crate) fn is_on(&self, inbox: &Inbox) -> bool {
        let looks = self.skips == 0 && !self.stands_back;
        (looks || self.is_called) && !self.limit.is_zero() && inbox.can_fill_now()
    }

    /// Looks until something has arrived in `inbox`, or `is_wanted` says that there is something
    /// else to do; then it is true. It is false if the task should return, to be polled again when
    /// there is news, or when others had their turn. Only to be called if it [is on](Self::is_on).
    ///
    /// `calls` says how many are made together: many take longer. `others_first` says that others
    /// may have things to do that this thread could take over.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        inbox: &mut Inbox,
        calls: usize,
        others_first: bool,
        is_wanted: impl Fn() -> bool,
    ) -> bool {
        self.is_waiting = true;
        if std::mem::take(&mut self.is_called) {
            if inbox.fill_now() || is_wanted() {
                return true;
            }
            if !self.is_on(inbox) {
                return false;
            }
        }
        let mut now = Instant::now();
        if !self.meet(cx, inbox, calls, now) {
            self.leave();
            self.since = None;
            self.skips = MOST_SKIPPED;
            return false;
        }
        LOOKER.set(std::ptr::from_ref(self).addr());
        let others_first = others_first && self.since.is_none();
        let since = *self.since.get_or_insert(now);
        let began = *self.began.get_or_insert(now);
        if others_first || self.left == 0 || now - began >= TURN {
            return self.let_others(cx, now);
        }
        let limit = self
            .limit
            .saturating_mul(u32::try_from(1 + calls / CALLS).unwrap_or(u32::MAX));
        let slice = now + SLICE;
        loop {
            if inbox.fill_now() || is_wanted() {
                return true;
            }
            if let Some(neighbor) = &self.neighbor
                && neighbor.wake_others()
            {
                self.since = None;
                return false;
            }
            (0..PAUSES).for_each(|_| std::hint::spin_loop());
            now = Instant::now();
            if now - since >= limit {
                self.give_up();
                return false;
            }
            if now >= slice {
                return self.let_others(cx, now);
            }
        }
    }

    /// Meets those who wait on the same thread, if there are any. Says whether it may look: it is
    /// alone, or looks for all of them.
    fn meet(&mut self, cx: &Context<'_>, inbox: &Inbox, calls: usize, now: Instant) -> bool {
        let has_company = std::mem::take(&mut self.has_company);
        match &self.neighbor {
            None if !has_company => return true,
            // There were too many.
            Some(neighbor) if !neighbor.has_joined() => return false,
            Some(neighbor) if !has_company && neighbor.is_here() => {
                neighbor.set_waiting(true);
                return true;
            }
            _ => {}
        }
        if calls > FEW_CALLS {
            neighbor::crowd(now);
            return false;
        }
        let neighbor = self.neighbor.get_or_insert_default();
        neighbor.set_waiting(true);
        neighbor.join(inbox.socket(), cx.waker(), now)
    }

    fn let_others(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        self.turn = Some(now);
        take_turns(cx);
        false
    }

    /// It was in vain: the next time is later.
    fn give_up(&mut self) {
        self.since = None;
        self.skipped = (2 * self.skipped).clamp(1, MOST_SKIPPED);
        self.skips = self.skipped;
    }
}

/// The handle of its socket that neighbors use has to be closed with the connection.
impl Drop for BusyPoll {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests;
