//! The call where there are several servers: at one of them, or at each.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{sleep, timeout};
use wgrpc::gob::Json;
use wgrpc::{Address, CallOptions, Discovery, Endpoint, RegistryDiscovery, ServerList, XClient};

use super::{Reply, client, print};
use crate::args::{Call, Request, Servers, Verb};
use crate::exit::{Failure, Status};

/// How long a choice waits for servers that are neither connected nor away.
const SETTLE: Duration = Duration::from_secs(1);

/// How often it looks at them.
const LOOK: Duration = Duration::from_millis(1);

/// Calls, and prints what there is to be said about it.
pub(super) async fn make<A: Serialize, R: Reply>(
    call: &Call,
    request: &Request,
    argument: &Json<A>,
) -> Result<(), Failure> {
    let client = XClient::builder()
        .client(client(call))
        .select(call.select())
        .start(servers(&request.servers).await?)?;
    match call.verb() {
        Verb::Call => {
            settle(&client).await;
            let options = match &call.key {
                Some(key) => CallOptions::new().key(key),
                None => CallOptions::new(),
            };
            let reply: R = client.call_with(&request.method, argument, options).await?;
            print(&reply.shown())
        }
        Verb::Broadcast => {
            let reply: R = client.broadcast(&request.method, argument).await?;
            print(&reply.shown())
        }
        Verb::All => all::<_, R>(&client, &request.method, argument).await,
    }
}

/// Where the servers are.
async fn servers(servers: &Servers) -> Result<Arc<dyn Discovery>, Failure> {
    let list = |addresses: &[Address]| {
        let endpoints = addresses.iter().cloned().map(Endpoint::new);
        Arc::new(ServerList::new(endpoints))
    };
    match servers {
        Servers::One(address) => Ok(list(std::slice::from_ref(address))),
        Servers::Several(addresses) => Ok(list(addresses)),
        Servers::Registered { url, group } => {
            let registry = RegistryDiscovery::start(url, group.as_deref())?;
            // That nobody is listed, or why, is known now, and need not be waited for.
            registry.refresh().await?;
            if registry.servers().endpoints.is_empty() {
                let what = match group {
                    Some(group) => format!("the registry lists no servers of the group {group}"),
                    None => "the registry lists no servers".to_owned(),
                };
                return Err(Failure::new(Status::Connection, what));
            }
            Ok(Arc::new(registry))
        }
    }
}

/// Waits until every server is connected, or was tried in vain: a choice among those that happen
/// to be connected first would be none.
async fn settle(client: &XClient) {
    let every_server = async {
        loop {
            let servers = client.servers();
            let is_settled = servers
                .iter()
                .all(|server| server.is_connected || server.error.is_some());
            // The client takes a moment to take note of it.
            sleep(LOOK).await;
            if is_settled {
                return;
            }
        }
    };
    // Those that have not answered by then are no choice.
    let _ = timeout(SETTLE, every_server).await;
}

/// What a server says, in one line.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Said<T> {
    Reply(T),
    Error(String),
}

#[derive(Serialize)]
struct Line<T> {
    server: String,
    #[serde(flatten)]
    said: Said<T>,
}

/// Calls every server, and prints a line for each.
async fn all<A: Serialize, R: Reply>(
    client: &XClient,
    method: &str,
    argument: &Json<A>,
) -> Result<(), Failure> {
    let results = client.call_all::<_, R>(method, argument).await?;
    let count = results.len();
    let mut failed = Vec::new();
    for (server, result) in results {
        let said = match &result {
            Ok(reply) => Said::Reply(reply.shown()),
            Err(error) => Said::Error(error.to_string()),
        };
        let server = server.to_string();
        print(&Line { server, said })?;
        failed.extend(result.err());
    }
    match failed.first() {
        None => Ok(()),
        Some(first) => {
            let what = format_args!("{} of {count} servers did not reply", failed.len());
            Err(Failure::new(Status::of(first), what))
        }
    }
}
