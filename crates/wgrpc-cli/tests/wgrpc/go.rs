//! The command and real Go programs.

use interop::{GoClient, GoServer, counted, expect_all_ok};

use crate::command::{Serving, run};

/// Every kind of field, and a zero of some.
const RECORD: &str = r#"{
    "Bool": true, "Int": -1, "Int8": -128, "Uint": {"$uint": 7}, "Uint64": 18446744073709551615,
    "Float32": 0.5, "Float64": {"$float": 2}, "String": "é", "Bytes": {"$bytes": "aGk="},
    "Char": 233, "Ints": [1, 2], "EmptyInts": [], "Counts": {"$map": {"b": 1, "a": 2}},
    "Names": {"$map": [[2, "two"], [1, "one"]]}, "Inner": {}, "InnerPtr": {},
    "Time": {"$time": "2024-02-29T12:34:56.789+05:30"}, "Duration": 1500000000,
    "Array": {"$array": [1, 2, 3]}
}"#;

#[test]
fn a_go_server_takes_what_is_said_in_json() {
    let server = GoServer::start(&[]);
    let call = |method: &str, argument: &str| run(&["call", &server.address, method, argument]);
    assert_eq!(call("Arith.Multiply", r#"{"A":6,"B":7}"#).ok(), "42\n");
    assert_eq!(
        call("Arith.Divide", r#"{"A":6,"B":7}"#).ok(),
        "{\"Quo\":0,\"Rem\":6}\n"
    );
    assert_eq!(
        call("Arith.Divide", r#"{"A":6}"#).failed(1),
        "error: divide by zero\n"
    );
    assert_eq!(
        call("Echo.Bytes", r#"{"$bytes":"aGk="}"#).ok(),
        "\"aGk=\"\n"
    );
    for (value, echo) in [
        (r#"{"$any":7}"#, "7"),
        (r#"{"$any":{"$uint":7}}"#, "7"),
        (r#"{"$any":"x"}"#, "\"x\""),
        (r#"{"$any":[1,2],"name":"[]int"}"#, "[1,2]"),
        (
            r#"{"$any":{"X":1},"name":"main.Point"}"#,
            r#"{"X":1,"Y":0}"#,
        ),
        (r#"{"$any":null}"#, "null"),
    ] {
        let printed = call("Echo.Any", &format!("{{\"V\":{value}}}")).ok();
        assert_eq!(printed, format!("{{\"V\":{echo}}}\n"));
    }
}

#[test]
fn a_go_server_finds_every_kind_of_field() {
    let server = GoServer::start(&[]);
    let printed = run(&["call", &server.address, "Echo.Record", RECORD]).ok();
    let record: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let expected = serde_json::json!({
        "Bool": true, "Int": -1, "Int8": -128, "Int16": 0, "Int32": 0, "Int64": 0, "Uint": 7,
        "Uint8": 0, "Uint16": 0, "Uint32": 0, "Uint64": u64::MAX, "Float32": 0.5, "Float64": 2.0,
        "String": "é", "Bytes": "aGk=", "Char": 233, "Ints": [1, 2], "NilInts": [],
        "EmptyInts": [], "Strings": [], "Counts": {"a": 2, "b": 1}, "NilCounts": {},
        "EmptyCounts": {}, "Names": {"1": "one", "2": "two"}, "Inners": [], "Groups": {},
        "NilPtr": null, "IntPtr": 0, "Time": "2024-02-29T12:34:56.789+05:30",
        "Duration": 1_500_000_000, "Array": [1, 2, 3],
        "Inner": record["Inner"], "InnerPtr": record["InnerPtr"],
    });
    assert_eq!(record, expected);
    assert!(
        record["Inner"].is_object() && record["InnerPtr"].is_object(),
        "{printed}"
    );
}

#[test]
fn go_clients_are_served() {
    let serving = Serving::start();
    let tcp = serving.address();
    for address in [tcp, &tcp.replace("tcp@", "http@")] {
        for codec in ["gob", "json"] {
            for scenario in ["sticky", "handle-timeout"] {
                let flags = ["-connections", "20"];
                expect_all_ok(&GoClient::run_with_flags(&flags, scenario, address, codec));
            }
        }
    }
}

/// Nobody outside can tell how many requests it has executed, but after a refusal it executes none
/// of that connection. So all that counts is that most connections have seen one.
#[test]
fn a_signal_takes_no_reply_from_go_clients() {
    let (mut connections, mut unsettled) = (0, 0);
    for codec in ["gob", "json", "gob", "json"] {
        let mut serving = Serving::start();
        let flags = ["-connections", "8"];
        let mut clients = GoClient::start(&flags, "shutdown", serving.address(), codec);
        // The first check says that all of them are at it.
        let check = clients.next_check().cloned();
        assert!(check.as_ref().is_some_and(|check| check.ok), "{check:?}");
        serving.signal("TERM");
        let checks = clients.finish();
        expect_all_ok(&checks);
        assert_eq!(serving.wait().0.code(), Some(0));
        connections += 8;
        unsettled += counted(&checks, "shutdown/unsettled");
    }
    assert!(2 * unsettled < connections, "{unsettled} of {connections}");
}
