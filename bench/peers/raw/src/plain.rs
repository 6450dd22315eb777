//! The limit: a task a connection, and nothing that could be awaited in between.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use peer_load::{Load, NAME, Window, Workload, hold};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::frames::{ECHO, Frame, Frames, MULTIPLY, UNWRITTEN};

pub(crate) async fn answer(mut frames: Frames) -> Result<()> {
    while frames.exchange(UNWRITTEN).await? > 0 {
        while let Some(frame) = frames.input.next() {
            frames.output.answer(frame);
        }
    }
    Ok(())
}

pub(crate) async fn run(load: Load) -> Result<()> {
    let mut connections = Vec::new();
    for _ in 0..load.conns {
        let mut frames = Frames::new(TcpStream::connect(load.addr()?).await?)?;
        if load.workload == Workload::Idle {
            frames
                .output
                .put(0, MULTIPLY, &factors(0).each_ref().map(|it| it.as_slice()));
            while frames.exchange(usize::MAX).await? > 0 && frames.input.next().is_none() {}
        }
        connections.push(frames);
    }
    if load.workload == Workload::Idle {
        return hold().await;
    }
    let window = Window::new(load);
    for frames in connections {
        let caller = Caller {
            frames,
            window: window.clone(),
            begun: Vec::new(),
            outstanding: 0,
        };
        let (window, token, due) = (window.clone(), window.token(), window.paces());
        tokio::spawn(async move {
            let result = match due {
                Some(due) => caller.run_paced(due).await,
                None => caller.run().await,
            };
            result.unwrap_or_else(|error| window.failed(error));
            drop(token);
        });
    }
    window.run().await
}

/// One connection's calls.
struct Caller {
    frames: Frames,
    window: Arc<Window>,
    /// When the call of each id began.
    begun: Vec<Instant>,
    outstanding: usize,
}

impl Caller {
    /// As soon as a call has ended its id begins another.
    async fn run(mut self) -> Result<()> {
        let now = Instant::now();
        self.begun = vec![now; self.window.load().outstanding];
        for id in 0..self.begun.len() {
            self.call(id, now);
        }
        while self.outstanding > 0 {
            ensure!(
                self.frames.exchange(usize::MAX).await? > 0,
                "the server has gone"
            );
            // All that one read brought was there at that time.
            let now = Instant::now();
            while let Some(id) = self.end_one(now)? {
                self.call(id, now);
            }
        }
        Ok(())
    }

    /// A call begins whenever one is due.
    async fn run_paced(mut self, mut due: UnboundedReceiver<Instant>) -> Result<()> {
        let mut is_over = false;
        while !is_over || self.outstanding > 0 {
            tokio::select! {
                at = due.recv(), if !is_over => match at {
                    Some(at) => {
                        self.begin(at);
                        while let Ok(at) = due.try_recv() {
                            self.begin(at);
                        }
                    }
                    None => is_over = true,
                },
                read = self.frames.exchange(usize::MAX) => {
                    ensure!(read? > 0, "the server has gone");
                    while self.end_one(Instant::now())?.is_some() {}
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, at: Instant) {
        self.begun.push(at);
        self.call(self.begun.len() - 1, at);
    }

    fn call(&mut self, id: usize, at: Instant) {
        if !self.window.admits() {
            return;
        }
        self.outstanding += 1;
        self.begun[id] = at;
        let output = &mut self.frames.output;
        match self.window.load().workload {
            Workload::Echo => {
                let body = [
                    &(id as u64).to_le_bytes(),
                    NAME.as_bytes(),
                    &self.window.payload,
                ];
                output.put(id as u64, ECHO, &body);
            }
            Workload::Multiply | Workload::Idle => {
                let [a, b] = factors(id);
                output.put(id as u64, MULTIPLY, &[&a, &b]);
            }
        }
    }

    /// Takes the next reply that has been read, and returns its id.
    fn end_one(&mut self, now: Instant) -> Result<Option<usize>> {
        let Some(Frame { id, body, .. }) = self.frames.input.next() else {
            return Ok(None);
        };
        let id = id as usize;
        let is_right = match self.window.load().workload {
            Workload::Echo => body.len() == 8 + NAME.len() + self.window.payload.len(),
            Workload::Multiply | Workload::Idle => body == (7 * first(id)).to_le_bytes(),
        };
        ensure!(is_right, "a wrong reply");
        self.outstanding -= 1;
        self.window.ended(now - self.begun[id]);
        Ok(Some(id))
    }
}

fn factors(id: usize) -> [[u8; 4]; 2] {
    [first(id).to_le_bytes(), 7_i32.to_le_bytes()]
}

fn first(id: usize) -> i32 {
    (id & 0x3fff) as i32 + 1
}
