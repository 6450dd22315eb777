//! `wgrpc registry --etcd`: several registries that are one.

use interop::Etcd;

use crate::command::{Serving, run};
use crate::registry::servers_until;

/// A registry over this etcd.
fn registry(etcd: &Etcd) -> Serving {
    Serving::registry(&["--etcd", &etcd.urls()[0]])
}

#[test]
fn a_registry_that_is_killed_and_an_etcd_that_is_started_again_lose_nothing() {
    let mut etcd = Etcd::start();
    let (one, other) = (registry(&etcd), registry(&etcd));
    let servers: Vec<_> = [&one, &other, &one]
        .into_iter()
        .map(|registry| {
            let options = ["--registry", registry.address(), "--service-name", "Arith"];
            Serving::with(&["tcp@127.0.0.1:0"], &options)
        })
        .collect();
    let is_whole = |listed: &str| servers.iter().all(|it| listed.contains(it.address()));
    servers_until(one.address(), is_whole);
    servers_until(other.address(), is_whole);

    one.signal("KILL");
    drop(one);
    assert!(is_whole(&run(&["servers", other.address()]).ok()));

    etcd.kill(0);
    assert!(is_whole(&run(&["servers", other.address()]).ok()));
    etcd.start_again(0);
    let late = registry(&etcd);
    assert!(is_whole(&run(&["servers", late.address()]).ok()));
    assert!(is_whole(&run(&["servers", other.address()]).ok()));
}

#[test]
fn a_registry_without_its_etcd_says_so() {
    let complaint = run(&["registry", "--etcd", "http://127.0.0.1:1"]).failed(1);
    assert!(
        complaint.contains("etcd at http://127.0.0.1:1: "),
        "{complaint}"
    );
    run(&[
        "registry",
        "--etcd",
        "http://127.0.0.1:1",
        "--snapshot",
        "x",
    ])
    .failed(2);
}
