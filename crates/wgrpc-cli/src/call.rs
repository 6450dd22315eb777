//! `wgrpc call`: one call of any method of any server.

mod argument;

use std::fmt::Display;
use std::io::{Read as _, Write as _};

use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc::gob::{Dynamic, Json};
use wgrpc::{Client, Meta};

use crate::args::{ArgumentSource, Call, Codec};
use crate::exit::{Failure, Status};
use crate::plain::Plain;
use crate::tree::Tree;
use argument::Argument;

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(call: &Call) -> Result<(), Failure> {
    let argument = read(call.argument.as_ref())?;
    match call.codec {
        Codec::Gob => {
            let argument = Argument::of(argument).map_err(wrong_argument)?;
            let reply: Dynamic = make(call, argument).await?;
            print(&Plain(&reply))
        }
        Codec::Json => {
            let reply: Tree = make(call, argument).await?;
            print(&reply)
        }
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

/// Connects, calls and waits for the reply.
async fn make<A, R>(call: &Call, argument: A) -> Result<R, Failure>
where
    A: Serialize,
    R: DeserializeOwned,
{
    let client = Client::builder()
        .codec(call.codec.name())
        .connect_timeout(call.timeout)
        .timeout(call.timeout)
        .connect(&call.address)
        .await?;
    let mut meta = Meta::new();
    for (key, value) in &call.meta {
        meta.insert(key, value);
    }
    Ok(client
        .call_with(&call.method, &Json(argument), meta.into())
        .await?)
}

fn print(reply: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(reply).map_err(|error| Failure::new(Status::Failed, error))?;
    writeln!(std::io::stdout(), "{text}").map_err(Failure::output)
}
