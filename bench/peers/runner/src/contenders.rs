//! Who takes part.

use anyhow::{Result, bail};

use crate::points::Point;
use crate::tools::{Build, Tool};

/// A way to make calls.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    /// Whether it is among those of the usual comparison.
    pub(crate) is_must: bool,
    pub(crate) build: Build,
    pub(crate) mode: &'static str,
    /// More options of its client.
    pub(crate) client: &'static [&'static str],
    /// What it is made of: a crate, or a module.
    pub(crate) made_of: &'static str,
    /// Points that it cannot take part in.
    pub(crate) skips: &'static [&'static str],
    pub(crate) note: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Frames without a framework.
    Limit,
    Ours,
    /// A framework that has many calls on one connection.
    Peer,
    /// A framework that has a connection for each call.
    PeerWithPool,
}

/// A peer without anything special.
const fn peer(name: &'static str, build: Build, made_of: &'static str) -> Contender {
    Contender {
        name,
        role: Role::Peer,
        is_must: false,
        build,
        mode: "",
        client: &[],
        made_of,
        skips: &[],
        note: "",
    }
}

const RAW: Contender = Contender {
    role: Role::Limit,
    is_must: true,
    ..peer("raw", Build::Rust("peer-raw", &[]), "tokio")
};

const WGRPC: Contender = Contender {
    role: Role::Ours,
    ..peer("wgrpc", Build::Rust("peer-wgrpc", &[]), "wgrpc")
};

const VOLO: Contender = peer("volo", Build::Rust("peer-volo", &[]), "volo-thrift");
const JSONRPSEE: Contender = peer(
    "jsonrpsee-ws",
    Build::Rust("peer-jsonrpsee", &[]),
    "jsonrpsee",
);

/// The first is the one that all others are compared with.
pub(crate) const ALL: &[Contender] = &[
    Contender {
        note: "frames, and a task a connection which answers all of one read with one write",
        ..RAW
    },
    Contender {
        name: "raw-mux",
        mode: "mux",
        note: "the same frames behind `async fn`s, with channels to and from the connection's \
               task; the server spawns a task for each request",
        ..RAW
    },
    Contender {
        name: "raw-mux-yield",
        mode: "mux-yield",
        note: "the same with a client that yields before it writes, and a server that does not \
               spawn",
        ..RAW
    },
    Contender {
        is_must: true,
        note: "`Client` with gob",
        ..WGRPC
    },
    Contender {
        name: "wgrpc-json",
        mode: "json",
        note: "`Client` with JSON",
        ..WGRPC
    },
    Contender {
        name: "wgrpc-joined",
        client: &["--joined"],
        note: "`Client` whose callers are all joined in one task, where all others have a task \
               each",
        ..WGRPC
    },
    Contender {
        name: "wgrpc-cluster",
        mode: "cluster",
        note: "`XClient` of one server",
        ..WGRPC
    },
    Contender {
        name: "wgrpc-cluster3",
        mode: "cluster3",
        // These count the bytes and connections of one server.
        skips: &["wire", "mem"],
        note: "`XClient` of three servers, which are in one process",
        ..WGRPC
    },
    Contender {
        is_must: true,
        note: "bincode",
        ..peer("tarpc", Build::Rust("peer-tarpc", &[]), "tarpc")
    },
    Contender {
        is_must: true,
        note: "gRPC: HTTP/2, protocol buffers",
        ..peer("tonic", Build::Rust("peer-tonic", &[Tool::Protoc]), "tonic")
    },
    Contender {
        is_must: true,
        note: "TTHeader, Thrift's binary protocol; multiplexed",
        ..VOLO
    },
    Contender {
        name: "volo-pool",
        role: Role::PeerWithPool,
        is_must: true,
        mode: "pool",
        note: "as volo does it unless told otherwise: one call at a time on each connection",
        ..VOLO
    },
    Contender {
        note: "Cap'n Proto; a thread of its own for each processor",
        ..peer(
            "capnp",
            Build::Rust("peer-capnp", &[Tool::Capnp]),
            "capnp-rpc",
        )
    },
    Contender {
        mode: "ws",
        note: "JSON over WebSocket",
        ..JSONRPSEE
    },
    Contender {
        name: "jsonrpsee-http",
        role: Role::PeerWithPool,
        mode: "http",
        note: "JSON over HTTP/1.1",
        ..JSONRPSEE
    },
    Contender {
        // It takes what a read brings for all that it asked for, and so loses its place in the
        // stream as soon as a message arrives in pieces.
        skips: &[
            "c1o1024",
            "c16o64",
            "sleep-1ms",
            "open",
            "echo-64",
            "echo-1k",
            "echo-16k",
            "echo-1m",
            "echo-1m-c16",
            "syscalls-1024",
        ],
        note: "MessagePack; loses its place when a message arrives in pieces, so only small points",
        ..peer("rpcx-rs", Build::Rust("peer-rpcx-rs", &[]), "rpcx_client")
    },
    Contender {
        is_must: true,
        mode: "gob",
        note: "Go's `net/rpc` with gob",
        ..peer("go-netrpc", Build::Go("go"), "go")
    },
    Contender {
        mode: "json",
        note: "Go's `net/rpc/jsonrpc`",
        ..peer("go-jsonrpc", Build::Go("go"), "go")
    },
    Contender {
        is_must: true,
        mode: "grpc",
        note: "gRPC in Go",
        ..peer("grpc-go", Build::Go("go"), "google.golang.org/grpc")
    },
    Contender {
        mode: "msgpack",
        note: "MessagePack",
        ..peer("rpcx", Build::Go("rpcx"), "github.com/smallnest/rpcx")
    },
    Contender {
        mode: "mux",
        note: "TTHeader, Thrift's binary protocol; multiplexed",
        ..peer("kitex", Build::Go("kitex"), "github.com/cloudwego/kitex")
    },
];

impl Contender {
    /// Those of these names, or the usual ones; and the first of all.
    pub(crate) fn choose(names: &[String], usual: &[&str]) -> Result<Vec<&'static Self>> {
        let mut names: Vec<_> = names.iter().map(String::as_str).collect();
        if names.is_empty() {
            names = usual.to_vec();
        }
        for name in &names {
            if !["all", "must"].contains(name) && !ALL.iter().any(|it| it.name == *name) {
                bail!("nobody is called {name}; see `cargo peers list`");
            }
        }
        let takes_part = |it: &&Self| {
            let has = |name| names.contains(&name);
            has("all") || it.is_must && has("must") || has(it.name) || it.name == ALL[0].name
        };
        Ok(ALL.iter().filter(takes_part).collect())
    }

    pub(crate) fn takes(&self, point: &Point) -> bool {
        !self.skips.contains(&point.name.as_str())
    }
}
