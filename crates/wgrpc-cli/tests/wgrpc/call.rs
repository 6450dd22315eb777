//! `wgrpc call`: replies on stdout, errors on stderr, and the exit statuses.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::command::{Serving, run, run_with_input};

const CODECS: [&str; 4] = ["gob", "json", "application/gob", "application/json"];

#[test]
fn a_reply_is_one_line_of_json_by_every_transport_and_codec() {
    let folder = tempfile::tempdir().unwrap();
    let unix = format!("unix@{}", folder.path().join("arith.sock").display());
    let serving = Serving::on(&["tcp@127.0.0.1:0", &unix]);
    let tcp = serving.address();
    let http = tcp.replace("tcp@", "http@");
    for address in [tcp, &http, &unix] {
        for codec in CODECS {
            let call =
                |method, argument| run(&["call", address, method, argument, "--codec", codec]).ok();
            assert_eq!(call("Arith.Multiply", r#"{"A":6,"B":7}"#), "42\n");
            let quotient = call("Arith.Divide", r#"{"A":6,"B":7}"#);
            assert_eq!(quotient, "{\"Quo\":0,\"Rem\":6}\n");
            assert_eq!(call("Arith.Sleep", "1"), "1\n");
            assert_eq!(call("Arith.Sleep", "-1"), "-1\n");
            assert_eq!(call("Echo.Echo", r#"["a","é"]"#), "[\"a\",\"é\"]\n");
        }
    }
}

#[test]
fn an_echo_in_gob_keeps_the_type_that_was_given() {
    let serving = Serving::start();
    let echo = |argument: &str| run(&["call", serving.address(), "Echo.Echo", argument]).ok();
    for argument in [
        "true",
        "7",
        "-7.5",
        "18446744073709551615",
        "\"\"",
        r#"{"B":1,"A":[{"X":0.5}]}"#,
        "{}",
    ] {
        assert_eq!(echo(argument).trim_end(), argument);
    }
    assert_eq!(echo(r#"{"$uint":7}"#), "7\n");
    assert_eq!(echo(r#"{"$float":7}"#), "7.0\n");
    assert_eq!(echo(r#"{"$bytes":"aGk="}"#), "\"aGk=\"\n");
    assert_eq!(
        echo(r#"{"$time":"2024-02-29T12:34:56Z"}"#),
        "\"2024-02-29T12:34:56Z\"\n"
    );
    assert_eq!(echo(r#"{"$map":{"b":1,"a":2}}"#), "{\"a\":2,\"b\":1}\n");
    assert_eq!(echo(r#"{"$any":7}"#), "7\n");
    assert_eq!(echo(r#"{"V":{"$any":null}}"#), "{\"V\":null}\n");
}

#[test]
fn an_argument_may_come_from_stdin_or_be_left_out() {
    let serving = Serving::start();
    let args = ["call", serving.address(), "Arith.Multiply", "-"];
    assert_eq!(
        run_with_input(&args, b" {\"A\":6,\n \"B\":7}\n").ok(),
        "42\n"
    );
    for codec in CODECS {
        let args = ["call", serving.address(), "Echo.Echo", "--codec", codec];
        assert_eq!(run(&args).ok(), "{}\n");
    }
}

#[test]
fn an_error_of_the_server_is_status_1() {
    let serving = Serving::start();
    for codec in CODECS {
        let call = |method, argument| {
            run(&[
                "call",
                serving.address(),
                method,
                argument,
                "--codec",
                codec,
            ])
            .failed(1)
        };
        assert_eq!(
            call("Arith.Divide", r#"{"A":1}"#),
            "error: divide by zero\n"
        );
        assert_eq!(call("Arith.Nope", "{}"), "error: can't find method: Nope\n");
        assert_eq!(call("Nope.Nope", "{}"), "error: can't find service: Nope\n");
        assert!(call("Nope", "{}").starts_with("error: service/method request ill-formed"));
        assert!(call("Arith.Multiply", r#""x""#).starts_with("error: cannot decode the argument"));
    }
}

#[test]
fn what_was_typed_wrongly_is_status_2() {
    let serving = Serving::start();
    let address = serving.address();
    for args in [
        &[][..],
        &["call"],
        &["call", address],
        &["call", "127.0.0.1:1", "A.B"],
        &["call", "carrier-pigeon@loft", "A.B"],
        &["call", "tcp@127.0.0.1", "A.B"],
        &["call", address, "A.B", "{", "--codec", "json"],
        &["call", address, "A.B", "{}", "{}"],
        &["call", address, "A.B", "nonsense"],
        &["call", address, "A.B", r#"{"$nope":1}"#],
        &["call", address, "A.B", "[null]"],
        &["call", address, "A.B", "--codec", "xml"],
        &["call", address, "A.B", "--timeout", "soon"],
        &["call", address, "A.B", "--meta", "token"],
        &["call", address, "A.B", "--nope"],
    ] {
        let complaint = run(args).failed(2);
        assert!(!complaint.is_empty(), "{args:?}");
    }
    assert_eq!(
        run(&["call", address, "A.B", "{"]).failed(2),
        "error: the argument is wrong: EOF while parsing an object at line 1 column 1\n"
    );
}

#[test]
fn no_connection_is_status_3() {
    let folder = tempfile::tempdir().unwrap();
    let unix = format!("unix@{}", folder.path().join("nobody.sock").display());
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for address in [
        &unix,
        &format!("tcp@127.0.0.1:{port}"),
        &format!("http@127.0.0.1:{port}"),
    ] {
        let complaint = run(&["call", address, "A.B"]).failed(3);
        assert!(complaint.starts_with(&format!("error: cannot connect to {address}: ")));
    }
}

#[test]
fn a_connection_that_is_lost_is_status_3() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp@{}", listener.local_addr().unwrap());
    let hangs_up = std::thread::spawn(move || drop(listener.accept().unwrap()));
    run(&["call", &address, "A.B"]).failed(3);
    hangs_up.join().unwrap();
}

#[test]
fn a_timeout_is_status_4_and_on_time() {
    let serving = Serving::start();
    for codec in CODECS {
        let args = [
            "call",
            serving.address(),
            "Arith.Sleep",
            "5000",
            "--timeout",
            "100ms",
            "-c",
            codec,
        ];
        let start = Instant::now();
        assert_eq!(run(&args).failed(4), "error: no answer within 100ms\n");
        assert!(start.elapsed() < Duration::from_secs(3));
    }
}
