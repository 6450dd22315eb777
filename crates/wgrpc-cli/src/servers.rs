//! `wgrpc servers`: the list of a registry, once or whenever it changes.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use wgrpc::registry::{Error, Listing, RegistryClient, Server};

use crate::args::ListServers;
use crate::exit::Failure;

/// How often a registry that cannot be watched is asked, and one that does not answer.
const PAUSE: Duration = Duration::from_secs(2);

#[tokio::main]
pub(crate) async fn run(servers: &ListServers) -> Result<(), Failure> {
    let registry = RegistryClient::new(&servers.registry)?;
    let group = servers.service_name.as_deref();
    let mut listing = registry.list(group).await?;
    if !servers.watch {
        return print(&table(&listing));
    }
    loop {
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        print(&format!("{now}\n{}", table(&listing)))?;
        listing = next(&registry, group, listing).await;
    }
}

/// Waits until the list is another one. A registry that is away for a while is waited for.
async fn next(registry: &RegistryClient, group: Option<&str>, shown: Listing) -> Listing {
    let mut known = shown.clone();
    loop {
        let mut news = registry.watch(group, &known).await;
        if matches!(news, Err(Error::Full(_))) {
            tokio::time::sleep(PAUSE).await;
            news = registry.poll(group, &known).await;
        }
        if matches!(&news, Ok(Some(news)) if !is_same(news, &shown)) {
            // What has changed is known; when servers were last heard of is not.
            news = registry.list(group).await.map(Some);
        }
        match news {
            Ok(None) => {}
            Ok(Some(listing)) if !is_same(&listing, &shown) => return listing,
            Ok(Some(listing)) => {
                known = listing;
                if known.revision == 0 {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Err(error) => {
                complain(&error);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the two have the same servers, whatever their ages.
fn is_same(one: &Listing, other: &Listing) -> bool {
    let servers = |listing: &Listing| -> Vec<_> {
        let servers = listing.servers.iter();
        let known = servers.map(|it| (it.address.clone(), it.group.clone(), it.meta.clone()));
        known.collect()
    };
    servers(one) == servers(other)
}

fn complain(error: &Error) {
    anstream::eprintln!("{}: {error}", crate::style::bad("error"));
}

/// One line a server, in columns.
fn table(listing: &Listing) -> String {
    let rows: Vec<_> = listing.servers.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [_; 4] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let mut table = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a text cannot fail.
            let _ = write!(table, "{cell:width$}  ");
        }
        table.push_str(&row[4]);
        table.truncate(table.trim_end().len());
        table.push('\n');
    }
    table
}

/// Address, group, weight, age, and the rest. What a server says of itself is anybody's text.
fn row(server: &Server) -> [String; 5] {
    let or_dash = |text: &str| match text {
        "" => "-".to_owned(),
        text => printable(text),
    };
    let age = server
        .age
        .map(|age| Duration::from_millis(age.as_millis() as u64 / 100 * 100));
    let age = age.map(|age| humantime::format_duration(age).to_string());
    let meta = &server.meta;
    let zone = meta.zone.iter().map(|zone| format!("zone={zone}"));
    let version = meta
        .version
        .iter()
        .map(|version| format!("version={version}"));
    let draining = meta.is_draining.then(|| "draining".to_owned());
    let extra = meta
        .extra
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    let rest: Vec<_> = zone.chain(version).chain(draining).chain(extra).collect();
    [
        server.address.to_string(),
        or_dash(&server.group),
        meta.weight.to_string(),
        or_dash(&age.unwrap_or_default()),
        or_dash(&rest.join(" ")),
    ]
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Failure::output)
}
