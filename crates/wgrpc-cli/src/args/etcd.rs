//! The arguments of `wgrpc registry` that say in which etcd it keeps who is registered.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use wgrpc::registry::EtcdConfig;

use crate::exit::Failure;

/// Where the password is: an argument could be read by everybody on the machine.
const PASSWORD: &str = "WGRPC_ETCD_PASSWORD";

/// An etcd cluster, and who we are to it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Etcd")]
pub(crate) struct Etcd {
    /// A member of an etcd cluster that keeps who is registered, so that any number of registries
    /// can share it: http://host:2379, or https:// (repeatable)
    #[arg(
        id = "etcd",
        long = "etcd",
        value_name = "URL",
        conflicts_with = "snapshot"
    )]
    pub(crate) urls: Vec<String>,

    /// The user that we are there. The password is in the environment, WGRPC_ETCD_PASSWORD
    #[arg(long = "etcd-user", value_name = "NAME", requires = "etcd")]
    user: Option<String>,

    /// The certificates of the authorities that may have signed etcd's, in PEM; without them it is
    /// those that the system trusts
    #[arg(long = "etcd-ca", value_name = "FILE", requires = "etcd")]
    authorities: Option<PathBuf>,

    /// Our own certificate, in PEM, if etcd asks for one
    #[arg(long = "etcd-cert", value_name = "FILE", requires_all = ["etcd", "key"])]
    certificate: Option<PathBuf>,

    /// Its key
    #[arg(long = "etcd-key", value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

impl Etcd {
    /// How the cluster is used.
    ///
    /// # Errors
    /// If a file cannot be read, or the user has no password.
    pub(crate) fn config(&self) -> Result<EtcdConfig, Failure> {
        let mut config = EtcdConfig::default();
        if let Some(name) = &self.user {
            let missing = |_| Failure::usage(format_args!("set {PASSWORD} for the user {name}"));
            let password = std::env::var(PASSWORD).map_err(missing)?;
            config.user = Some((name.clone(), password));
        }
        config.authorities = self.authorities.as_deref().map(read).transpose()?;
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            config.identity = Some((read(certificate)?, read(key)?));
        }
        Ok(config)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error| Failure::usage(format_args!("cannot read {}: {error}", file.display()));
    fs::read(file).map_err(cannot)
}
