//! `wgrpc registry`: who is alive, for servers and clients to tell and ask.

#[cfg(feature = "etcd")]
use wgrpc::registry::EtcdStore;
use wgrpc::registry::{MembershipConfig, MemoryStore, Registry};

use crate::args;
use crate::exit::Failure;
use crate::serve::{Signals, log_to_stderr, say};

#[tokio::main]
pub(crate) async fn run(options: &args::Registry) -> Result<(), Failure> {
    log_to_stderr();
    let mut signals = Signals::new()?;
    let mut builder = Registry::builder()
        .timeout(options.timeout)
        .limits(options.limits()?);
    if let Some(file) = &options.snapshot {
        let store = MemoryStore::open(MembershipConfig::default(), file).await?;
        builder = builder.store(store);
    }
    #[cfg(feature = "etcd")]
    if !options.etcd.urls.is_empty() {
        let store = EtcdStore::connect(&options.etcd.urls, options.etcd.config()?).await?;
        builder = builder.store(store);
    }
    if let Some(token) = &options.token {
        builder = builder.token(token);
    }
    if options.open {
        builder = builder.open();
    }
    let server = builder.build().listen(&options.listen).await?;
    say(&format!("listening {}", server.url()))?;
    signals.next().await;
    server.shutdown().await;
    Ok(())
}
