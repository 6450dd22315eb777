//! A codec of one's own: MessagePack, by the crate `rmp-serde`.
//!
//! A codec is chosen by its name in the handshake, so both sides add it. Three things are asked of
//! it: to write a value, to read one, and to find where one ends.

#![allow(clippy::print_stdout, reason = "examples show what they do")]

use std::io::{self, Cursor};

use serde::Serialize as _;
use serde::de::{Deserialize as _, IgnoredAny};
use wgrpc::{Client, Codec, CodecError, Server, Target, erased_serde, message, service};

/// MessagePack, with structs as maps, so that fields may come and go.
struct MessagePack;

impl Codec for MessagePack {
    fn name(&self) -> &str {
        "application/msgpack"
    }

    fn encode(
        &self,
        value: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let mut serializer = rmp_serde::Serializer::new(out).with_struct_map();
        Ok(value.serialize(&mut serializer)?)
    }

    fn decode(&self, bytes: &[u8], target: &mut dyn Target) -> Result<(), CodecError> {
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
        Ok(
            target.read(&mut <dyn erased_serde::Deserializer<'_>>::erase(
                &mut deserializer,
            ))?,
        )
    }

    fn frame(&self, bytes: &[u8]) -> Result<Option<usize>, CodecError> {
        let mut deserializer = rmp_serde::Deserializer::new(Cursor::new(bytes));
        match IgnoredAny::deserialize(&mut deserializer) {
            Ok(_) => Ok(Some(deserializer.get_ref().position().try_into()?)),
            Err(
                rmp_serde::decode::Error::InvalidMarkerRead(error)
                | rmp_serde::decode::Error::InvalidDataRead(error),
            ) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[message]
struct Person {
    name: String,
    tags: Vec<String>,
}

struct Greeter;

#[service]
impl Greeter {
    fn greet(&self, person: Person) -> String {
        format!("Hello {}, {}", person.name, person.tags.join(" and "))
    }
}

#[tokio::main]
async fn main() -> wgrpc::Result<()> {
    let builder = Server::builder().register(Greeter).add_codec(MessagePack);
    let server = builder.listen("tcp@127.0.0.1:0").await?;

    let client = Client::builder()
        .add_codec(MessagePack)
        .connect(server.address())
        .await?;
    let greeter = GreeterClient::new(client);
    let person = Person {
        name: "Ada".to_owned(),
        tags: vec!["countess".to_owned(), "programmer".to_owned()],
    };
    println!("{}", greeter.greet(&person).await?);
    server.shutdown().await
}
