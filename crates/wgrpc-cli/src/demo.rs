//! `wgrpc demo`: what WgRPC does, in one look, on real sockets.
//!
//! `story.rs` is one client of three servers, of which one dies; `fleet.rs` has their processes,
//! `load.rs` the calls, `tally.rs` what became of them and `table.rs` how that is shown. `ways.rs`
//! is what there is to see of one server. `report.rs` prints.

mod fleet;
mod load;
mod report;
mod story;
mod table;
mod tally;
mod ways;

use crate::args::Demo;
use crate::exit::{Failure, Status};
use crate::serve::Signals;
use report::Report;
use story::Story;
use ways::Ways;

#[tokio::main]
pub(crate) async fn run(demo: &Demo) -> Result<(), Failure> {
    // From now on signals end nothing by themselves: whatever happens, the processes that were
    // started are killed when their handles go.
    let mut signals = Signals::new()?;
    let mut report = Report::new();
    let shown = tokio::select! {
        shown = show(&mut report) => shown?,
        () = signals.next() => {
            return Err(Failure::new(Status::Failed, "stopped before the end"));
        }
    };
    if !demo.once {
        shown.invite(&report)?;
        signals.next().await;
    }
    shown.ways.shutdown().await?;
    report.finish()
}

/// What has been shown, and still runs.
struct Shown {
    story: Story,
    ways: Ways,
}

async fn show(report: &mut Report) -> Result<Shown, Failure> {
    report.title("WgRPC: call a method of a struct in another process, as if it were here")?;
    let story = Story::tell(report).await?;
    let ways = Ways::start().await?;
    ways.show(report).await?;
    Ok(Shown { story, ways })
}

impl Shown {
    /// Says what can be done with it.
    fn invite(&self, report: &Report) -> Result<(), Failure> {
        report.section("Everything stays until Ctrl-C. Look at it, or call it")?;
        let (tcp, registry) = (self.ways.tcp(), self.story.registry());
        let call = format!("wgrpc call --registry {registry}");
        report.line(&format!("http://{}{}", tcp.target(), wgrpc::DEBUG_PATH))?;
        report.line(&format!("wgrpc servers {registry}"))?;
        report.line(&format!(
            "{call} Arith.Multiply '{{\"A\":6,\"B\":7}}' --all"
        ))
    }
}
