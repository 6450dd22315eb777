//! Processes that say where they listen, and can be killed and frozen.

use std::io::{BufRead, BufReader, Write, copy, sink, stdin};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// This program once more, killed when it is dropped. It ends by itself when this process has ended
/// in a way that drops nothing.
pub(crate) struct Process {
    child: Child,
    /// What it said first: where it listens.
    pub(crate) at: String,
}

impl Process {
    fn start(mut command: Command, args: &[&str]) -> Result<Self> {
        command.args(args).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().context("stdout is a pipe")?;
        let mut at = String::new();
        BufReader::new(out).read_line(&mut at)?;
        let at = at.trim_end().to_owned();
        anyhow::ensure!(!at.is_empty(), "{args:?} does not listen");
        Ok(Self { child, at })
    }

    /// A server, with these options.
    pub(crate) fn server(listen: &str, options: &[&str]) -> Result<Self> {
        Self::server_by(this_program()?, listen, options)
    }

    /// A server in a network of its own, in which there is nothing yet.
    pub(crate) fn server_apart(listen: &str, options: &[&str]) -> Result<Self> {
        let mut apart = Command::new("unshare");
        apart.arg("--net").arg(std::env::current_exe()?);
        Self::server_by(apart, listen, options)
    }

    fn server_by(command: Command, listen: &str, options: &[&str]) -> Result<Self> {
        Self::start(
            command,
            &[&["server", "--listen", listen], options].concat(),
        )
    }

    /// A registry.
    pub(crate) fn registry(listen: &str) -> Result<Self> {
        Self::start(this_program()?, &["registry", "--listen", listen])
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops it without ending it, or lets it go on.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let id = self.id().to_string();
        let done = Command::new("kill").args(["-s", name, &id]).status()?;
        anyhow::ensure!(done.success(), "no signal {name} to {id}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn this_program() -> Result<Command> {
    Ok(Command::new(std::env::current_exe()?))
}

/// Says where this process listens, and waits until nobody wants it any more.
pub(crate) async fn listening(at: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{at}")?;
    out.flush()?;
    drop(out);
    tokio::task::spawn_blocking(|| copy(&mut stdin().lock(), &mut sink())).await??;
    Ok(())
}
