//! The connections that wait on one thread, so that one of them can look for all.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smallvec::SmallVec;
use socket2::{SockRef, Socket};

/// More than so many do not look for each other.
pub(super) const MOST: usize = 4;

/// So long nobody joins on a thread that was crowded.
pub(super) const CROWDED: Duration = Duration::from_secs(1);

/// The thread of those who have joined on none.
const NO_THREAD: usize = 0;

/// The number of the next thread.
static THREADS: AtomicUsize = AtomicUsize::new(NO_THREAD + 1);

thread_local! {
    /// A number that no other thread has.
    static HERE: usize = THREADS.fetch_add(1, Ordering::Relaxed);
    /// Those who have joined on this thread, and may have left since.
    static NEIGHBORS: RefCell<Vec<Weak<Neighbor>>> = const { RefCell::new(Vec::new()) };
    /// Until when nobody joins on this thread.
    static CROWDED_UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A few of something that there is one of for each neighbor.
type Few<T> = SmallVec<[T; MOST + 1]>;

/// Keeps everybody from looking for others on this thread for a while: there are too many of them,
/// or one with many calls.
pub(super) fn crowd(now: Instant) {
    CROWDED_UNTIL.set(Some(now + CROWDED));
}

/// One connection, as others see it that wait on the same thread.
#[derive(Debug, Default)]
pub(super) struct Neighbor {
    /// Nothing unless it has joined.
    place: Mutex<Option<Place>>,
    /// On which thread it has joined.
    thread: AtomicUsize,
    /// Whether it expects something, and would read it.
    is_waiting: AtomicBool,
    /// Whether another has found something for it.
    is_called: AtomicBool,
}

#[derive(Debug)]
struct Place {
    /// A handle of its own, for the other one is where the connection is.
    socket: Socket,
    waker: Waker,
}

impl Neighbor {
    /// Joins those who wait on this thread. It is false if there are too many of them, who all
    /// leave then, or if there is no second handle of the socket.
    pub(super) fn join(
        self: &Arc<Self>,
        socket: Option<SockRef<'_>>,
        waker: &Waker,
        now: Instant,
    ) -> bool {
        let is_crowded = CROWDED_UNTIL.get().is_some_and(|until| now < until);
        if is_crowded || !self.take_place(socket, waker) {
            return false;
        }
        if self.is_here() {
            return true;
        }
        // Dropped when nothing is borrowed any more: nobody knows what that does.
        let mut others = Few::new();
        let has_room = NEIGHBORS.with_borrow_mut(|all| {
            others.extend(all.drain(..).filter_map(|it| it.upgrade()));
            others.retain(|it| it.is_here() && !Arc::ptr_eq(self, it));
            let has_room = others.len() < MOST;
            if has_room {
                all.extend(others.iter().chain([self]).map(Arc::downgrade));
            }
            has_room
        });
        if has_room {
            self.thread.store(here(), Ordering::Relaxed);
        } else {
            crowd(now);
            others.iter().chain([self]).for_each(|it| it.leave());
        }
        has_room
    }

    fn take_place(&self, socket: Option<SockRef<'_>>, waker: &Waker) -> bool {
        let mut place = self.place.lock();
        if let Some(known) = &mut *place {
            known.waker.clone_from(waker);
            return true;
        }
        let socket = socket.and_then(|socket| socket.try_clone().ok());
        let waker = waker.clone();
        *place = socket.map(|socket| Place { socket, waker });
        place.is_some()
    }

    /// Is no neighbor any more, and closes its handle of the socket.
    pub(super) fn leave(&self) {
        self.thread.store(NO_THREAD, Ordering::Relaxed);
        let place = self.place.lock().take();
        drop(place);
    }

    /// Whether it has joined on some thread, and not left.
    pub(super) fn has_joined(&self) -> bool {
        self.thread.load(Ordering::Relaxed) != NO_THREAD
    }

    /// Whether it has joined on this thread, and not left.
    pub(super) fn is_here(&self) -> bool {
        self.thread.load(Ordering::Relaxed) == here()
    }

    /// Says whether it expects something, and would read it.
    pub(super) fn set_waiting(&self, is_waiting: bool) {
        self.is_waiting.store(is_waiting, Ordering::Relaxed);
    }

    /// Whether another has found something for it since it was last asked.
    pub(super) fn take_call(&self) -> bool {
        self.is_called.load(Ordering::Relaxed) && self.is_called.swap(false, Ordering::Relaxed)
    }

    /// Wakes all others on this thread for whom something has arrived. Says whether there are any.
    pub(super) fn wake_others(self: &Arc<Self>) -> bool {
        let mut others: Few<Arc<Self>> =
            NEIGHBORS.with_borrow(|all| all.iter().filter_map(Weak::upgrade).collect());
        others.retain(|it| {
            let is_waiting = it.is_waiting.load(Ordering::Relaxed);
            is_waiting && it.is_here() && !Arc::ptr_eq(self, it)
        });
        let ready = ready(&others);
        let any = !ready.is_empty();
        ready.into_iter().for_each(Waker::wake);
        any
    }
}

/// Notes that something was found for those for whom something has arrived, and says whom to wake.
fn ready(neighbors: &[Arc<Neighbor>]) -> Few<Waker> {
    // Whoever has its place in hands is awake.
    let places: Few<_> = (neighbors.iter())
        .filter_map(|it| Some((it, it.place.try_lock()?)))
        .collect();
    let places: Few<_> = (places.iter())
        .filter_map(|(it, place)| Some((it, place.as_ref()?)))
        .collect();
    let mut polled: Few<_> = (places.iter())
        .map(|(_, place)| PollFd::new(&place.socket, PollFlags::IN))
        .collect();
    // Reading ahead would take errors away from whom they are for.
    if polled.is_empty() || !poll(&mut polled, Some(&Timespec::default())).is_ok_and(|n| n > 0) {
        return Few::new();
    }
    let found = places.iter().zip(&polled);
    let found = found.filter(|(_, polled)| !polled.revents().is_empty());
    found
        .map(|((neighbor, place), _)| {
            neighbor.is_called.store(true, Ordering::Relaxed);
            place.waker.clone()
        })
        .collect()
}

fn here() -> usize {
    HERE.with(|here| *here)
}
