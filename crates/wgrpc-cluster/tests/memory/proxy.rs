//! What stands between a client and a server and does harm: it delays, slices, stops, loses,
//! changes and ends what passes through it.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::time::sleep;

/// How many bytes may be on their way on either side of it.
const PIPE: usize = 4 << 10;

/// What is done to what passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Toxic {
    /// Nothing.
    Clear,
    /// It comes later, by up to so many milliseconds.
    Latency(u64),
    /// At most so many bytes a second.
    Bandwidth(u64),
    /// In pieces of a few bytes.
    Slicer,
    /// In order, but this part of it only after it was sent again once or several times.
    Loss(f64),
    /// Connections end, and nobody can connect.
    Down,
    /// The end of a connection is told so many milliseconds late.
    SlowClose(u64),
    /// Nothing passes, then the connection ends.
    Timeout(u64),
    /// Connections end after so many bytes.
    LimitData(usize),
    /// Now and then a byte is another one.
    Corrupt,
    /// Nothing passes as long as this lasts, to the server or to the client.
    Stall { to_server: bool, to_client: bool },
    /// What there is now passes nothing any more, ever. New connections are whole.
    Forget,
}

/// A proxy that passes on everything, until it is told otherwise. Clones are the same.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Mutex<State>>);

struct State {
    toxic: Toxic,
    chance: Rng,
    /// Connections made so far, and how many of the first are forgotten.
    made: usize,
    forgotten: usize,
}

/// The connection has to end.
struct Broken;

impl Proxy {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            toxic: Toxic::Clear,
            chance: Rng::with_seed(42),
            made: 0,
            forgotten: 0,
        })))
    }

    pub(crate) fn set(&self, toxic: Toxic) {
        let mut state = self.0.lock();
        state.toxic = toxic;
        if toxic == Toxic::Forget {
            state.forgotten = state.made;
        }
    }

    /// How many connections were ever made through it.
    pub(crate) fn made(&self) -> usize {
        self.0.lock().made
    }

    /// A connection: the client's end of it, and the server's.
    pub(crate) async fn connect(&self) -> Option<(DuplexStream, DuplexStream)> {
        while matches!(self.toxic(), Toxic::Stall { .. }) {
            sleep(Duration::from_millis(50)).await;
        }
        if self.toxic() == Toxic::Down {
            return None;
        }
        let number = {
            let mut state = self.0.lock();
            state.made += 1;
            state.made
        };
        let ((client, mine), (theirs, server)) = (duplex(PIPE), duplex(PIPE));
        let proxy = self.clone();
        tokio::spawn(async move {
            let ((from_client, to_client), (from_server, to_server)) = (split(mine), split(theirs));
            let there = proxy.pass(number, true, from_client, to_server);
            let back = proxy.pass(number, false, from_server, to_client);
            let _ = tokio::try_join!(there, back);
        });
        Some((client, server))
    }

    fn toxic(&self) -> Toxic {
        self.0.lock().toxic
    }

    fn chance<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.0.lock().chance)
    }

    async fn pass(
        &self,
        number: usize,
        is_to_server: bool,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> Result<(), Broken> {
        let mut buffer = [0; PIPE];
        let mut passed = 0;
        loop {
            let read = tokio::select! {
                biased;
                read = from.read(&mut buffer) => read.map_err(|_| Broken)?,
                () = self.down() => return Err(Broken),
            };
            if read > 0 && number <= self.0.lock().forgotten {
                continue;
            }
            if read == 0 {
                if let Toxic::SlowClose(milliseconds) = self.toxic() {
                    sleep(Duration::from_millis(milliseconds)).await;
                }
                // It may be closed already.
                let _ = to.shutdown().await;
                return Ok(());
            }
            passed += read;
            let data = &mut buffer[..read];
            let mut piece = read;
            // After each byte.
            let mut pause = Duration::ZERO;
            match self.toxic() {
                Toxic::Latency(most) => {
                    sleep(Duration::from_millis(self.chance(|it| it.u64(..=most)))).await;
                }
                Toxic::Bandwidth(rate) => {
                    piece = (rate / 50).max(1) as usize;
                    pause = Duration::from_secs(1).div_f64(rate as f64);
                }
                Toxic::Slicer => {
                    piece = 7;
                    pause = Duration::from_micros(150);
                }
                Toxic::Loss(part) => {
                    let mut again = Duration::from_millis(200);
                    while self.chance(|it| it.f64() < part) {
                        sleep(again).await;
                        again *= 2;
                    }
                }
                Toxic::Timeout(milliseconds) => {
                    sleep(Duration::from_millis(milliseconds)).await;
                    return Err(Broken);
                }
                Toxic::LimitData(most) if passed > most => return Err(Broken),
                Toxic::Corrupt if self.chance(|it| it.u8(..4) == 0) => {
                    let place = self.chance(|it| it.usize(..read));
                    data[place] ^= self.chance(|it| it.u8(1..));
                }
                Toxic::Stall { .. } => {
                    while self.stalls(is_to_server) {
                        sleep(Duration::from_millis(50)).await;
                    }
                }
                _ => {}
            }
            for piece in data.chunks(piece) {
                to.write_all(piece).await.map_err(|_| Broken)?;
                if !pause.is_zero() {
                    sleep(pause * piece.len() as u32).await;
                }
            }
        }
    }

    fn stalls(&self, is_to_server: bool) -> bool {
        match self.toxic() {
            Toxic::Stall {
                to_server,
                to_client,
            } => [to_client, to_server][usize::from(is_to_server)],
            _ => false,
        }
    }

    async fn down(&self) {
        while self.toxic() != Toxic::Down {
            sleep(Duration::from_millis(500)).await;
        }
    }
}
