//! `wgrpc call`: one call of any method of any server, or of several.
//!
//! `argument.rs` is the argument in gob, `many.rs` the call where there are several servers.

mod argument;
mod many;

use std::fmt::Display;
use std::io::{Read as _, Write as _};

use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc::gob::{Dynamic, Json};
use wgrpc::{Client, ClientBuilder};

use crate::args::{ArgumentSource, Call, Codec, Request, Servers, Verb};
use crate::exit::{Failure, Status};
use crate::plain::Plain;
use crate::tree::Tree;
use argument::Argument;

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(call: &Call) -> Result<(), Failure> {
    let request = call.request()?;
    let argument = read(request.argument.as_ref())?;
    match call.codec {
        Codec::Gob => {
            let argument = Argument::of(argument).map_err(wrong_argument)?;
            make::<_, Dynamic>(call, &request, &Json(argument)).await
        }
        Codec::Json => make::<_, Tree>(call, &request, &Json(argument)).await,
    }
}

/// A reply as it comes in one of the codecs.
trait Reply: DeserializeOwned + Send + 'static {
    /// What it looks like in JSON.
    fn shown(&self) -> impl Serialize;
}

impl Reply for Dynamic {
    fn shown(&self) -> impl Serialize {
        Plain(self)
    }
}

impl Reply for Tree {
    fn shown(&self) -> impl Serialize {
        self
    }
}

/// Reads the argument. A method that wants nothing takes an object without fields.
fn read(source: Option<&ArgumentSource>) -> Result<Tree, Failure> {
    let mut typed = String::new();
    let text = match source {
        None => return Ok(Tree::Object(Vec::new())),
        Some(ArgumentSource::Text(text)) => text,
        Some(ArgumentSource::Stdin) => {
            std::io::stdin()
                .read_to_string(&mut typed)
                .map_err(wrong_argument)?;
            &typed
        }
    };
    serde_json::from_str(text).map_err(wrong_argument)
}

fn wrong_argument(reason: impl Display) -> Failure {
    Failure::usage(format_args!("the argument is wrong: {reason}"))
}

/// Connects, calls, waits for the reply and prints it.
async fn make<A: Serialize, R: Reply>(
    call: &Call,
    request: &Request,
    argument: &Json<A>,
) -> Result<(), Failure> {
    match (&request.servers, call.verb()) {
        (Servers::One(address), Verb::Call) => {
            let client = client(call).connect(address).await?;
            let reply: R = client.call(&request.method, argument).await?;
            print(&reply.shown())
        }
        _ => many::make::<_, R>(call, request, argument).await,
    }
}

/// What connections are made with.
fn client(call: &Call) -> ClientBuilder {
    let builder = Client::builder()
        .codec(call.codec.name())
        .connect_timeout(call.timeout)
        .timeout(call.timeout);
    (call.meta.iter()).fold(builder, |builder, (key, value)| builder.meta(key, value))
}

fn print(line: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(line).map_err(|error| Failure::new(Status::Failed, error))?;
    writeln!(std::io::stdout(), "{text}").map_err(Failure::output)
}
