//! Calls at a steady rate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::interval;
use wgrpc::{Error, Result, XClient};

use super::tally::Tallies;
use crate::services::ArithClient;

/// A call is made so often.
const EVERY: Duration = Duration::from_millis(1);

/// How many milliseconds the server takes for each.
const WORK: i64 = 5;

/// More calls than these are not in flight: on a machine that cannot keep up, the rate falls.
const IN_FLIGHT: usize = 256;

/// Calls that are made until they are stopped.
pub(super) struct Load {
    stop: watch::Sender<bool>,
    calls: JoinHandle<Option<String>>,
}

impl Load {
    /// Begins to call.
    pub(super) fn start(client: XClient, tallies: Arc<Tallies>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let calls = tokio::spawn(call_steadily(client, tallies, stopped));
        Self { stop, calls }
    }

    /// Stops, waits for the calls in flight, and says how one has failed, if any has.
    pub(super) async fn stop(self) -> Option<String> {
        self.stop.send_replace(true);
        self.calls
            .await
            .unwrap_or_else(|ended| Some(ended.to_string()))
    }
}

async fn call_steadily(
    client: XClient,
    tallies: Arc<Tallies>,
    mut stopped: watch::Receiver<bool>,
) -> Option<String> {
    let arith = Arc::new(ArithClient::new(client));
    let room = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut calls = JoinSet::new();
    let mut failure = None;
    let mut ticks = interval(EVERY);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|&is_stopped| is_stopped) => break,
            _ = ticks.tick() => {}
        }
        while let Some(ended) = calls.try_join_next() {
            failure = failure.or_else(|| failure_of(ended));
        }
        let Ok(permit) = room.clone().acquire_owned().await else {
            break;
        };
        let (arith, tallies) = (arith.clone(), tallies.clone());
        calls.spawn(async move {
            let start = Instant::now();
            let reply = arith.sleep(&WORK).await;
            tallies.count(start.elapsed(), matches!(reply, Ok(WORK)));
            drop(permit);
            reply
        });
    }
    while let Some(ended) = calls.join_next().await {
        failure = failure.or_else(|| failure_of(ended));
    }
    failure
}

/// What is wrong with how a call has ended.
fn failure_of(ended: Result<Result<i64>, tokio::task::JoinError>) -> Option<String> {
    match ended {
        Ok(Ok(WORK)) => None,
        Ok(Ok(other)) => Some(format!("the reply was {other} instead of {WORK}")),
        Ok(Err(error)) => Some(Error::to_string(&error)),
        Err(ended) => Some(ended.to_string()),
    }
}
