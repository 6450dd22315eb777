//! What can be typed after `wgrpc call`.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use wgrpc::{Address, AddressError, SelectMode};

use crate::exit::Failure;

/// Call a method, with JSON for its argument and its reply
///
/// The reply is printed on stdout as one line of JSON; errors go to stderr. The exit status is 0
/// for a reply, 1 for an error that the server answered with, 2 for a wrong command line or
/// argument, 3 if there is no connection or it was lost, and 4 if the time was up.
///
/// With gob the argument's type is inferred from the JSON. An object is a struct with these
/// fields, whose names get an upper-case initial, as Go has them; a whole number is an int, any
/// other number a float64; null and empty lists are not sent. What JSON cannot say is said by an
/// object with one of these keys:
///
///   {"$uint":7}                        an unsigned integer of any width
///   {"$float":7}                       a float of any width
///   {"$bytes":"aGVsbG8="}              []byte, in base64
///   {"$array":[1,2,3]}                 [3]int; a list alone is a slice
///   {"$map":{"a":1}}                   map[string]int; an object alone is a struct
///   {"$map":[[1,"a"],[2,"b"]]}         map[int]string
///   {"$time":"2024-02-29T12:34:56Z"}   time.Time
///   {"$any":7}                         an interface that holds an int
///   {"$any":…,"name":"main.Point"}     an interface, by the name that Go has registered
///
/// In a reply bytes are base64, times RFC 3339, and fields that gob leaves out are zero.
/// With --codec json argument and reply are sent and printed as they are.
///
/// Of several servers one gets the call; if it was certainly not executed there, another one does.
/// With --all each does, and there is a line of JSON for each, in the order of the addresses:
/// {"server":…,"reply":…} or {"server":…,"error":…}. The exit status is then that of the first
/// that has failed, or 0.
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    override_usage = "\
wgrpc call [OPTIONS] ADDRESS[,ADDRESS]... METHOD [ARGUMENT]
       wgrpc call [OPTIONS] --registry URL METHOD [ARGUMENT]",
    after_help = "\
Examples:
  wgrpc call tcp@127.0.0.1:9000 Arith.Multiply '{\"A\":6,\"B\":7}'
  wgrpc call unix@arith.sock Arith.Sleep 100 --timeout 2s
  wgrpc call http@127.0.0.1:9000 Arith.Divide '{\"A\":7,\"B\":2}' --codec json | jq .Quo
  wgrpc call tcp@127.0.0.1:9000 Echo.Echo - < argument.json
  wgrpc call tcp@127.0.0.1:9000,tcp@127.0.0.1:9001 Arith.Sleep 1 --all
  wgrpc call --registry http://127.0.0.1:9999/wgrpc/registry Arith.Sleep 1 --key alice
"
)]
pub(crate) struct Call {
    /// Where the server is: protocol@address; several with commas between them. With --registry it
    /// is left out
    #[arg(value_name = "ADDRESS")]
    first: String,

    /// Service.Method
    #[arg(value_name = "METHOD", allow_negative_numbers = true)]
    second: Option<String>,

    /// The argument as JSON; - reads it from stdin. Without one, nothing is sent
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    third: Option<String>,

    /// The codec: application/gob or application/json, gob and json for short
    #[arg(short, long, value_name = "NAME", default_value = "gob")]
    pub(crate) codec: Codec,

    /// How long connecting may take, and then the call, such as 500ms or 2s
    #[arg(
        short,
        long,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) timeout: Duration,

    /// Metadata to send along; may be given several times. Go servers ignore it
    #[arg(short, long = "meta", value_name = "KEY=VALUE", value_parser = parse_meta)]
    pub(crate) meta: Vec<(String, String)>,

    /// The registry that knows where the servers are: http://host:port/path
    #[arg(long, value_name = "URL")]
    registry: Option<String>,

    /// Only the servers of this group
    #[arg(long, value_name = "NAME", requires = "registry")]
    service_name: Option<String>,

    /// Which of several servers gets the call: hash with --key, otherwise least-loaded
    #[arg(long, value_name = "MODE", conflicts_with_all = ["broadcast", "all"])]
    #[arg(value_parser = modes())]
    select: Option<SelectMode>,

    /// What the call is about: by --select hash equal keys go to the same server
    #[arg(long, conflicts_with_all = ["broadcast", "all"])]
    pub(crate) key: Option<String>,

    /// Call every server. The first error ends it; without one, the last reply is printed
    #[arg(long, conflicts_with = "all")]
    broadcast: bool,

    /// Call every server, and print what each says
    #[arg(long)]
    all: bool,
}

/// What is to be called.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) servers: Servers,
    /// `Service.Method`.
    pub(crate) method: String,
    pub(crate) argument: Option<ArgumentSource>,
}

/// What is done with the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// One of them is called.
    Call,
    /// All are called, and have to reply.
    Broadcast,
    /// All are called, and each has its say.
    All,
}

impl Call {
    /// What the words mean that are no options.
    pub(crate) fn request(&self) -> Result<Request, Failure> {
        let words = [Some(&self.first), self.second.as_ref(), self.third.as_ref()];
        let mut words = words.into_iter().flatten();
        let servers = match &self.registry {
            Some(url) => Servers::Registered {
                url: url.clone(),
                group: self.service_name.clone(),
            },
            None => {
                let address = words.next().map(String::as_str).unwrap_or_default();
                address.parse().map_err(Failure::usage)?
            }
        };
        let Some(method) = words.next() else {
            return Err(Failure::usage("which method? See `wgrpc call --help`"));
        };
        let argument = words.next().map(|word| ArgumentSource::of(word));
        match words.next() {
            None => Ok(Request {
                servers,
                method: method.clone(),
                argument,
            }),
            Some(_) => Err(Failure::usage("with --registry the address is left out")),
        }
    }

    pub(crate) fn verb(&self) -> Verb {
        match (self.broadcast, self.all) {
            (true, _) => Verb::Broadcast,
            (_, true) => Verb::All,
            _ => Verb::Call,
        }
    }

    pub(crate) fn select(&self) -> SelectMode {
        match &self.select {
            Some(mode) => mode.clone(),
            None if self.key.is_some() => SelectMode::ConsistentHash,
            None => SelectMode::default(),
        }
    }
}

/// The servers that a call is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Servers {
    One(Address),
    Several(Vec<Address>),
    /// Those of a group that a registry knows, or all of them.
    Registered {
        url: String,
        group: Option<String>,
    },
}

impl FromStr for Servers {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, AddressError> {
        // A path may have commas in it, but no address has two `@`.
        if let Ok(address) = given.parse() {
            return Ok(Self::One(address));
        }
        let addresses: Result<Vec<Address>, AddressError> =
            given.split(',').map(str::parse).collect();
        addresses.map(Self::Several)
    }
}

/// Where the argument of a call is.
#[derive(Clone, Debug)]
pub(crate) enum ArgumentSource {
    Stdin,
    Text(String),
}

impl ArgumentSource {
    fn of(given: &str) -> Self {
        match given {
            "-" => Self::Stdin,
            text => Self::Text(text.to_owned()),
        }
    }
}

/// A codec that this command can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Gob,
    Json,
}

impl Codec {
    /// Its name in the handshake.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gob => wgrpc::GOB,
            Self::Json => wgrpc::JSON,
        }
    }
}

impl FromStr for Codec {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given {
            "gob" | wgrpc::GOB => Ok(Self::Gob),
            "json" | wgrpc::JSON => Ok(Self::Json),
            _ => Err(format!("expect {} or {}", wgrpc::GOB, wgrpc::JSON)),
        }
    }
}

/// Takes the names of the ways to choose a server, and lists them where another is given.
fn modes() -> impl TypedValueParser<Value = SelectMode> {
    PossibleValuesParser::new(SelectMode::NAMES).try_map(|name| name.parse::<SelectMode>())
}

fn parse_meta(given: &str) -> Result<(String, String), String> {
    match given.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expect KEY=VALUE".to_owned()),
    }
}
