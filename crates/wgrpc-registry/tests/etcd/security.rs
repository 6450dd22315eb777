//! An etcd that does not let everybody in, and that nobody on the way can read.

use etcd_client::{Client, Permission, PermissionType};
use interop::{Certificates, Etcd};
use wgrpc_registry::{Error, EtcdConfig, EtcdStore, Store};

use crate::{config, count, list, server, until};

/// Lets only root in, and `registry`, who may do no more than a registry needs.
async fn protect(etcd: &Etcd) {
    let mut root = Client::connect(etcd.urls(), None).await.unwrap();
    for (name, password) in [("root", "root's"), ("registry", "secret")] {
        root.user_add(name, password, None).await.unwrap();
        root.role_add(name).await.unwrap();
        root.user_grant_role(name, name).await.unwrap();
    }
    let whole = Permission::new(PermissionType::Readwrite, "/wgrpc/registry/").with_prefix();
    root.role_grant_permission("registry", whole).await.unwrap();
    root.auth_enable().await.unwrap();
}

fn known_as(name: &str, password: &str) -> EtcdConfig {
    let mut config = config();
    config.user = Some((name.to_owned(), password.to_owned()));
    config
}

async fn refusal(etcd: &Etcd, config: EtcdConfig) -> String {
    let error = EtcdStore::connect(etcd.urls(), config).await.unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains(&etcd.urls()[0]), "{text}");
    text
}

#[tokio::test]
async fn whoever_has_the_password_is_let_in_and_nobody_else() {
    let mut etcd = Etcd::start();
    protect(&etcd).await;
    let wrong = refusal(&etcd, known_as("registry", "guessed")).await;
    assert!(wrong.contains("authentication failed"), "{wrong}");
    assert!(!wrong.contains("guessed"), "{wrong}");
    let nobody = refusal(&etcd, config()).await;
    assert!(nobody.contains("user name is empty"), "{nobody}");
    let mut elsewhere = known_as("registry", "secret");
    elsewhere.prefix = "/other".to_owned();
    let elsewhere = refusal(&etcd, elsewhere).await;
    assert!(elsewhere.contains("permission denied"), "{elsewhere}");

    let config = known_as("registry", "secret");
    let one = EtcdStore::connect(etcd.urls(), config.clone())
        .await
        .unwrap();
    let other = EtcdStore::connect(etcd.urls(), config).await.unwrap();
    let mut eternal = server(2);
    eternal.ttl = None;
    for it in [server(1), eternal.clone(), server(1)] {
        one.register(it).await.unwrap();
    }
    until(&other, "two servers", |it| it.servers.len() == 2).await;
    for it in [server(1), eternal] {
        assert!(other.deregister("", &it.address).await.unwrap());
    }
    // Etcd forgets whom it has let in when it starts again.
    etcd.kill(0);
    etcd.start_again(0);
    one.register(server(3)).await.unwrap();
    until(&one, "it follows again", |it| !it.is_warming).await;
    until(&other, "the third", |it| {
        !it.is_warming && it.servers.len() == 1
    })
    .await;
}

#[tokio::test]
async fn over_tls_both_sides_show_who_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let etcd = Etcd::start_tls(&certificates);
    let read = |file| std::fs::read(file).unwrap();
    let mut trusted = config();
    trusted.authorities = Some(read(&certificates.authority));
    trusted.identity = Some((read(&certificates.certificate), read(&certificates.key)));
    let store = EtcdStore::connect(etcd.urls(), trusted.clone())
        .await
        .unwrap();
    store.register(server(1)).await.unwrap();
    assert_eq!(count(&store).await, 1);
    assert!(!list(&store).await.is_warming);

    let other_folder = tempfile::tempdir().unwrap();
    let others = Certificates::make(other_folder.path());
    // The system does not trust this authority, nor does another one.
    for authorities in [None, Some(read(&others.authority))] {
        let mut unknown = trusted.clone();
        unknown.authorities = authorities;
        let text = refusal(&etcd, unknown).await;
        assert!(text.contains("invalid peer certificate"), "{text}");
    }
    let stranger = Some((read(&others.certificate), read(&others.key)));
    for identity in [None, stranger] {
        let mut unknown = trusted.clone();
        unknown.identity = identity;
        let text = refusal(&etcd, unknown).await;
        assert!(text.to_lowercase().contains("certificate"), "{text}");
    }
    let mut foreign_key = trusted.clone();
    foreign_key.identity = Some((read(&certificates.certificate), read(&others.key)));
    let text = refusal(&etcd, foreign_key).await;
    assert!(text.contains("key"), "{text}");
}

#[tokio::test]
async fn certificates_that_are_none_or_not_used_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let read = |file| std::fs::read(file).unwrap();
    let [authority, certificate, key] = [
        read(&certificates.authority),
        read(&certificates.certificate),
        read(&certificates.key),
    ];
    let refusal = async |url: &str, authority: &[u8], identity: Option<(&[u8], &[u8])>| {
        let mut config = config();
        config.authorities = Some(authority.to_vec());
        config.identity = identity.map(|(one, other)| (one.to_vec(), other.to_vec()));
        let error = EtcdStore::connect([url], config).await.unwrap_err();
        assert!(matches!(error, Error::Setup(_)), "{error}");
        error.to_string()
    };
    let tls = "https://127.0.0.1:1";
    let text = refusal(tls, &key, None).await;
    assert!(text.contains("authority"), "{text}");
    let text = refusal(tls, &authority, Some((&key, &key))).await;
    assert!(text.contains("our certificate"), "{text}");
    let text = refusal(tls, &authority, Some((&certificate, b"secret"))).await;
    assert!(text.contains("the key"), "{text}");
    let text = refusal("http://127.0.0.1:1", &authority, None).await;
    assert!(text.contains("https://"), "{text}");
}
