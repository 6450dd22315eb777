//! Every example runs to its end and prints what it says.

use std::process::Command;

#[track_caller]
fn check(example: &str, prints: &str) {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "wgrpc", "--example", example])
        .output()
        .unwrap_or_else(|error| panic!("cannot run cargo: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example}: {errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), prints);
}

#[test]
fn hello() {
    check("hello", "6 x 7 = 42\n");
}

#[test]
fn msgpack() {
    check("msgpack", "Hello Ada, countess and programmer\n");
}

#[test]
fn middleware() {
    check(
        "middleware",
        "Greeter.Hello: ok\n\
         hello Ada\n\
         Greeter.Hello: a token is needed\n\
         refused, not executed: No\n",
    );
}

#[test]
fn contract() {
    check(
        "contract",
        "3 x pear for 1.20\nno plum for sale\n3 x plum for 1.00\n",
    );
}

#[test]
fn manual() {
    check(
        "manual",
        "42 / 6 = 7\n\
         42 / 0: divide by zero\n\
         Sleep: no answer within 50ms\n",
    );
}

#[test]
fn dns() {
    check("dns", "Hello, DNS!\n");
}
