//! `wgrpc demo`: it runs to its end, and says what it has seen.

use crate::command::run;

#[test]
fn everything_is_as_expected_and_plain_where_nobody_looks() {
    let printed = run(&["demo", "--once"]).ok();
    assert!(!printed.contains('\u{1b}'), "{printed}");
    assert!(!printed.contains('✗'), "{printed}");
    // Six ways, two of the division, two of sleeping, and the many.
    assert_eq!(printed.matches('✓').count(), 11, "{printed}");
    for said in [
        "tcp  application/gob",
        "unix application/json",
        "divide by zero",
        "calls/s",
    ] {
        assert!(printed.contains(said), "{printed}");
    }
}
