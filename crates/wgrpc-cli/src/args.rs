//! What can be typed, and what it means: parsed once, so that the commands get durations,
//! addresses and choices, not texts. `call.rs` is what can be typed after `wgrpc call`.

mod call;
#[cfg(feature = "etcd")]
mod etcd;
mod registry;

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wgrpc::{Address, DebugPage};

pub(crate) use call::{ArgumentSource, Call, Codec, Request, Servers, Verb};
#[cfg(feature = "etcd")]
pub(crate) use etcd::Etcd;
pub(crate) use registry::{ListServers, Registry};

/// Serve, call and inspect WgRPC
///
/// WgRPC calls methods of structs in other processes, written in Rust or Go, without an interface
/// description. An address is protocol@address: tcp@127.0.0.1:9000, http@[::1]:9000,
/// unix@arith.sock.
#[derive(Debug, Parser)]
#[command(
    name = "wgrpc",
    version,
    verbatim_doc_comment,
    after_help = "\
Examples:
  wgrpc demo
  wgrpc serve --listen tcp@127.0.0.1:9000
  wgrpc call tcp@127.0.0.1:9000 Arith.Multiply '{\"A\":6,\"B\":7}'
  wgrpc gob print values.gob
"
)]
pub(crate) struct Cli {
    /// End at once when stdin ends, as it does when the process that has it is gone
    #[arg(long, hide = true)]
    pub(crate) end_with_stdin: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Serve),
    Call(Call),
    Registry(Registry),
    Servers(ListServers),
    Gob(Gob),
    Demo(Demo),
}

/// Serve the demo services until SIGINT or SIGTERM
///
/// Prints a line `listening tcp@127.0.0.1:41234` for each address, with its real port. On a signal
/// it answers the requests that it has accepted, and exits with status 0; a second signal ends it
/// at once, with status 1. Log messages go to stderr: RUST_LOG=debug shows more of them.
///
/// The services:
///
///   Arith.Multiply(Args{A int, B int}) int
///   Arith.Divide(Args{A int, B int}) Quotient{Quo int, Rem int}   fails: divide by zero
///   Arith.Sleep(int) int     takes so many milliseconds
///   Echo.Echo(any) any       answers with its argument, whatever it is
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = format!(
        "\
Examples:
  wgrpc serve
  wgrpc serve --listen tcp@127.0.0.1:9000 --listen unix@arith.sock
  curl http://127.0.0.1:9000{}    # the services, and how often they were called
",
        wgrpc::DEBUG_PATH
    )
)]
pub(crate) struct Serve {
    /// An address to listen on; may be given several times. Port 0 lets the system choose one
    #[arg(
        short = 'l',
        long = "listen",
        value_name = "ADDRESS",
        default_value = "tcp@127.0.0.1:0"
    )]
    pub(crate) addresses: Vec<Address>,

    /// Who may see the page /debug/wgrpc: auto is whoever connects from this machine
    #[arg(long, value_name = "WHO", default_value = "auto")]
    debug_page: Page,

    /// The longest that a request may take, such as 500ms or 10s
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) handle_timeout: Option<Duration>,

    /// A registry that is to list the server for as long as it lives: http://host:port/path
    #[arg(long, value_name = "URL")]
    pub(crate) registry: Option<String>,

    /// The group that the server belongs to there
    #[arg(long, value_name = "NAME", default_value = "", requires = "registry")]
    pub(crate) service_name: String,

    /// How much of the load it is to get, beside the others
    #[arg(long, value_name = "N", default_value_t = 1, requires = "registry")]
    pub(crate) weight: u32,

    /// What the registry wants to see before it lists a server
    #[arg(
        long,
        value_name = "TOKEN",
        env = "WGRPC_REGISTRY_TOKEN",
        hide_env_values = true
    )]
    pub(crate) registry_token: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Page {
    On,
    Off,
    Auto,
}

impl Serve {
    pub(crate) fn debug_page(&self) -> DebugPage {
        match self.debug_page {
            Page::On => DebugPage::On,
            Page::Off => DebugPage::Off,
            Page::Auto => DebugPage::Auto,
        }
    }
}

/// Look into gob streams
#[derive(Args, Debug)]
pub(crate) struct Gob {
    #[command(subcommand)]
    pub(crate) command: GobCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GobCommand {
    Print(Print),
}

/// Print a gob stream, whatever is in it
///
/// Types are printed as Go source, each before the first value that needs it, and values as JSON,
/// each in one line; a comment says of which type they are. In a value bytes are base64, times
/// RFC 3339, and fields that gob leaves out are zero.
///
/// A damaged stream is printed as far as it can be read. Then the error says where in the stream
/// it is, in bytes from the beginning, and the exit status is 1. A file that is not there is
/// status 2.
///
/// With --lossless only the values are printed, and nothing is added or lost:
///
///   bool, string, int, uint   as JSON has them
///   float                     with a point or exponent; NaN, infinities and -0
///                             {"$f64":"16 hex digits of the bits"}
///   complex                   {"$complex":[re,im]}
///   string, if not UTF-8      {"$strhex":"…"}
///   bytes                     {"$hex":"…"}
///   slice, array              list
///   map                       {"$map":[[key,value],…]}, sorted by the entry's text
///   struct                    object with the fields that were sent, in order
///   interface                 {"$iface":"name","value":…}, nil is null
///   marshals itself           {"$opaque":"gob", "binary" or "text","hex":"…"}
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  wgrpc gob print values.gob
  echo 03 04 00 06 | wgrpc gob print --hex
  wgrpc gob print --lossless values.gob | jq .Name
"
)]
pub(crate) struct Print {
    /// The stream; - reads it from stdin
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) input: Input,

    /// The stream is given in hexadecimal digits; blanks between them do not matter
    #[arg(long)]
    pub(crate) hex: bool,

    /// Print only values, in a form that loses nothing
    #[arg(long)]
    pub(crate) lossless: bool,
}

/// Where a stream comes from.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    Stdin,
    File(PathBuf),
}

impl FromStr for Input {
    type Err = Infallible;

    fn from_str(given: &str) -> Result<Self, Infallible> {
        Ok(match given {
            "-" => Self::Stdin,
            path => Self::File(path.into()),
        })
    }
}

/// See in one look what WgRPC does, on real sockets
///
/// Starts a registry and three servers, each a process of its own, and calls the servers 1,000
/// times a second through one client. One is killed and started again meanwhile, and no call
/// fails. Then calls a server over tcp, http and unix, with gob and JSON; shows an error, a
/// timeout, and 100,000 calls at once. All of them then stay, to be looked at, until SIGINT or
/// SIGTERM.
///
/// The exit status is 0 only if no call was lost and everything went as expected.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Demo {
    /// End without waiting, as scripts want it
    #[arg(long)]
    pub(crate) once: bool,
}
