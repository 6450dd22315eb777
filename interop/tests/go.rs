//! The helpers themselves: real Go builds, serves, checks and decodes, and the vectors load.

use interop::{
    GoClient, GoServer, Question, decode_hex, encode_hex, expect_all_ok, vectors, verify,
};

#[test]
fn go_serves_and_checks_on_every_transport() {
    let socket = std::env::temp_dir().join(format!("interop-{}.sock", std::process::id()));
    let socket = socket.to_str().unwrap();
    for flags in [vec![], vec!["-net", "unix", "-addr", socket], vec!["-http"]] {
        let server = GoServer::start(&flags);
        for codec in ["gob", "json"] {
            expect_all_ok(&GoClient::run("basic", &server.address, codec));
        }
    }
}

#[test]
fn a_failed_check_is_reported() {
    // Without the first implementation's defects the texts have no prefixes.
    let server = GoServer::start(&[]);
    let checks = GoClient::run_with_flags(&["-prefixes"], "basic", &server.address, "gob");
    let failed: Vec<&str> = checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| check.name.as_str())
        .collect();
    assert!(failed.contains(&"basic/unknown-service"), "{failed:?}");
    assert!(!failed.contains(&"basic/multiply"), "{failed:?}");
}

#[test]
fn go_reads_its_own_vectors_back() {
    let vectors = vectors::gob();
    let questions: Vec<Question> = vectors
        .iter()
        .map(|vector| Question {
            name: vector.name.clone(),
            go_type: vector.go_type.clone(),
            stream: vector.stream.clone(),
        })
        .collect();
    for (vector, answer) in vectors.iter().zip(verify(&questions)) {
        assert_eq!(vector.name, answer.name);
        assert_eq!(answer.error, "", "{}", vector.name);
        // An empty payload is how Go sends a nil pointer, and it reads a zero.
        if vector.name != "big-int/slice-with-nil" {
            assert_eq!(answer.values, vector.values, "{}", vector.name);
        }
    }
}

#[test]
fn the_vectors_load() {
    let vectors = vectors::gob();
    assert!(vectors.len() >= 500, "only {} vectors", vectors.len());
    let zeros = vectors::accepted();
    let zeros = zeros
        .iter()
        .find(|vector| vector.name == "struct/second-zero-sent")
        .unwrap();
    assert_eq!(zeros.values, [r#"{"Y":0}"#]);
    assert_eq!(zeros.seen, [r#"{"X":0,"Y":0}"#]);
    assert!(vectors::hostile().len() >= 200);
    for conversation in vectors::conversations() {
        assert!(!conversation.calls.is_empty(), "{}", conversation.name);
        for call in conversation.calls {
            assert!(
                call.reply.is_some() != call.error.is_some(),
                "{}",
                call.method
            );
        }
    }
}

#[test]
fn hex_goes_there_and_back() {
    assert_eq!(encode_hex(&[0, 15, 255]), "000fff");
    assert_eq!(decode_hex("000FfF"), [0, 15, 255]);
}
