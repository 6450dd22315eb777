//! A network in memory: hosts, links with latency and loss that can be cut in either direction,
//! and streams that behave as TCP does over such links.
//!
//! What is sent over a cut link is not lost but late: TCP sends it again once the link is whole. A
//! process that dies resets its streams, a machine that loses its power says nothing until
//! somebody writes to it after its return. All time is tokio's, all chance comes from one seed.

mod pipe;
mod stream;

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep};

use pipe::{Pipe, Segment};
pub(crate) use stream::Stream;

/// The number of a host.
pub(crate) type Host = usize;

/// How long TCP waits at first before it sends a lost segment again, in milliseconds.
const AGAIN: RangeInclusive<u64> = 200..=400;

/// How long after a link is whole again TCP notices, in milliseconds: its attempts have become
/// rare by then.
const NOTICED: RangeInclusive<u64> = 1..=1_500;

/// The network. Clones are the same.
#[derive(Clone)]
pub(crate) struct Network(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// A link or a host has changed.
    changed: Notify,
}

struct State {
    chance: fastrand::Rng,
    hosts: Vec<HostState>,
    /// From each host to each.
    links: BTreeMap<(Host, Host), Link>,
    pipes: BTreeMap<u64, Pipe>,
    next: u64,
}

struct HostState {
    power: Power,
    /// How many reasons there are for its process not to run.
    frozen: u32,
}

enum Power {
    Listening(mpsc::UnboundedSender<Stream>),
    Refusing,
    Off,
}

struct Link {
    latency: RangeInclusive<u64>,
    /// The part of all segments that is lost at first.
    loss: f64,
    /// How many reasons there are for it to be cut.
    cuts: u32,
}

/// How a server's process ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Death {
    /// It is killed: its machine resets its streams.
    Process,
    /// With its machine: nobody says anything.
    Machine,
}

impl Network {
    /// A network of so many hosts.
    pub(crate) fn new(seed: u64, hosts: usize) -> Self {
        let pairs = (0..hosts).flat_map(|from| (0..hosts).map(move |to| (from, to)));
        let link = || Link {
            latency: 1..=10,
            loss: 0.0,
            cuts: 0,
        };
        let state = State {
            chance: fastrand::Rng::with_seed(seed),
            hosts: (0..hosts)
                .map(|_| HostState {
                    power: Power::Refusing,
                    frozen: 0,
                })
                .collect(),
            links: pairs.map(|pair| (pair, link())).collect(),
            pipes: BTreeMap::new(),
            next: 0,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            changed: Notify::new(),
        }))
    }

    /// Connects one host to another. Takes for ever as long as nobody answers.
    pub(crate) async fn connect(&self, from: Host, to: Host) -> io::Result<Stream> {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            changed.as_mut().enable();
            let there_and_back = {
                let mut state = self.0.state.lock();
                let is_off = matches!(state.hosts[to].power, Power::Off);
                match (state.delay(from, to), state.delay(to, from)) {
                    (Some(there), Some(back)) if !is_off => Some(there + back),
                    _ => None,
                }
            };
            let Some(there_and_back) = there_and_back else {
                changed.await;
                let pause = self.0.state.lock().chance.u64(NOTICED);
                sleep(Duration::from_millis(pause)).await;
                continue;
            };
            sleep(there_and_back).await;
            let mut state = self.0.state.lock();
            match &state.hosts[to].power {
                Power::Off => {}
                Power::Refusing => return Err(io::ErrorKind::ConnectionRefused.into()),
                Power::Listening(accepting) => {
                    let accepting = accepting.clone();
                    let (there, back) = (state.pipe(from, to), state.pipe(to, from));
                    drop(state);
                    let theirs = Stream::new(self.clone(), there, back);
                    // If the process has just ended, this stream ends here.
                    let _ = accepting.send(theirs);
                    return Ok(Stream::new(self.clone(), back, there));
                }
            }
        }
    }

    /// Accepts streams at this host.
    pub(crate) fn listen(&self, host: Host) -> mpsc::UnboundedReceiver<Stream> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.state.lock().switch(host, Power::Listening(sender));
        self.0.changed.notify_waiters();
        receiver
    }

    /// Accepts no more streams at this host.
    pub(crate) fn refuse(&self, host: Host) {
        self.0.state.lock().switch(host, Power::Refusing);
    }

    /// Ends every stream of this host, and accepts no more.
    pub(crate) fn kill(&self, host: Host, death: Death) {
        let mut state = self.0.state.lock();
        let ours = |pipe: &Pipe| pipe.from == host || pipe.to == host;
        let numbers = state.numbers(ours);
        for number in numbers {
            state.sever(number, host, death);
        }
        state.hosts[host].power = match death {
            Death::Process => Power::Refusing,
            Death::Machine => Power::Off,
        };
    }

    /// Stops the process of this host from running, until [`thaw`](Self::thaw).
    pub(crate) fn freeze(&self, host: Host) {
        self.0.state.lock().hosts[host].frozen += 1;
    }

    /// Takes one [`freeze`](Self::freeze) back.
    pub(crate) fn thaw(&self, host: Host) {
        let mut state = self.0.state.lock();
        state.hosts[host].frozen -= 1;
        state.pipes.values_mut().for_each(Pipe::wake);
    }

    /// Cuts the link in this direction, until [`mend`](Self::mend).
    pub(crate) fn cut(&self, from: Host, to: Host) {
        self.0.state.lock().link(from, to).cuts += 1;
    }

    /// Takes one [`cut`](Self::cut) back.
    pub(crate) fn mend(&self, from: Host, to: Host) {
        let mut state = self.0.state.lock();
        state.link(from, to).cuts -= 1;
        state.send_again(|pipe| (pipe.from, pipe.to) == (from, to));
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Sets the latency of the link in this direction, in milliseconds, and the part that is lost.
    pub(crate) fn tune(&self, from: Host, to: Host, latency: RangeInclusive<u64>, loss: f64) {
        let mut state = self.0.state.lock();
        let link = state.link(from, to);
        link.latency = latency;
        link.loss = loss;
    }

    /// How many ends of streams somebody still holds, but for those to and from one host.
    pub(crate) fn open(&self, but: Option<Host>) -> usize {
        let state = self.0.state.lock();
        let held = state.pipes.values().filter(|pipe| !pipe.is_abandoned);
        held.filter(|pipe| ![pipe.from, pipe.to].map(Some).contains(&but))
            .count()
    }
}

impl State {
    #[expect(clippy::expect_used, reason = "there is a link for each pair of hosts")]
    fn link(&mut self, from: Host, to: Host) -> &mut Link {
        self.links.get_mut(&(from, to)).expect("a pair of hosts")
    }

    /// How long a segment takes that is sent now; `None` if it does not arrive.
    fn delay(&mut self, from: Host, to: Host) -> Option<Duration> {
        let link = self.link(from, to);
        if link.cuts > 0 {
            return None;
        }
        let (latency, loss) = (link.latency.clone(), link.loss);
        let mut delay = self.chance.u64(latency);
        while loss > 0.0 && self.chance.f64() < loss {
            delay += self.chance.u64(AGAIN);
        }
        Some(Duration::from_millis(delay))
    }

    fn pipe(&mut self, from: Host, to: Host) -> u64 {
        let number = self.next;
        self.next += 1;
        // The two pipes of a stream are neighbours.
        self.pipes.insert(number, Pipe::new(from, to, number ^ 1));
        number
    }

    fn numbers(&self, is_one: impl Fn(&Pipe) -> bool) -> Vec<u64> {
        let those = self.pipes.iter().filter(|(_, pipe)| is_one(pipe));
        those.map(|(number, _)| *number).collect()
    }

    /// Sends a segment. Data for an end that nobody holds any more comes back as a reset.
    fn send(&mut self, number: u64, segment: Segment) {
        let Some(pipe) = self.pipes.get(&number) else {
            return;
        };
        let (from, to, back) = (pipe.from, pipe.to, pipe.other);
        let is_nobody_there = pipe.is_abandoned && matches!(segment, Segment::Data(_));
        let is_off = matches!(self.hosts[to].power, Power::Off);
        let is_lost = is_off || pipe.has_lost();
        let delay = self.delay(from, to).filter(|_| !is_lost);
        if let Some(pipe) = self.pipes.get_mut(&number) {
            pipe.push(delay, segment);
        }
        if is_nobody_there && delay.is_some() {
            self.send(back, Segment::Reset);
        }
    }

    /// Sends again what was lost in these pipes, as far as it can arrive now.
    fn send_again(&mut self, is_one: impl Fn(&Pipe) -> bool) {
        for number in self.numbers(|pipe| is_one(pipe) && pipe.has_lost()) {
            let Some(pipe) = self.pipes.get_mut(&number) else {
                continue;
            };
            let lost = pipe.take_lost();
            let pause = Duration::from_millis(self.chance.u64(NOTICED));
            if let Some(pipe) = self.pipes.get_mut(&number) {
                pipe.pause(pause);
            }
            for segment in lost {
                self.send(number, segment);
            }
        }
    }

    fn switch(&mut self, host: Host, power: Power) {
        let was_off = matches!(self.hosts[host].power, Power::Off);
        self.hosts[host].power = power;
        if was_off {
            self.send_again(|pipe| pipe.to == host);
        }
    }

    /// Takes the end at `host` away.
    fn sever(&mut self, number: u64, host: Host, death: Death) {
        let Some(pipe) = self.pipes.get_mut(&number) else {
            return;
        };
        if pipe.to == host {
            pipe.abandon();
        } else {
            pipe.is_broken = true;
            pipe.wake();
            if matches!(death, Death::Process) {
                self.send(number, Segment::Reset);
            }
        }
    }

    /// Forgets a stream of which nobody holds an end.
    fn forget(&mut self, number: u64) {
        let is_over = |state: &Self, number| {
            let pipe: Option<&Pipe> = state.pipes.get(&number);
            pipe.is_none_or(|pipe| pipe.is_abandoned)
        };
        if is_over(self, number) && is_over(self, number ^ 1) {
            self.pipes.remove(&number);
            self.pipes.remove(&(number ^ 1));
        }
    }

    fn is_frozen(&self, host: Host) -> bool {
        self.hosts[host].frozen > 0
    }

    fn now() -> Instant {
        Instant::now()
    }
}
