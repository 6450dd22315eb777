//! Go clients call our server: whatever they call, they must not be able to tell.

use interop::{GoClient, expect_all_ok};
use wgrpc::Server;

use crate::services::demo;
use crate::socket_path;

/// Runs a scenario of the Go client against our server, on every transport and in both codecs.
async fn run(scenario: &'static str, flags: &'static [&'static str]) {
    let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
    server
        .listen(format!("unix@{}", socket_path()))
        .await
        .unwrap();
    for codec in ["gob", "json"] {
        for address in addresses(&server) {
            let run = move || GoClient::run_with_flags(flags, scenario, &address, codec);
            expect_all_ok(&tokio::task::spawn_blocking(run).await.unwrap());
        }
    }
    server.shutdown().await.unwrap();
}

/// Every way to the server: TCP, a Unix socket, and HTTP on the TCP port.
fn addresses(server: &Server) -> Vec<String> {
    let mut addresses: Vec<String> = server.addresses().iter().map(ToString::to_string).collect();
    addresses.push(addresses[0].replace("tcp@", "http@"));
    addresses
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_errors_and_bad_requests() {
    run("basic", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_at_once() {
    run("concurrent", &["-calls", "1000"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_and_long_errors() {
    run("large", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_field_of_a_struct() {
    run("bytes", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_all_languages() {
    run("unicode", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_with_every_kind_of_field() {
    run("record", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handle_timeout_that_a_client_asks_for() {
    run("handle-timeout", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_after_the_client_has_closed_its_side() {
    run("half-close", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_the_segment_of_the_handshake() {
    run("sticky", &["-connections", "200"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_on_the_same_port() {
    let server = demo().listen("http@127.0.0.1:0").await.unwrap();
    let address = server.address().to_string();
    let run = move || GoClient::run("http", &address, "gob");
    expect_all_ok(&tokio::task::spawn_blocking(run).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_types_that_only_the_sender_knows() {
    let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
    let address = server.address().to_string();
    let run = move || GoClient::run("any", &address, "gob");
    expect_all_ok(&tokio::task::spawn_blocking(run).await.unwrap());
}
