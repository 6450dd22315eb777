//! `wgrpc registry --etcd`: several registries that are one.

use interop::{Certificates, Etcd};

use crate::command::{Serving, run, wgrpc};
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
fn an_etcd_may_ask_for_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let etcd = Etcd::start_tls(&certificates);
    let files = [
        &certificates.authority,
        &certificates.certificate,
        &certificates.key,
    ];
    let [authority, certificate, key] = files.map(|file| file.to_str().unwrap());
    let urls = etcd.urls();
    let at = ["--etcd", &urls[0], "--etcd-ca", authority];
    let options = [&at[..], &["--etcd-cert", certificate, "--etcd-key", key]].concat();
    let registry = Serving::registry(&options);
    assert_eq!(run(&["servers", registry.address()]).ok(), "");

    let nobody = run(&[&["registry"], &at[..]].concat()).failed(1);
    assert!(nobody.to_lowercase().contains("certificate"), "{nobody}");
    for wrong in [
        &["--etcd-ca", authority][..],
        &["--etcd", &urls[0], "--etcd-cert", certificate],
        &["--etcd", &urls[0], "--etcd-key", key],
        &["--etcd", &urls[0], "--etcd-ca", "/nowhere.pem"],
        &["--etcd", &urls[0], "--etcd-ca", key],
        &["--etcd", "http://127.0.0.1:1", "--etcd-ca", authority],
    ] {
        run(&[&["registry"], wrong].concat()).failed(2);
    }
}

#[test]
fn the_password_for_etcd_is_in_the_environment() {
    let etcd = Etcd::start();
    let urls = etcd.urls();
    let options = ["registry", "--etcd", &urls[0], "--etcd-user", "registry"];
    let complaint = run(&options).failed(2);
    assert!(complaint.contains("WGRPC_ETCD_PASSWORD"), "{complaint}");
    // It asks nobody for a password, which is an error, too, to somebody who has one.
    let output = wgrpc(&options)
        .env("WGRPC_ETCD_PASSWORD", "secret")
        .output()
        .unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(
        complaint.contains("authentication is not enabled"),
        "{complaint}"
    );
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
