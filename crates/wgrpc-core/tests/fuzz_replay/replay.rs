//! Runs known inputs of a fuzz target, and small changes of them that are the same every time. Also
//! used by the test of that name of the registry.
//!
//! An input that panics, takes longer than a second or too much memory fails the test, which shows
//! the line to add to the target's file in `fuzz/seeds`. `FUZZ_ROUNDS=1000 cargo test --release
//! --test fuzz_replay` searches longer than the few seconds that every run may take.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;

use crate::mutations::Mutator;
use crate::seeds::{self, Seed};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most that all targets together may take. One value may take 64 MiB once decoded.
const MEMORY_MAX: usize = 256 << 20;

const TIME_MAX: Duration = Duration::from_secs(1);

/// How many changes of each seed are tried, unless `FUZZ_ROUNDS` says otherwise.
const ROUNDS: usize = 4;

thread_local! {
    /// How often this thread has panicked: tasks are on the thread of their test, and a runtime
    /// keeps their panics to itself.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// A test for each target of a crate, and one that none is left out.
macro_rules! targets {
    ($targets:expr; $($name:ident)*) => {
        $(#[test]
        fn $name() {
            $crate::replay::replay(stringify!($name), &$targets);
        })*

        #[test]
        fn no_target_is_left_out() {
            let names = $targets.map(|(name, _)| name);
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

pub(crate) use targets;

/// What takes the bytes.
type Target = fn(&[u8]);

pub(crate) fn replay(name: &str, targets: &[(&str, Target)]) {
    count_panics();
    let target = targets.iter().find(|(it, _)| *it == name);
    let (_, target) = *target.expect("it is one of them");
    let rounds = std::env::var("FUZZ_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let seeds = seeds::read(name);
    assert!(!seeds.is_empty());
    for Seed { name, bytes } in &seeds {
        check(name, bytes, target);
    }
    let mut mutator = Mutator::new(&seeds);
    for _ in 0..rounds {
        for Seed { name, bytes } in &seeds {
            check(&format!("{name}, changed"), &mutator.change(bytes), target);
        }
    }
}

fn check(name: &str, bytes: &[u8], target: Target) {
    let problem = run(bytes, target).or_else(|| {
        let memory = MEMORY.peak_usage();
        (memory > MEMORY_MAX).then(|| format!("{memory} bytes of memory are too much"))
    });
    if let Some(problem) = problem {
        panic!("{problem}\n{}", seeds::line(name, bytes));
    }
}

/// Runs one input; returns what is wrong.
fn run(bytes: &[u8], target: Target) -> Option<String> {
    let mut best = Duration::MAX;
    // Whoever else uses the machine may make one run slow.
    for _ in 0..3 {
        let panics = PANICS.get();
        let start = Instant::now();
        let _ = catch_unwind(AssertUnwindSafe(|| target(bytes)));
        best = best.min(start.elapsed());
        if PANICS.get() > panics {
            return Some("a promise is broken, see above".to_owned());
        }
        if best < TIME_MAX {
            return None;
        }
    }
    Some(format!("{best:?} are too long"))
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            report(panic);
        }));
    });
}
