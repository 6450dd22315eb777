//! A real etcd, for tests of what is kept in one.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// How long etcd may take to start.
const START_MAX: Duration = Duration::from_secs(30);

/// A running cluster: one process for each member, on free loopback ports, with data in a folder of
/// its own. All of it ends when this is dropped.
#[derive(Debug)]
pub struct Etcd {
    members: Vec<Member>,
    data: TempDir,
}

#[derive(Debug)]
struct Member {
    process: Option<Child>,
    name: String,
    client_port: u16,
    peer_port: u16,
    /// Where it can be asked how it is, with no certificate.
    health_port: u16,
    certificates: Option<Certificates>,
}

/// Files with a certificate in PEM that server and client can show, and what it takes to believe
/// it.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority that has signed the certificate.
    pub authority: PathBuf,
    /// The certificate of 127.0.0.1.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Certificates {
    /// Makes new ones, of an authority of their own, in this folder.
    ///
    /// # Panics
    /// When that is not possible.
    #[must_use]
    pub fn make(folder: &Path) -> Self {
        let made = || -> Result<_, rcgen::Error> {
            let mut authority = CertificateParams::new([])?;
            authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let authority_key = KeyPair::generate()?;
            let signed_by_itself = authority.self_signed(&authority_key)?;
            let mut params = CertificateParams::new(["127.0.0.1".to_owned()])?;
            params.extended_key_usages = vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ];
            let key = KeyPair::generate()?;
            let certificate = params.signed_by(&key, &Issuer::new(authority, authority_key))?;
            Ok([
                signed_by_itself.pem(),
                certificate.pem(),
                key.serialize_pem(),
            ])
        };
        let made = made().unwrap_or_else(|error| panic!("no certificate: {error}"));
        let files = ["authority.pem", "certificate.pem", "key.pem"].map(|name| folder.join(name));
        for (file, pem) in files.iter().zip(made) {
            std::fs::write(file, pem).unwrap_or_else(|error| panic!("no certificate: {error}"));
        }
        let [authority, certificate, key] = files;
        Self {
            authority,
            certificate,
            key,
        }
    }
}

impl Etcd {
    /// A cluster of one, which answers.
    ///
    /// # Panics
    /// When there is no etcd, or when it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_members(1)
    }

    /// A cluster of so many, which answers.
    ///
    /// # Panics
    /// When there is no etcd, or when it does not start.
    #[must_use]
    pub fn start_members(count: usize) -> Self {
        Self::start_with(count, None)
    }

    /// A cluster of one that speaks TLS, and only with those who show a certificate of the same
    /// authority.
    ///
    /// # Panics
    /// When there is no etcd, or when it does not start.
    #[must_use]
    pub fn start_tls(certificates: &Certificates) -> Self {
        Self::start_with(1, Some(certificates))
    }

    fn start_with(count: usize, certificates: Option<&Certificates>) -> Self {
        let members = (0..count).map(|index| Member {
            process: None,
            name: format!("m{index}"),
            client_port: free_port(),
            peer_port: free_port(),
            health_port: free_port(),
            certificates: certificates.cloned(),
        });
        let mut etcd = Self {
            members: members.collect(),
            data: folder(),
        };
        etcd.begin();
        etcd
    }

    /// Where its members are.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.members.iter().map(Member::url).collect()
    }

    /// Kills a member, as kill -9 does.
    pub fn kill(&mut self, index: usize) {
        self.members[index].kill();
    }

    /// Starts a member again where it was, with the data that it had.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self, index: usize) {
        let state = ["--initial-cluster-state", "existing"];
        self.members[index].spawn(self.data.path(), state);
        self.wait();
    }

    /// Kills it, and starts it again where it was, with nothing.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_empty(&mut self) {
        self.members.iter_mut().for_each(Member::kill);
        self.data = folder();
        self.begin();
    }

    /// Its first member neither runs nor ends: connections stay, and nobody answers.
    pub fn freeze(&self) {
        self.members[0].signal("-STOP");
    }

    /// Its first member goes on.
    pub fn thaw(&self) {
        self.members[0].signal("-CONT");
    }

    fn begin(&mut self) {
        let members = self.members.iter();
        let peers: Vec<_> = members
            .map(|member| format!("{}={}", member.name, url(member.peer_port)))
            .collect();
        for member in &mut self.members {
            member.spawn(self.data.path(), ["--initial-cluster", &peers.join(",")]);
        }
        self.wait();
    }

    /// Until every member that runs answers.
    fn wait(&self) {
        let start = Instant::now();
        for member in self.members.iter().filter(|it| it.process.is_some()) {
            while !member.is_healthy() {
                assert!(start.elapsed() < START_MAX, "etcd does not start");
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

impl Member {
    fn spawn(&mut self, data: &Path, state: [&str; 2]) {
        let (client, peer) = (self.url(), url(self.peer_port));
        let mut command = Command::new("etcd");
        if let Some(certificates) = &self.certificates {
            command
                .arg("--client-cert-auth")
                .arg("--trusted-ca-file")
                .arg(&certificates.authority)
                .arg("--cert-file")
                .arg(&certificates.certificate)
                .arg("--key-file")
                .arg(&certificates.key);
        }
        let child = command
            .args(["--name", &self.name])
            .arg("--data-dir")
            .arg(data.join(&self.name))
            .args(["--listen-client-urls", &client])
            .args(["--advertise-client-urls", &client])
            .args(["--listen-metrics-urls", &url(self.health_port)])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(state)
            // Quicker than usual: leaders are elected sooner, leases can be as short as a second.
            .args(["--heartbeat-interval", "50", "--election-timeout", "500"])
            .args(["--logger", "zap", "--log-level", "fatal"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot start etcd: {error}; these tests need etcd 3.4 or later \
                     (on Debian: apt-get install etcd-server)"
                )
            });
        self.process = Some(child);
    }

    fn url(&self) -> String {
        let url = url(self.client_port);
        match self.certificates {
            Some(_) => url.replace("http://", "https://"),
            None => url,
        }
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Also ends one that is frozen. It may be dead already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn signal(&self, name: &str) {
        let id = self.process.as_ref().map(|it| it.id().to_string());
        let kill = Command::new("kill").arg(name).args(id).status();
        assert!(
            kill.is_ok_and(|status| status.success()),
            "no signal to etcd"
        );
    }

    fn is_healthy(&self) -> bool {
        let ask = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.health_port))?;
            stream.set_read_timeout(Some(START_MAX))?;
            stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            std::io::Result::Ok(answer)
        };
        ask().is_ok_and(|answer| answer.contains(r#""health":"true""#))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for etcd: {error}"))
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Below those that the system gives to connections: it has to be free again after a restart, and
/// whoever tries to connect to it meanwhile must not meet itself.
fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| fastrand::u16(10_000..30_000));
    let port = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    port.unwrap_or_else(|| panic!("no port is free"))
}
