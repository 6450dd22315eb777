//! The table of pending calls, without a runtime.

use std::time::Duration;

use super::*;

fn fetch(pending: &mut Pending<u32>, seq: u64) -> Fetched<u32> {
    pending.fetch(seq, Waker::noop())
}

#[test]
fn a_result_reaches_the_call_with_its_number_and_no_other() {
    let mut pending = Pending::new();
    let first = pending.insert(None);
    let second = pending.insert(None);
    assert_eq!((first, second), (1, 2));
    assert!(pending.complete(second, || Ok(20)).is_some());
    assert!(matches!(fetch(&mut pending, first), Fetched::InFlight));
    assert!(matches!(fetch(&mut pending, second), Fetched::Done(Ok(20))));
    assert!(
        pending.complete(second, || Ok(21)).is_none(),
        "a doubled reply is dropped"
    );
    assert!(pending.complete(99, || Ok(0)).is_none());
    assert_eq!(pending.in_flight(), 1);
}

#[test]
fn a_late_reply_never_reaches_the_call_that_took_the_place() {
    let mut pending = Pending::new();
    let given_up = pending.insert(None);
    pending.remove(given_up);
    for _ in 0..100 {
        let seq = pending.insert(None);
        assert!(pending.complete(given_up, || Ok(1)).is_none());
        pending.remove(seq);
    }
    assert_eq!(pending.in_flight(), 0);
}

#[test]
fn the_table_grows_while_calls_are_in_flight_and_is_given_back() {
    let mut pending = Pending::new();
    let seqs: Vec<u64> = (0..5000).map(|_| pending.insert(None)).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
    for &seq in seqs.iter().rev() {
        assert!(pending.complete(seq, || Ok(seq as u32)).is_some());
    }
    for &seq in &seqs {
        assert!(matches!(fetch(&mut pending, seq), Fetched::Done(Ok(n)) if u64::from(n) == seq));
    }
    assert!(pending.places.is_empty());
    assert_eq!(pending.insert(None), 5001);
}

#[test]
fn one_slow_call_among_many_quick_ones_keeps_its_place() {
    let mut pending = Pending::new();
    let slow = pending.insert(None);
    for _ in 0..1000 {
        let seq = pending.insert(None);
        pending.complete(seq, || Ok(1));
        assert!(matches!(fetch(&mut pending, seq), Fetched::Done(_)));
    }
    assert!(pending.places.len() <= SMALLEST);
    pending.complete(slow, || Ok(7));
    assert!(matches!(fetch(&mut pending, slow), Fetched::Done(Ok(7))));
}

#[test]
fn calls_end_when_their_time_is_up_and_the_next_deadline_is_found() {
    let now = Instant::now();
    let at = |ms| Some(now + Duration::from_millis(ms));
    let late = || Error::Timeout {
        after: Duration::ZERO,
        sent: true,
    };
    let mut pending = Pending::new();
    let (soon, later, never) = (
        pending.insert(at(10)),
        pending.insert(at(50)),
        pending.insert(None),
    );
    assert_eq!(pending.earliest(), at(10));
    pending.expire(now + Duration::from_millis(10), late, |_| ());
    assert!(matches!(
        fetch(&mut pending, soon),
        Fetched::Done(Err(Error::Timeout { .. }))
    ));
    assert!(matches!(fetch(&mut pending, later), Fetched::InFlight));
    assert_eq!(pending.earliest(), at(50));
    pending.change_deadline(never, at(20));
    assert_eq!(pending.earliest(), at(20));
    pending.expire(now + Duration::from_secs(1), late, |_| ());
    assert_eq!(pending.in_flight(), 0);
    assert_eq!(pending.earliest(), None);
}

#[test]
fn calls_without_room_enter_in_the_order_in_which_they_came() {
    let mut pending = Pending::<u32>::new();
    let (mut a, mut b) = (None, None);
    assert!(pending.is_next(None));
    pending.wait(&mut a, None, Waker::noop());
    pending.wait(&mut b, None, Waker::noop());
    pending.wait(&mut a, None, Waker::noop());
    assert!(!pending.is_next(None), "a newcomer does not overtake");
    assert!(pending.is_next(a) && !pending.is_next(b));
    pending.leave(a.unwrap());
    assert!(pending.is_next(b));
    // In any order, too, and one that has lost its turn comes last.
    let mut c = None;
    pending.wait(&mut c, None, Waker::noop());
    pending.wait(&mut a, None, Waker::noop());
    pending.leave(c.unwrap());
    pending.leave(b.unwrap());
    assert!(pending.is_next(a));
}

#[test]
fn many_calls_can_wait() {
    let mut pending = Pending::<u32>::new();
    let mut tickets = vec![None; 300_000];
    for ticket in &mut tickets {
        pending.wait(ticket, None, Waker::noop());
    }
    // Each looks at the first only; if each looked at all, this would take minutes.
    for ticket in tickets {
        assert!(pending.is_next(ticket));
        pending.leave(ticket.unwrap());
    }
    assert!(pending.is_next(None));
}

#[test]
fn every_call_ends_with_the_cause_when_the_connection_dies() {
    let mut pending = Pending::new();
    let seqs = [pending.insert(None), pending.insert(None)];
    pending.complete(seqs[0], || Ok(1));
    pending.fail_all(&Error::Closed { sent: true }, |_| ());
    assert!(matches!(fetch(&mut pending, seqs[0]), Fetched::Done(Ok(1))));
    assert!(matches!(
        fetch(&mut pending, seqs[1]),
        Fetched::Done(Err(Error::Closed { .. }))
    ));
}
