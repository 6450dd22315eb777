//! A real etcd: one process for each member, on free loopback ports, with data in a folder of its
//! own. All of it ends with the test, whichever way that ends.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use etcd_client::{Client, GetOptions};
use tempfile::TempDir;

/// How long etcd may take to start.
const START_MAX: Duration = Duration::from_secs(30);

pub(crate) struct Etcd {
    members: Vec<Member>,
    data: TempDir,
}

struct Member {
    process: Child,
    name: String,
    client_port: u16,
    peer_port: u16,
}

impl Etcd {
    /// A cluster of one, which answers.
    pub(crate) async fn start() -> Self {
        Self::start_members(1).await
    }

    /// A cluster of so many, which answers.
    pub(crate) async fn start_members(count: usize) -> Self {
        let data = tempfile::tempdir().unwrap();
        let ports: Vec<_> = (0..count).map(|_| [free_port(), free_port()]).collect();
        let names = ports.iter().enumerate();
        let peers: Vec<_> = names
            .map(|(index, [_, port])| format!("m{index}={}", url(*port)))
            .collect();
        let peers = peers.join(",");
        let members = ports.iter().enumerate().map(|(index, ports)| {
            let name = format!("m{index}");
            let [client_port, peer_port] = *ports;
            Member {
                process: spawn(data.path(), &name, client_port, peer_port, Some(&peers)),
                name,
                client_port,
                peer_port,
            }
        });
        let etcd = Self {
            members: members.collect(),
            data,
        };
        etcd.wait().await;
        etcd
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        let members = self.members.iter();
        members.map(|member| url(member.client_port)).collect()
    }

    /// Kills a member, as kill -9 does.
    pub(crate) fn kill(&mut self, index: usize) {
        self.members[index].kill();
    }

    /// Starts a member again where it was, with the data that it had.
    pub(crate) async fn start_again(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.process = spawn(
            self.data.path(),
            &member.name,
            member.client_port,
            member.peer_port,
            None,
        );
        self.wait().await;
    }

    /// Starts a cluster of one again where it was, with nothing.
    pub(crate) async fn start_empty(&mut self) {
        self.data = tempfile::tempdir().unwrap();
        let member = &mut self.members[0];
        let peers = format!("{}={}", member.name, url(member.peer_port));
        member.process = spawn(
            self.data.path(),
            &member.name,
            member.client_port,
            member.peer_port,
            Some(&peers),
        );
        self.wait().await;
    }

    /// It neither runs nor ends: connections stay, and nobody answers.
    pub(crate) fn freeze(&self) {
        self.members[0].signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.members[0].signal("-CONT");
    }

    /// A client that has nothing to do with what is tested.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.urls(), None).await.unwrap()
    }

    /// How many keys it has, and how many leases.
    pub(crate) async fn count(&self) -> (i64, usize) {
        let mut client = self.client().await;
        let all = GetOptions::new().with_all_keys().with_count_only();
        let keys = client.get("", Some(all)).await.unwrap().count();
        (keys, client.leases().await.unwrap().leases().len())
    }

    async fn wait(&self) {
        let start = Instant::now();
        let mut client = self.client().await;
        while client.get("ready", None).await.is_err() {
            assert!(start.elapsed() < START_MAX, "etcd does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Member {
    fn kill(&mut self) {
        // Also ends one that is frozen. It may be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(data: &Path, name: &str, client: u16, peer: u16, first: Option<&str>) -> Child {
    let mut command = Command::new("etcd");
    command
        .args(["--name", name])
        .arg("--data-dir")
        .arg(data.join(name))
        .args(["--listen-client-urls", &url(client)])
        .args(["--advertise-client-urls", &url(client)])
        .args(["--listen-peer-urls", &url(peer)])
        .args(["--initial-advertise-peer-urls", &url(peer)])
        // Quicker than usual: leaders are elected sooner, and leases can be as short as a second.
        .args(["--heartbeat-interval", "50", "--election-timeout", "500"])
        .args(["--logger", "zap", "--log-level", "fatal"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match first {
        Some(peers) => command.args(["--initial-cluster", peers]),
        None => command.args(["--initial-cluster-state", "existing"]),
    };
    command
        .spawn()
        .expect("etcd is needed: on Debian, apt-get install etcd-server")
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Below those that the system gives to connections: it has to be free again after a restart, and
/// whoever tries to connect to it meanwhile must not meet itself.
fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| fastrand::u16(10_000..30_000));
    ports
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}
