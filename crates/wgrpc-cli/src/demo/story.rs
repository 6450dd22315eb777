//! A registry, three servers and one client: a server is killed and started again, and no call is
//! lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::HumanCount;
use tokio::time::sleep;
use wgrpc::{Client, RegistryDiscovery, SelectMode, XClient};

use super::fleet::{Registry, Server};
use super::load::Load;
use super::report::Report;
use super::table::{self, Live};
use super::tally::{CountAttempts, Tallies};
use crate::exit::{Failure, Status};

/// Where a server listens when it does not matter where.
const ANY_PORT: &str = "tcp@127.0.0.1:0";

/// How many servers there are.
const SERVERS: usize = 3;

/// The one that is killed.
const VICTIM: usize = 1;

/// How long each chapter takes: all are well; one is dead; it is back.
const CHAPTER: Duration = Duration::from_millis(1_500);

/// How often the table is renewed.
const RENEW: Duration = Duration::from_millis(100);

/// How often it is looked whether the client has found the servers.
const LOOK: Duration = Duration::from_millis(5);

/// How many calls the one that is back has to answer until it counts as back.
const BACK: u64 = 50;

/// How long what should happen soon may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The servers, and what is known about the calls to them.
pub(super) struct Story {
    servers: Vec<Server>,
    registry: Registry,
    tallies: Arc<Tallies>,
    states: [&'static str; SERVERS],
    live: Live,
    start: Instant,
}

impl Story {
    /// Tells it from the beginning to the end. The servers go on until this is dropped.
    pub(super) async fn tell(report: &mut Report) -> Result<Self, Failure> {
        let title = "A registry and three servers, each a process of its own; 1,000 calls a second";
        report.section(title)?;
        let mut story = Self::begin().await?;
        report.line(story.registry())?;
        for server in &story.servers {
            report.line(&server.address().to_string())?;
        }
        let client = story.client().await?;
        let load = Load::start(client, story.tallies.clone());

        story.watch(CHAPTER).await;
        story.kill(report).await?;
        story.watch(CHAPTER).await;
        let answered = story.start_again(report).await?;
        story.watch(CHAPTER).await;
        let patience = Instant::now() + PATIENCE;
        while story.answered(VICTIM) < answered + BACK && Instant::now() < patience {
            story.watch(RENEW).await;
        }

        let failure = load.stop().await;
        let back = story.answered(VICTIM) - answered;
        story.conclude(report, failure, back)?;
        Ok(story)
    }

    async fn begin() -> Result<Self, Failure> {
        let registry = Registry::start().await?;
        let mut servers = Vec::new();
        for _ in 0..SERVERS {
            servers.push(Server::start(ANY_PORT, &registry).await?);
        }
        let story = Self {
            servers,
            registry,
            tallies: Arc::default(),
            states: ["up"; SERVERS],
            live: Live::new(),
            start: Instant::now(),
        };
        for (number, server) in story.servers.iter().enumerate() {
            story.tallies.assign(server.address(), number);
        }
        Ok(story)
    }

    /// A client that has found all servers.
    async fn client(&self) -> Result<XClient, Failure> {
        let client = XClient::builder()
            .client(Client::builder().middleware(CountAttempts(self.tallies.clone())))
            .select(SelectMode::RoundRobin)
            .start(RegistryDiscovery::start(self.registry(), None)?)?;
        let patience = Instant::now() + PATIENCE;
        let is_usable = |client: &XClient| {
            let servers = client.servers();
            servers.iter().filter(|server| server.is_usable).count() == SERVERS
        };
        while !is_usable(&client) {
            if Instant::now() > patience {
                let what = "the client has not found all servers";
                return Err(Failure::new(Status::Failed, what));
            }
            sleep(LOOK).await;
        }
        Ok(client)
    }

    /// Where the registry is.
    pub(super) fn registry(&self) -> &str {
        self.registry.url()
    }

    /// Renews the table for a while.
    async fn watch(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.live.show(&table::rows(&self.tallies, &self.states));
            sleep(RENEW).await;
        }
    }

    async fn kill(&mut self, report: &Report) -> Result<(), Failure> {
        self.servers[VICTIM].kill().await?;
        self.states[VICTIM] = "killed";
        self.happened(report, &format!("kill -9 of server {}", VICTIM + 1))
    }

    /// Starts the dead server again, and says how many calls it had answered before.
    async fn start_again(&mut self, report: &Report) -> Result<u64, Failure> {
        let answered = self.answered(VICTIM);
        let address = self.servers[VICTIM].address().to_string();
        // Somebody else may have taken its port meanwhile.
        let server = match Server::start(&address, &self.registry).await {
            Ok(server) => server,
            Err(_) => Server::start(ANY_PORT, &self.registry).await?,
        };
        self.tallies.assign(server.address(), VICTIM);
        self.servers[VICTIM] = server;
        self.states[VICTIM] = "up again";
        self.happened(report, &format!("server {} is started again", VICTIM + 1))?;
        Ok(answered)
    }

    /// How many calls a server has answered.
    fn answered(&self, server: usize) -> u64 {
        let tallies = self.tallies.servers();
        tallies
            .get(server)
            .map_or(0, |tally| tally.calls - tally.errors)
    }

    fn happened(&self, report: &Report, what: &str) -> Result<(), Failure> {
        let when = self.start.elapsed().as_secs_f64();
        self.live
            .above(|| report.line(&format!("{when:4.1} s  {what}")))
    }

    /// Says what came of it.
    fn conclude(
        &self,
        report: &mut Report,
        failure: Option<String>,
        back: u64,
    ) -> Result<(), Failure> {
        self.live.clear();
        for row in table::rows(&self.tallies, &self.states) {
            report.line(&row)?;
        }
        let whole = self.tallies.whole();
        let calls = format!("{} calls", HumanCount(whole.calls));
        match failure {
            None => {
                let attempts = self.tallies.servers();
                let again: u64 = attempts.iter().map(|tally| tally.errors).sum();
                let result = format!("none failed; {again} made again at another server");
                report.good(&calls, &result)?;
            }
            Some(reason) => {
                report.bad(&calls, &format!("{} failed, as in: {reason}", whole.errors))?;
            }
        }
        let what = format!("server {} is back", VICTIM + 1);
        let result = format!("{} calls since", HumanCount(back));
        if back < BACK {
            return report.bad(&what, &result);
        }
        report.good(&what, &result)
    }
}
