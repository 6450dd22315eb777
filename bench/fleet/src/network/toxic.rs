//! What is done to the cable of an only server, one thing after the other.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::sleep;

use super::{Found, Length, Report, cluster};
use crate::cable::{Cable, Way};
use crate::load::{Load, Second};
use crate::scenario::{DEADLINE, QUIET, seconds};

/// Something that is done to the cable of the only server.
struct Toxic {
    title: &'static str,
    harm: fn(&Cable) -> Result<()>,
    heal: fn(&Cable) -> Result<()>,
    /// How long harm is done and then not, in turns; all the time if nothing is said.
    turns: Option<(Duration, Duration)>,
    /// Whether calls can fail as long as it lasts.
    is_deadly: bool,
}

const TOXICS: [Toxic; 6] = [
    Toxic {
        title: "1 Mbit/s for calls that need 1.8",
        harm: |cable| cable.narrow("1mbit"),
        heal: Cable::widen,
        turns: None,
        is_deadly: true,
    },
    Toxic {
        title: "packets of at most 576 bytes",
        harm: |cable| cable.limit_packets(576),
        heal: Cable::lift_limit,
        turns: None,
        is_deadly: false,
    },
    Toxic {
        title: "20 % of all packets are lost, each way",
        harm: |cable| {
            cable.lose(Way::There, 0.2)?;
            cable.lose(Way::Back, 0.2)
        },
        heal: Cable::mend,
        turns: None,
        is_deadly: true,
    },
    Toxic {
        title: "connections are reset every 2 s",
        harm: Cable::reset,
        heal: |_| Ok(()),
        turns: Some((Duration::ZERO, Duration::from_secs(2))),
        is_deadly: false,
    },
    Toxic {
        title: "unplugged for 1 s every 5 s",
        harm: Cable::unplug,
        heal: Cable::plug,
        turns: Some((Duration::from_secs(1), Duration::from_secs(4))),
        is_deadly: true,
    },
    Toxic {
        title: "no route",
        harm: Cable::close_route,
        heal: Cable::open_route,
        turns: None,
        is_deadly: true,
    },
];

/// One harm after the other to the only server.
pub(super) async fn run(length: Length, report: &mut Report) -> Result<()> {
    for toxic in TOXICS {
        let (cables, client) = cluster(1).await?;
        let cable = &cables[0];
        let load = Load::start(&client, 100, 2048);
        let time = Duration::from_secs(length.choose(6, 60));
        let end = Instant::now() + time;
        let (harm, rest) = toxic.turns.unwrap_or((time, Duration::ZERO));
        while Instant::now() < end {
            (toxic.harm)(cable)?;
            sleep(harm).await;
            (toxic.heal)(cable)?;
            sleep(rest).await;
        }
        let counts = load.end().await?;
        sleep(seconds(QUIET)).await;
        let load = Load::start(&client, 100, 2048);
        sleep(seconds(QUIET)).await;
        let after = Second::sum(&load.end().await?);

        let find = if toxic.is_deadly {
            Found::new
        } else {
            Found::flawless
        };
        let mut found = find(toxic.title, Second::sum(&counts));
        found.promise_end_by(DEADLINE);
        let figure = format!(
            "{} of {} failed from 5 s after it on",
            after.errors.len(),
            after.calls()
        );
        found.promise(after.is_flawless(), figure);
        report.add(found);
    }
    Ok(())
}
