//! What the attributes accept, and the sentences in which they refuse the rest.
//!
//! After a change of the sentences run with `TRYBUILD=overwrite`, and read the difference.

#[test]
fn sources_compile_or_are_refused_with_the_reason() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
