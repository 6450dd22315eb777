//! The Go binary: how it is built and started.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Builds the Go peer, once a process, and returns the path of the binary.
///
/// Go's own cache makes this quick when nothing has changed, and each build replaces the binary in
/// one step, so that test processes can run at the same time.
///
/// # Panics
///
/// When there is no Go, or when the module does not compile.
#[must_use]
pub fn go_peer() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(build).clone()
}

fn build() -> PathBuf {
    let folder = scratch_folder();
    let fresh = folder.join(format!("peer-{}", std::process::id()));
    let binary = folder.join("peer");
    let output = Command::new("go")
        .args(["build", "-o"])
        .arg(&fresh)
        .arg("./cmd/peer")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("go"))
        .env("GOTOOLCHAIN", "local")
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "cannot start go: {error}; these tests need Go 1.19 or later \
                 (on Debian: apt-get install golang-go)"
            )
        });
    assert!(
        output.status.success(),
        "the Go peer does not build ({}):\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::rename(&fresh, &binary).unwrap_or_else(|error| {
        panic!(
            "cannot name {} {}: {error}",
            fresh.display(),
            binary.display()
        )
    });
    binary
}

/// A folder beside the test binaries, so below cargo's target directory whatever that is.
pub(crate) fn scratch_folder() -> PathBuf {
    let program = std::env::current_exe()
        .unwrap_or_else(|error| panic!("cannot find this program's own file: {error}"));
    let folder = program.with_file_name("interop-go");
    std::fs::create_dir_all(&folder)
        .unwrap_or_else(|error| panic!("cannot create {}: {error}", folder.display()));
    folder
}
