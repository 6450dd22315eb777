//! Finding out what a new connection speaks, and handing it to whoever speaks that.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::Shared;
use super::connection::{Connection, QUIET};
use super::link::Link;
use super::listener::Place;
use crate::codec::{Bodies, Encoding, Receiver, Sender};
use crate::connection::{Fill, Inbox, Outbox};
use crate::error::Cause;
use crate::http::{self, DebugPage, ServiceInfo, Site};
use crate::protocol::{self, ConnectOption, Dialect, Ext, HandshakeError, HttpHead, Parse};
use crate::transport::{Io, Peer};

/// Serves a connection that takes no place among those that were accepted.
pub(super) async fn serve(server: Arc<Shared>, io: Io) {
    run(server, io, None).await;
}

/// Serves a connection that was accepted.
pub(super) async fn serve_at(server: Arc<Shared>, io: Io, place: Place) {
    run(server, io, Some(place)).await;
}

/// A boxed future: what follows a handshake is larger than what waits for one.
type Conversation = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn run(server: Arc<Shared>, io: Io, place: Option<Place>) {
    let peer = io.peer.clone();
    let limit = server.limits.handshake;
    // Of a server that shuts down, whoever is about to call shall hear just that.
    let stop = async {
        server.stop.cancelled().await;
        tokio::time::sleep(QUIET).await;
    };
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(limit, shake_hands(&server, io, place)) => outcome,
        () = stop => return,
    };
    let conversation = match outcome {
        Ok(Ok(conversation)) => conversation,
        Ok(Err(cause)) => {
            return tracing::debug!(%peer, %cause, "a connection that cannot be served");
        }
        Err(_) => return tracing::debug!(%peer, ?limit, "no handshake in time"),
    };
    conversation.await;
}

/// The bytes of a handshake.
struct Hand {
    inbox: Inbox,
    write: Box<dyn AsyncWrite + Send + Unpin>,
    peer: Peer,
    local: Peer,
    place: Option<Place>,
}

async fn shake_hands(
    server: &Arc<Shared>,
    io: Io,
    place: Option<Place>,
) -> Result<Conversation, Cause> {
    let mut inbox = Inbox::new(io.read, io.prefix);
    inbox.set_budget(&server.budget);
    let mut hand = Hand {
        inbox,
        write: io.write,
        peer: io.peer,
        local: io.local,
        place,
    };
    let dialect = hand
        .parse(|bytes| {
            Ok(match protocol::sniff(bytes) {
                Some(value) => Parse::Done { value, consumed: 0 },
                None => Parse::Partial,
            })
        })
        .await?;
    match dialect {
        Dialect::Option => {}
        Dialect::Http => match hand.parse(protocol::parse_connect).await? {
            HttpHead::Connect => {
                let response = protocol::connect_response();
                hand.write.write_all(response).await.map_err(Cause::new)?;
                hand.write.flush().await.map_err(Cause::new)?;
            }
            HttpHead::Other => return Ok(hand.into_http(server)),
        },
        Dialect::Unsupported(what) => {
            return Err(Cause::new(format!("{what} is not spoken here")));
        }
    }
    let option = hand.parse(protocol::parse_option).await?;
    hand.into_connection(server, &option)
}

impl Hand {
    /// Reads until `parse` has what it wants.
    async fn parse<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> Result<Parse<T>, HandshakeError>,
    ) -> Result<T, Cause> {
        loop {
            let block = self.inbox.take();
            let (result, rest) = look(&parse, block)?;
            self.inbox.give_back(rest, usize::from(result.is_none()));
            if let Some(value) = result {
                return Ok(value);
            }
            let fill = std::future::poll_fn(|cx| self.inbox.poll_fill(cx)).await;
            if let Fill::End = fill.map_err(Cause::new)? {
                return Err(Cause::new("closed before the end of the handshake"));
            }
        }
    }

    /// The handshake is over: the place of a connection is not among those who are at it.
    fn take_place(&mut self) -> Option<Place> {
        let mut place = self.place.take();
        place.iter_mut().for_each(Place::hands_shaken);
        place
    }

    fn into_connection(
        mut self,
        server: &Arc<Shared>,
        option: &ConnectOption,
    ) -> Result<Conversation, Cause> {
        let Some(format) = server.formats.find(&option.codec) else {
            let name = option.codec.escape_debug();
            return Err(Cause::new(format!("no codec is named `{name}`")));
        };
        let place = self.take_place();
        let limits = &server.limits;
        let receiver = Receiver::new(
            &format,
            protocol::REQUEST_HEADER_MAX,
            limits.message.clone(),
        );
        let link = Arc::new(Link::new(
            Outbox::new(
                self.write,
                Sender::new(format.clone(), protocol::RESPONSE_HEADER_MAX),
                (),
            ),
            Bodies {
                encoding: Encoding::new(format, limits.message.clone()),
                decoding: receiver.decoding(),
            },
            self.peer,
            Ext(option.ext),
            server.in_flight.clone(),
            limits,
        ));
        server.remember(&link);
        let timeout = handle_timeout(option.handle_timeout, limits.handle_timeout);
        let server = server.clone();
        Ok(Box::pin(Connection::new(
            server, link, self.inbox, receiver, timeout, place,
        )))
    }

    fn into_http(mut self, server: &Arc<Shared>) -> Conversation {
        let place = self.take_place();
        let (read, prefix) = self.inbox.into_parts();
        let (write, peer, local) = (self.write, self.peer, self.local);
        let io = Io {
            prefix: BytesMut::new(),
            read,
            write,
            peer,
            local,
        };
        let (stop, kill) = (server.stop.clone().cancelled_owned(), server.kill.clone());
        let serving = http::serve(io, prefix, server.clone(), stop);
        Box::pin(async move {
            kill.run_until_cancelled_owned(serving).await;
            drop(place);
        })
    }
}

/// Applies `parse` to what has been read; returns what is left of it.
fn look<T>(
    parse: impl Fn(&[u8]) -> Result<Parse<T>, HandshakeError>,
    mut block: Bytes,
) -> Result<(Option<T>, Bytes), Cause> {
    match parse(&block).map_err(Cause::new)? {
        Parse::Partial => Ok((None, block)),
        Parse::Done { value, consumed } => {
            block.advance(consumed);
            Ok((Some(value), block))
        }
    }
}

/// The time for each request: what the client asks for, within what the server allows.
fn handle_timeout(asked: i64, most: Option<Duration>) -> Option<Duration> {
    let asked = u64::try_from(asked)
        .ok()
        .filter(|&nanos| nanos > 0)
        .map(Duration::from_nanos);
    match (asked, most) {
        (Some(asked), Some(most)) => Some(asked.min(most)),
        (asked, most) => asked.or(most),
    }
}

impl Site for Shared {
    fn services(&self) -> Vec<ServiceInfo> {
        self.services.describe()
    }

    fn debug_page(&self) -> DebugPage {
        self.debug_page
    }
}
