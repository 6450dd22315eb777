//! Large bodies beside small calls, where little passes.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;
use wgrpc::Client;

use super::{Found, Length, Report};
use crate::cable::Cable;
use crate::load::{Load, Second};
use crate::{LARGE, WorkClient};

/// Where a server takes large bodies over plain TCP.
const PLAIN: u16 = 7001;

/// Who sends large bodies beside small calls.
#[derive(Clone, Copy)]
enum Bulk {
    Nobody,
    Stranger,
    SameConnection,
    OtherConnection,
}

/// Small calls where little passes, and large bodies beside them. A connection has one stream each
/// way, so over the same one they wait for a large body in front of them. Over another they wait
/// for no longer than if somebody else had sent it.
pub(super) async fn run(length: Length, report: &mut Report) -> Result<()> {
    let cable = Cable::lay(1, &["--plain", &format!("0.0.0.0:{PLAIN}")])?;
    cable.narrow("10mbit")?;
    let small = Client::connect(cable.address.as_str()).await?;
    let other = Client::connect(cable.address.as_str()).await?;
    let mut stranger = TcpStream::connect((cable.host.as_str(), PLAIN)).await?;
    let who = [
        Bulk::Nobody,
        Bulk::Stranger,
        Bulk::OtherConnection,
        Bulk::SameConnection,
    ];
    let mut counts = who.map(|_| Vec::new());
    let mut longest = Duration::ZERO;
    // They take turns, for the machine is not the same all the time.
    for _ in 0..length.choose(1, 5) {
        for (bulk, counts) in who.into_iter().zip(&mut counts) {
            let mut transfer = async || {
                let body = vec![1; LARGE];
                let begun = Instant::now();
                match bulk {
                    Bulk::Nobody => sleep(Duration::from_secs(1)).await,
                    Bulk::Stranger => {
                        stranger.write_all(&body).await?;
                        stranger.read_u8().await?;
                    }
                    Bulk::SameConnection => _ = WorkClient::new(&small).take(&body).await?,
                    Bulk::OtherConnection => _ = WorkClient::new(&other).take(&body).await?,
                }
                anyhow::Ok(begun.elapsed())
            };
            // TCP has to find out how much passes, and asks too much at first.
            transfer().await?;
            let load = Load::start(&small, 100, 0);
            for _ in 0..3 {
                longest = longest.max(transfer().await?);
            }
            counts.extend(load.end().await?);
        }
    }
    let [nobody, stranger, other, same] = counts.map(|counts| Second::sum(&counts));
    report.add(Found::flawless("100 small calls/s over 10 Mbit/s", nobody));
    let control = stranger.p99();
    let title = "… while somebody sends 4 MiB at a time over plain TCP";
    report.add(Found::flawless(title, stranger));
    let title = "… beside 4 MiB at a time over another connection";
    let mut found = Found::flawless(title, other);
    let ratio = found.calls.p99().as_secs_f64() / control.as_secs_f64();
    found.promise(
        ratio <= 1.2,
        format!("p99 is {ratio:.2} × that beside plain TCP"),
    );
    report.add(found);
    let title = "… beside 4 MiB at a time over the same connection";
    let mut found = Found::flawless(title, same);
    let is_kept = found.calls.p99() <= longest.mul_f64(1.1);
    found.promise(is_kept, format!("a transfer takes up to {longest:.2?}"));
    report.add(found);
    Ok(())
}
