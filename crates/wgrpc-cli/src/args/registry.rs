//! The arguments of `wgrpc registry` and `wgrpc servers`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use wgrpc::registry::RegistryLimits;
use wgrpc::registry::api::PATH;

use crate::exit::Failure;

/// Be a registry until SIGINT or SIGTERM
///
/// Prints a line `listening http://127.0.0.1:41234/wgrpc/registry`, with its real port. Servers
/// register there, and clients ask where servers are, both of them in Go or in Rust.
///
/// Whoever can register a server can have clients call it. So on an address that other machines
/// reach it wants a token, which Go servers cannot send, or to be told that it is open.
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  wgrpc registry --listen 127.0.0.1:9999
  wgrpc registry --listen 0.0.0.0:9999 --token secret --snapshot servers.json
  wgrpc registry --listen 127.0.0.1:9999 --watches 50000 --connections 60000
"
)]
pub(crate) struct Registry {
    /// Where to listen; port 0 lets the system choose one
    #[arg(short, long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: String,

    /// How long a server is listed after it was last heard of; 0s is for ever. Ours ask for 90s;
    /// this is for servers that do not ask, as those in Go, which beat every 4 minutes
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "5m",
        value_parser = humantime::parse_duration
    )]
    pub(crate) timeout: Duration,

    /// A file in which it remembers who was registered when it starts again
    #[arg(long, value_name = "FILE")]
    pub(crate) snapshot: Option<PathBuf>,

    /// Servers have to show this token to be listed
    #[arg(
        long,
        value_name = "TOKEN",
        env = "WGRPC_REGISTRY_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,

    /// Everybody who reaches it may register servers
    #[arg(long)]
    pub(crate) open: bool,

    #[command(flatten)]
    limits: Limits,

    #[cfg(feature = "etcd")]
    #[command(flatten)]
    pub(crate) etcd: super::Etcd,
}

/// What may be too much for a registry, if an operator does not say that it is not.
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// How many clients may wait for changes at a time. More are told to ask every 10 s instead.
    /// Each takes a connection
    #[arg(long, value_name = "N", default_value_t = RegistryLimits::default().watchers)]
    watches: usize,

    /// How many connections there may be. More wait until others end. Each is a file descriptor:
    /// see `ulimit -n`
    #[arg(long, value_name = "N", default_value_t = RegistryLimits::default().connections)]
    connections: usize,

    /// How many of them from one IP address, which may be that of a proxy. More are closed
    #[arg(
        long,
        value_name = "N",
        default_value_t = RegistryLimits::default().connections_per_address
    )]
    connections_per_address: usize,

    /// How often a second servers at one IP address may register, or take themselves off the list
    #[arg(long, value_name = "N", default_value_t = RegistryLimits::default().posts_per_second)]
    posts_per_second: u32,
}

impl Registry {
    /// The bounds of the registry.
    ///
    /// # Errors
    /// If its watches would leave no connection for anything else.
    pub(crate) fn limits(&self) -> Result<RegistryLimits, Failure> {
        let Limits {
            watches,
            connections,
            connections_per_address,
            posts_per_second,
        } = self.limits;
        if watches >= connections {
            return Err(Failure::usage(format_args!(
                "{watches} watches would leave none of the {connections} connections for servers: \
                 set --connections higher, or --watches lower"
            )));
        }
        Ok(RegistryLimits {
            watchers: watches,
            connections,
            connections_per_address,
            posts_per_second,
            ..RegistryLimits::default()
        })
    }
}

/// Print which servers a registry lists
///
/// One line a server: address, group, weight, how long ago it was last heard of, and what else it
/// says of itself; - stands for what is not known or not said. A registry in Go knows addresses
/// only.
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = format!(
        "\
Examples:
  wgrpc servers http://127.0.0.1:9999{PATH}
  wgrpc servers http://127.0.0.1:9999{PATH} --service-name Arith --watch
"
    )
)]
pub(crate) struct ListServers {
    /// Where the registry is: http://host:port/path
    #[arg(value_name = "URL")]
    pub(crate) registry: String,

    /// Only the servers of this group
    #[arg(long, value_name = "NAME")]
    pub(crate) service_name: Option<String>,

    /// Print the list again whenever it has changed, after a line with its time
    #[arg(short, long)]
    pub(crate) watch: bool,
}
