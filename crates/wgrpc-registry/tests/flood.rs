//! A registry under a flood of addresses, in a process of its own, whose memory is looked at.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use http_body_util::Full;
use hyper::{Request, Response};
use wgrpc_registry::Registry;
use wgrpc_registry::api;

async fn post(registry: &Registry, address: &str) -> Response<Full<hyper::body::Bytes>> {
    let request = Request::post(api::PATH).header(api::SERVER, address);
    registry.handle(request.body(()).unwrap()).await
}

/// Memory that this process has, in MiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kibibytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes >> 10
}

#[tokio::test]
async fn a_million_addresses_cost_little_memory_and_displace_nobody() {
    let registry = Registry::builder().build();
    post(&registry, "tcp@192.0.2.1:1").await;
    let before = resident();
    let mut taken = 1;
    for number in 0..1_000_000 {
        let address = format!("tcp@{}-{number}.example:9001", "h".repeat(64));
        taken += usize::from(post(&registry, &address).await.status() == 200);
    }
    assert_eq!(taken, 10_000);
    let after = resident();
    assert!(after <= before + 16, "from {before} to {after} MiB");
    assert_eq!(post(&registry, "tcp@192.0.2.1:1").await.status(), 200);
}
