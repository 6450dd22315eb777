//! A few hundred simulated minutes, and that a seed decides all that happens in its own.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use sim::{Telling, WallClocks, run, run_with};

/// Runs these seeds, and says how to look at one that is wrong.
fn check(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let outcome = run(seed, Telling::Quiet).unwrap();
        assert!(
            outcome.wrong.is_empty(),
            "replay with: cargo xtask sim --replay {seed}\n{}",
            outcome.wrong.join("\n")
        );
        assert!(outcome.calls > 300, "seed {seed}: {} calls", outcome.calls);
    }
}

// Two, so that they run at the same time.

#[test]
fn what_clients_are_told_is_true_and_all_is_well_in_the_end() {
    check(0..100);
}

#[test]
fn so_it_is_with_other_seeds() {
    check(100_000..100_100);
}

#[test]
fn wall_clocks_that_are_set_change_nothing() {
    for seed in 200_000..200_020 {
        let stepping = run_with(seed, Telling::Quiet, WallClocks::Stepping).unwrap();
        let right = run_with(seed, Telling::Quiet, WallClocks::Right).unwrap();
        assert_eq!(stepping, right);
    }
}

#[test]
fn the_same_seed_gives_the_same_minute() {
    for seed in 0..5 {
        let once = run(seed, Telling::Quiet).unwrap();
        assert_eq!(once, run(seed, Telling::Quiet).unwrap());
        assert_ne!(once.hash, run(seed + 1, Telling::Quiet).unwrap().hash);
    }
}
