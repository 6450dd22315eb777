//! A server in a network of its own, and the cable to it, which can be damaged.
//!
//! The networks are the kernel's namespaces: one that this process enters at its start, one for
//! each server, and one in the middle of each cable, which is a router. They have no names, so they
//! are gone with the processes that are in them, however those end.
//!
//! All damage is done in the middle: TCP learns of packets that its own system drops, and does not
//! take them for lost. Filters are small programs in the bytecode of the Berkeley packet filter,
//! which `tc` loads without a compiler.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::process::Process;

/// What has to be there, and the package of Debian that has it.
const TOOLS: [(&str, &str); 6] = [
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("sysctl", "procps"),
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("ss", "iproute2"),
];

/// Where each server listens, in its own network.
const PORT: u16 = 7000;

/// Lists connections: with our address in column 2 and the peer's in column 3.
const CONNECTIONS: &str = "ss --no-header --tcp --numeric state established";

/// How TCP finds out how much may be on its way: as Linux does unless it is told otherwise, and not
/// as this machine was told, which would decide about figures.
const CUBIC: &str = "congctl cubic";

/// How the addresses of the two halves of a cable begin.
const NEAR: &str = "10.77";
const FAR: &str = "10.78";

/// What a program returns for a packet that is dropped, and for one that the next filter sees.
const DROP: &str = "6 0 0 2";
const PASS: &str = "6 0 0 4294967295";

/// Runs this program once more in a network of its own, in place of this run of it.
pub(crate) fn enter(option: &str) -> Result<Infallible> {
    let is_root = std::fs::metadata("/proc/self")?.uid() == 0;
    ensure!(is_root, "only root can make networks: run this as root");
    for (tool, package) in TOOLS {
        let tried = Command::new(tool)
            .arg("-V")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        tried.with_context(|| format!("`{tool}` is needed; Debian has it in `{package}`"))?;
    }
    let program = std::env::current_exe()?;
    let mut apart = Command::new("unshare");
    apart
        .arg("--net")
        .arg(program)
        .args(std::env::args_os().skip(1));
    Err(apart.arg(option).exec()).context("cannot run `unshare`")
}

/// A server, and the cable to it.
pub(crate) struct Cable {
    server: Process,
    /// What keeps the network in the middle.
    middle: Child,
    number: u8,
    /// The host that the server is.
    pub(crate) host: String,
    /// Where it listens.
    pub(crate) address: String,
}

/// A direction: to the server or from it.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    There,
    Back,
}

impl Way {
    pub(crate) const BOTH: [Self; 2] = [Self::There, Self::Back];

    /// The device in the middle from which packets of this direction leave.
    fn device(self) -> &'static str {
        match self {
            Self::There => "far",
            Self::Back => "near",
        }
    }
}

impl Cable {
    /// Starts a server with these options, and lays the cable to it that has this number.
    pub(crate) fn lay(number: u8, options: &[&str]) -> Result<Self> {
        let server = Process::server_apart(&format!("tcp@0.0.0.0:{PORT}"), options)?;
        let host = format!("{FAR}.{number}.2");
        let cable = Self {
            server,
            middle: middle()?,
            number,
            address: format!("tcp@{host}:{PORT}"),
            host,
        };
        let (id, middle) = (cable.server.id(), cable.middle.id());
        // What looks at packets must not see several in one.
        let [veth, peer] = ["gso_max_segs 1 type veth", "gso_max_segs 1 netns"];
        run(&format!(
            "ip link add near{number} {veth} peer name near {peer} {middle}"
        ))?;
        run(&format!(
            "ip address add {NEAR}.{number}.1/24 dev near{number}"
        ))?;
        run(&format!("ip link set near{number} up"))?;
        run(&format!(
            "ip route add {FAR}.{number}.0/24 via {NEAR}.{number}.2 {CUBIC}"
        ))?;
        cable.between(&format!("ip link add far {veth} peer name far {peer} {id}"))?;
        for (network, device) in [(NEAR, "near"), (FAR, "far")] {
            let own = if network == NEAR { 2 } else { 1 };
            cable.between(&format!(
                "ip address add {network}.{number}.{own}/24 dev {device}"
            ))?;
            cable.between(&format!("ip link set {device} up"))?;
        }
        // Filters will have their place in it.
        cable.each_way("tc qdisc add", |_| "clsact".to_owned())?;
        cable.between("sysctl --quiet --write net.ipv4.ip_forward=1")?;
        cable.there(&format!("ip address add {}/24 dev far", cable.host))?;
        cable.there("ip link set far up")?;
        cable.there(&format!(
            "ip route add default via {FAR}.{number}.1 {CUBIC}"
        ))?;
        Ok(cable)
    }

    /// The process that is the server.
    pub(crate) fn server(&self) -> u32 {
        self.server.id()
    }

    /// Drops this part of the packets, by chance.
    pub(crate) fn lose(&self, way: Way, part: f64) -> Result<()> {
        let limit = (part * 2_f64.powi(32)) as u32;
        // A random number is loaded; from the limit on, a packet passes.
        let program = format!("4,32 0 0 4294963256,53 1 0 {limit},{DROP},{PASS}");
        self.filter(way, &program)
    }

    /// Drops everything that belongs to the connection from this port of ours.
    pub(crate) fn forget(&self, port: u16) -> Result<()> {
        // Behind 14 bytes of Ethernet and 20 of IP are our port and theirs, or theirs and ours.
        for (way, offset) in [(Way::There, 34), (Way::Back, 36)] {
            self.filter(
                way,
                &format!("4,40 0 0 {offset},21 0 1 {port},{DROP},{PASS}"),
            )?;
        }
        Ok(())
    }

    /// Lets everything pass again.
    pub(crate) fn mend(&self) -> Result<()> {
        self.each_way("tc filter del", |_| "egress".to_owned())
    }

    /// Lets so much pass in a second, as `tc` writes it. A tenth of a second's worth can wait.
    pub(crate) fn narrow(&self, rate: &str) -> Result<()> {
        self.each_way("tc qdisc add", |_| {
            format!("root tbf rate {rate} burst 4kb latency 100ms")
        })
    }

    /// Lets everything pass at once again.
    pub(crate) fn widen(&self) -> Result<()> {
        self.each_way("tc qdisc del", |_| "root".to_owned())
    }

    /// Packets can have at most so many bytes. Whoever sends longer ones is told.
    pub(crate) fn limit_packets(&self, bytes: u16) -> Result<()> {
        self.each_way("ip route add", |way| {
            format!("{} mtu {bytes}", self.end(way))
        })
    }

    /// Packets can have the usual length again.
    pub(crate) fn lift_limit(&self) -> Result<()> {
        self.each_way("ip route del", |way| self.end(way))
    }

    /// Pulls the plug out of the server.
    pub(crate) fn unplug(&self) -> Result<()> {
        self.there("ip link set far down").map(drop)
    }

    /// Puts it back.
    pub(crate) fn plug(&self) -> Result<()> {
        self.there("ip link set far up")?;
        let gateway = format!("ip route add default via {FAR}.{}.1 {CUBIC}", self.number);
        self.there(&gateway).map(drop)
    }

    /// Leads nowhere. Whoever sends something is told.
    pub(crate) fn close_route(&self) -> Result<()> {
        self.between(&format!("ip route add unreachable {}", self.host))
            .map(drop)
    }

    /// Leads to the server again.
    pub(crate) fn open_route(&self) -> Result<()> {
        self.between(&format!("ip route del unreachable {}", self.host))
            .map(drop)
    }

    /// Has every connection reset, at both ends.
    pub(crate) fn reset(&self) -> Result<()> {
        run(&format!("ss --kill --tcp dst {}", self.host)).map(drop)
    }

    /// Our ports of the connections to the server that we have.
    pub(crate) fn ports_here(&self) -> Result<BTreeSet<u16>> {
        ports(&run(&format!("{CONNECTIONS} dst {}", self.host))?, 2)
    }

    /// Our ports of the connections that the server has.
    pub(crate) fn ports_there(&self) -> Result<BTreeSet<u16>> {
        ports(&self.there(CONNECTIONS)?, 3)
    }

    fn filter(&self, way: Way, program: &str) -> Result<()> {
        let device = way.device();
        // The program is one word to us, and the parts of an instruction are apart to `tc`.
        let program = program.replace(' ', "\t");
        self.between(&format!(
            "tc filter add dev {device} egress protocol ip bpf direct-action bytecode {program}"
        ))?;
        Ok(())
    }

    /// Runs a command about each device in the middle.
    fn each_way(&self, verb: &str, what: impl Fn(Way) -> String) -> Result<()> {
        for way in Way::BOTH {
            self.between(&format!("{verb} dev {} {}", way.device(), what(way)))?;
        }
        Ok(())
    }

    /// The address to which packets of this direction go.
    fn end(&self, way: Way) -> String {
        match way {
            Way::There => self.host.clone(),
            Way::Back => format!("{NEAR}.{}.1", self.number),
        }
    }

    /// Runs a command in the middle.
    fn between(&self, line: &str) -> Result<String> {
        let id = self.middle.id();
        run(&format!("nsenter --net --target {id} {line}"))
    }

    /// Runs a command in the network of the server.
    fn there(&self, line: &str) -> Result<String> {
        let id = self.server.id();
        run(&format!("nsenter --net --target {id} {line}"))
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // It would go with the server's network, but the kernel takes its time for that.
        let _ = run(&format!("ip link del near{}", self.number));
        // It may have ended already.
        let _ = self.middle.kill();
        let _ = self.middle.wait();
    }
}

/// A process that does nothing, in a network of its own. It ends when its input does, as it does
/// when this process is gone.
fn middle() -> Result<Child> {
    let mut cat = Command::new("unshare");
    cat.args(["--net", "cat"]);
    let mut child = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    // What comes back shows that it is there.
    let mut byte = [0];
    if let (Some(input), Some(output)) = (&mut child.stdin, &mut child.stdout) {
        input.write_all(&byte)?;
        output.read_exact(&mut byte)?;
    }
    Ok(child)
}

/// Runs a command and returns what it prints.
fn run(line: &str) -> Result<String> {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    let output = command.args(words).output();
    let output = output.with_context(|| format!("cannot run `{line}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{line}` failed: {}", said.trim_end());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The ports of the addresses in this column, from 0.
fn ports(table: &str, column: usize) -> Result<BTreeSet<u16>> {
    let lines = table.lines().map(|line| {
        let address = line.split_whitespace().nth(column);
        let port = address.and_then(|it| it.rsplit(':').next()?.parse().ok());
        port.with_context(|| format!("no port in `{line}`"))
    });
    lines.collect()
}
