//! One server and one client: every transport and codec, an error, a timeout, many calls at once.

use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use wgrpc::{Address, Client, ClientLimits, Code, Error, Server};

use super::report::Report;
use crate::exit::Failure;
use crate::services::{self, Args, ArithClient, Quotient};

/// How many calls are made at once.
const MANY: usize = 100_000;

/// How many calls are made one after the other.
const ONE_BY_ONE: u32 = 200;

/// How many replies go by before the progress bar is told.
const STEP: usize = 1_000;

/// A server in this process, on two sockets.
pub(super) struct Ways {
    server: Server,
    tcp: Address,
    unix: Address,
}

impl Ways {
    pub(super) async fn start() -> Result<Self, Failure> {
        let server = services::register(Server::builder()).start()?;
        let tcp = server.listen("tcp@127.0.0.1:0").await?;
        let socket = format!("wgrpc-demo-{}.sock", std::process::id());
        let socket = std::env::temp_dir().join(socket);
        let unix = server.listen(format!("unix@{}", socket.display())).await?;
        Ok(Self { server, tcp, unix })
    }

    /// Where TCP and HTTP clients find it.
    pub(super) fn tcp(&self) -> &Address {
        &self.tcp
    }

    /// Shows all of it.
    pub(super) async fn show(&self, report: &mut Report) -> Result<(), Failure> {
        every_way(report, &self.tcp, &self.unix).await?;
        let arith = ArithClient::new(Client::connect(&self.tcp).await?);
        errors(report, &arith).await?;
        many_calls(report, &self.tcp).await
    }

    pub(super) async fn shutdown(self) -> Result<(), Failure> {
        Ok(self.server.shutdown().await?)
    }
}

/// The same call by every transport and codec.
async fn every_way(report: &mut Report, tcp: &Address, unix: &Address) -> Result<(), Failure> {
    report.section("arith.multiply(&Args { a: 6, b: 7 }): every transport, every codec")?;
    let http = format!("http@{}", tcp.target());
    let ways = [
        ("tcp", tcp.to_string()),
        ("http", http),
        ("unix", unix.to_string()),
    ];
    for (transport, address) in &ways {
        for codec in [wgrpc::GOB, wgrpc::JSON] {
            let client = Client::builder().codec(codec).connect(address).await?;
            let arith = ArithClient::new(client);
            let what = format!("{transport:<5}{codec}");
            match arith.multiply(&Args { a: 6, b: 7 }).await {
                Ok(42) => {
                    let took = one_by_one(&arith).await?;
                    report.good(&what, &format!("42   {} µs a call", took.as_micros()))?;
                }
                Ok(other) => report.bad(&what, &other.to_string())?,
                Err(error) => report.bad(&what, &error.to_string())?,
            }
        }
    }
    Ok(())
}

/// How long a call takes when nothing else goes on, on average.
async fn one_by_one(arith: &ArithClient) -> Result<Duration, Failure> {
    let start = Instant::now();
    for _ in 0..ONE_BY_ONE {
        arith.multiply(&Args { a: 6, b: 7 }).await?;
    }
    Ok(start.elapsed() / ONE_BY_ONE)
}

/// What a handler returns for an error is the error of the call; a call that takes too long is
/// given up, and the connection goes on.
async fn errors(report: &mut Report, arith: &ArithClient) -> Result<(), Failure> {
    report.section("Errors and timeouts cost their own call only")?;
    match arith.divide(&Args { a: 7, b: 0 }).await {
        Err(Error::Remote(fault)) if fault.code() == Some(Code::Application) => {
            report.good("7 / 0", fault.text())?;
        }
        other => report.bad("7 / 0", &format!("{other:?}"))?,
    }
    match arith.sleep(&500).timeout(Duration::from_millis(50)).await {
        Err(error @ Error::Timeout { .. }) => report.good("sleep 500 ms", &error.to_string())?,
        other => report.bad("sleep 500 ms", &format!("{other:?}"))?,
    }
    match arith.divide(&Args { a: 7, b: 2 }).await {
        Ok(Quotient { quo: 3, rem: 1 }) => report.good("7 / 2", "3, remainder 1"),
        other => report.bad("7 / 2", &format!("{other:?}")),
    }
}

/// All calls are on their way before the first reply is looked at.
async fn many_calls(report: &mut Report, tcp: &Address) -> Result<(), Failure> {
    report.section("100,000 calls at once, on one connection")?;
    let limits = ClientLimits {
        in_flight: MANY,
        ..Default::default()
    };
    let arith = ArithClient::new(Client::builder().limits(limits).connect(tcp).await?);
    let bar = ProgressBar::new(MANY as u64);
    if let Ok(style) = ProgressStyle::with_template("  {bar:40} {human_pos} replies") {
        bar.set_style(style);
    }
    let start = Instant::now();
    let calls: Vec<_> = (0..MANY as i64)
        .map(|a| (a * 3, arith.multiply(&Args { a, b: 3 })))
        .collect();
    let mut wrong = 0;
    for (number, (product, call)) in calls.into_iter().enumerate() {
        if !matches!(call.await, Ok(reply) if reply == product) {
            wrong += 1;
        }
        if number % STEP == 0 {
            bar.set_position(number as u64);
        }
    }
    let took = start.elapsed();
    bar.finish_and_clear();
    let rate = HumanCount((MANY as f64 / took.as_secs_f64()) as u64);
    let what = format!("in {:.2} s", took.as_secs_f64());
    match wrong {
        0 => report.good(&what, &format!("{rate} calls/s, all replies right")),
        wrong => report.bad(
            &what,
            &format!("{wrong} replies were wrong or did not come"),
        ),
    }
}
