//! The file in which registrations outlive the process: JSON, replaced in one step.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Shared;
use crate::error::{Error, Result};
use crate::lease::Registration;
use crate::membership::Membership;

/// Changes are gathered for so long before they are written.
const GATHER: Duration = Duration::from_secs(1);

/// The most bytes that are read: ten thousand of the longest registrations are fewer.
const SIZE_MAX: u64 = 64 << 20;

/// What the file has.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) revision: u64,
    pub(super) registrations: Vec<Registration>,
}

/// Where it is.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    file: PathBuf,
}

impl Snapshot {
    pub(super) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
        }
    }

    /// What was saved; nothing if there is no file yet.
    pub(super) async fn read(&self) -> Result<Saved> {
        let file = self.file.clone();
        let bytes = blocking(move || read(&file)).await;
        let bytes = bytes.map_err(|error| self.failed("read", &error))?;
        let Some(bytes) = bytes else {
            return Ok(Saved::default());
        };
        let saved: Saved = serde_json::from_slice(&bytes).map_err(|error| {
            let file = self.file.display();
            Error::Setup(format!(
                "the file {file} is no snapshot of a registry ({error}), \
                 name another one or remove it"
            ))
        })?;
        for registration in &saved.registrations {
            registration.check()?;
        }
        Ok(saved)
    }

    pub(super) async fn write(&self, membership: &Membership) -> Result<()> {
        let saved = Saved {
            revision: membership.revision(),
            registrations: membership.registrations(),
        };
        self.replace(saved).await
    }

    async fn replace(&self, saved: Saved) -> Result<()> {
        let file = self.file.clone();
        let written = blocking(move || replace(&file, &saved)).await;
        written.map_err(|error| self.failed("write", &error))
    }

    fn failed(&self, verb: &str, error: &io::Error) -> Error {
        let file = self.file.display();
        Error::Setup(format!("cannot {verb} the snapshot {file}: {error}"))
    }
}

/// Writes the file whenever something has changed, for as long as the store lives.
pub(super) async fn keep(snapshot: Snapshot, shared: Arc<Shared>, mut seen: u64) {
    loop {
        shared.changed(None, seen).await;
        tokio::time::sleep(GATHER).await;
        let saved = {
            let membership = shared.membership.lock();
            Saved {
                revision: membership.revision(),
                registrations: membership.registrations(),
            }
        };
        seen = saved.revision;
        if let Err(error) = snapshot.replace(saved).await {
            tracing::warn!(%error, "a restart would not know the newest servers");
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(SIZE_MAX).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// The new file takes the old one's place only once it is on the disk.
fn replace(path: &Path, saved: &Saved) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".tmp");
    let fresh = PathBuf::from(fresh);
    let mut file = File::create(&fresh)?;
    file.write_all(&serde_json::to_vec(saved)?)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}
