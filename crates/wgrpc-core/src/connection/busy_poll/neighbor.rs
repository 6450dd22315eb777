//! The connections that wait on one thread, so that one of them can look for all.

use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use parking_lot::Mutex;
use smallvec::SmallVec;
use socket2::{SockRef, Socket};

/// More than so many do not look for each other: to look at each takes a system call.
pub(super) const MOST: usize = 4;

/// The thread of those who have left. The zero of new ones is another.
const LEFT: usize = usize::MAX;

thread_local! {
    /// Those who have joined on this thread, and may have left.
    static NEIGHBORS: RefCell<Vec<Weak<Neighbor>>> = const { RefCell::new(Vec::new()) };
}

/// One connection, as others see it that wait on the same thread.
#[derive(Debug, Default)]
pub(super) struct Neighbor {
    /// Nothing unless it has joined. Whoever takes it closes that handle of the socket.
    place: Mutex<Option<Place>>,
    /// On which thread it has joined.
    thread: AtomicUsize,
}

#[derive(Debug)]
struct Place {
    /// A handle of its own, for the other one is where the connection is.
    socket: Socket,
    waker: Waker,
}

/// What tells threads from each other.
fn this_thread() -> usize {
    NEIGHBORS.with(|here| std::ptr::from_ref(here).addr())
}

impl Neighbor {
    /// Joins those who wait on this thread. If there are too many of them, all leave and it is
    /// false: then nobody looks, and the runtime hears of everything.
    pub(super) fn join(self: &Arc<Self>, socket: Option<SockRef<'_>>, waker: &Waker) -> bool {
        let mut place = self.place.lock();
        match &mut *place {
            Some(known) => known.waker.clone_from(waker),
            None => {
                let Some(Ok(socket)) = socket.map(|socket| socket.try_clone()) else {
                    return false;
                };
                let waker = waker.clone();
                *place = Some(Place { socket, waker });
            }
        }
        drop(place);
        if self.is_here() {
            return true;
        }
        self.thread.store(this_thread(), Ordering::Relaxed);
        NEIGHBORS.with_borrow_mut(|all| {
            all.retain(|it| it.upgrade().is_some_and(|it| it.is_here()));
            all.push(Arc::downgrade(self));
            let has_room = all.len() <= MOST;
            if !has_room {
                let all = all.drain(..);
                all.filter_map(|it| it.upgrade()).for_each(|it| it.leave());
            }
            has_room
        })
    }

    /// Is no neighbor any more.
    pub(super) fn leave(&self) {
        self.thread.store(LEFT, Ordering::Relaxed);
        *self.place.lock() = None;
    }

    /// Whether it has joined, and has left or been sent away since.
    pub(super) fn has_left(&self) -> bool {
        self.thread.load(Ordering::Relaxed) == LEFT
    }

    /// Whether it has joined on this thread, and not left.
    fn is_here(&self) -> bool {
        self.thread.load(Ordering::Relaxed) == this_thread()
    }

    /// Wakes all others on this thread for whom something has arrived. Says whether there are any.
    pub(super) fn wake_others(self: &Arc<Self>) -> bool {
        // Woken when nothing is locked any more: nobody knows what that does.
        let wakers: SmallVec<[Waker; MOST]> = NEIGHBORS.with_borrow(|all| {
            let all = all.iter().filter_map(Weak::upgrade);
            let others = all.filter(|it| !Arc::ptr_eq(self, it) && it.is_here());
            others.filter_map(|it| it.if_ready()).collect()
        });
        let any = !wakers.is_empty();
        wakers.into_iter().for_each(Waker::wake);
        any
    }

    /// Whom to wake if something has arrived.
    fn if_ready(&self) -> Option<Waker> {
        let place = self.place.lock();
        let Place { socket, waker } = place.as_ref()?;
        let mut byte = [MaybeUninit::uninit()];
        match socket.peek(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            _ => Some(waker.clone()),
        }
    }
}
