//! What fuzzing runs, as in `wgrpc_core::fuzzing`: each function takes any bytes as something that
//! a peer may send, and panics if a promise is broken.
//!
//! The promises: no panic; a registry refuses with a short text, and whatever it takes a client of
//! ours reads, whether it is told everything or what has changed; what a client has read leads it
//! nowhere where a registry must not send it. Time and memory are bounded by whoever calls.

use std::future::ready;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use wgrpc_core::Address;

use crate::api::{self, ListingForm};
use crate::client::RegistryClient;
use crate::error::Result;
use crate::lease::{Listing, Registration, Server, check_group};
use crate::policy;
use crate::server::Registry;

/// A function of this module.
pub type Target = fn(&[u8]);

/// Every target, and the name that its file in `fuzz/` and its seeds have.
pub const TARGETS: [(&str, Target); 2] = [
    ("registry_answer", registry_answer),
    ("registry_requests", registry_requests),
];

/// As many requests of an input are made.
const REQUESTS_MAX: usize = 64;

/// The longest text of a refusal.
const REFUSAL_MAX: usize = 1024;

/// How much a connection holds in each direction.
const BUFFER: usize = 64 << 10;

/// A registry on this machine may list servers on it; one elsewhere must not.
const URLS: [&str; 2] = ["http://localhost", "http://registry.internal"];

/// Whatever a registry answers a client.
pub fn registry_answer(bytes: &[u8]) {
    run(async {
        for url in URLS {
            let client = told(url, bytes);
            let known = known();
            let listed = client.list(None).await.ok();
            let polled = client.poll(Some("Arith"), &known).await.ok().flatten();
            for listing in [listed, polled].into_iter().flatten() {
                check(&listing, url);
                let json = serde_json::to_vec(&ListingForm::from(&listing));
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {}\r\n\r\n", api::JSON);
                let again = [head.into_bytes(), json.unwrap_or_default()].concat();
                let again = told(url, &again).list(None).await;
                assert_eq!(servers(again), listing.servers, "it reads what it writes");
            }
            // Whatever is said of a registration is an error, or that it is done.
            let _ = client.register(&Registration::new(address(9))).await;
            let _ = client.deregister("Arith", &address(9)).await;
        }
    });
}

/// Requests to one registry: a line with method and target, lines with headers, and an empty line
/// before the next one.
pub fn registry_requests(bytes: &[u8]) {
    run(async {
        let registry = Registry::builder().build();
        let client = of_registry(&registry);
        let mut followed = Listing::default();
        let blocks = bytes.split_inclusive(|byte| *byte == b'\n');
        let lines: Vec<_> = blocks.map(<[u8]>::trim_ascii).collect();
        let blocks = lines.split(|line| line.is_empty());
        for request in blocks.filter_map(request).take(REQUESTS_MAX) {
            ask(&registry, request).await;
            match client.poll(None, &followed).await {
                Ok(news) => followed = news.unwrap_or(followed),
                Err(error) => panic!("a client cannot follow: {error}"),
            }
        }
        if followed.revision > 0 {
            let whole = servers(client.list(None).await);
            assert_eq!(without_age(followed.servers), without_age(whole));
        }
    });
}

/// Makes a request of a block of lines, if it is one.
fn request(lines: &[&[u8]]) -> Option<Request<()>> {
    let (first, headers) = lines.split_first()?;
    let mut words = first.splitn(2, |byte| *byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = Uri::try_from(words.next()?).ok()?;
    for header in headers {
        let mut parts = header.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next()?).ok()?;
        let value = HeaderValue::from_bytes(parts.next()?.trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    let peer = SocketAddr::from(([192, 0, 2, 7], 7));
    request.extensions_mut().insert(peer);
    Some(request)
}

/// Makes a request, and looks at the answer. A watch that waits is given up.
async fn ask(registry: &Registry, request: Request<()>) {
    let answer = tokio::select! {
        biased;
        answer = registry.handle(request) => answer,
        () = ready(()) => return,
    };
    let status = answer.status();
    let text = body(answer).await;
    match status {
        StatusCode::OK | StatusCode::NOT_MODIFIED => {}
        // Neither knows what is wrong but the Go original's way.
        StatusCode::INTERNAL_SERVER_ERROR | StatusCode::METHOD_NOT_ALLOWED => {
            assert!(text.is_empty(), "{text:?}");
        }
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            assert!(
                text.len() <= REFUSAL_MAX,
                "a refusal of {} bytes",
                text.len()
            );
        }
        _ => panic!("{status}: {text:?}"),
    }
}

async fn body(answer: Response<Full<Bytes>>) -> Bytes {
    match answer.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(never) => match never {},
    }
}

/// What a client must never be told, whatever a registry says.
fn check(listing: &Listing, url: &str) {
    let keys: Vec<_> = listing.servers.iter().map(key).collect();
    assert!(keys.is_sorted(), "a listing is sorted");
    assert!(
        keys.windows(2).all(|two| two[0] != two[1]),
        "nobody is listed twice"
    );
    assert!(keys.len() <= 10_000, "there is a most of servers");
    for server in &listing.servers {
        assert!(policy::check(&server.address).is_ok(), "{}", server.address);
        assert!(check_group(&server.group).is_ok());
        let is_here = policy::is_this_machine(&server.address);
        assert!(!is_here || url == URLS[0], "{}", server.address);
    }
}

fn key(server: &Server) -> (String, &str) {
    (server.address.to_string(), &server.group)
}

fn servers(listing: Result<Listing>) -> Vec<Server> {
    match listing {
        Ok(listing) => listing.servers,
        Err(error) => panic!("a client cannot read a listing of ours: {error}"),
    }
}

fn without_age(servers: Vec<Server>) -> Vec<Server> {
    let ageless = |server| Server {
        age: None,
        ..server
    };
    servers.into_iter().map(ageless).collect()
}

/// The listing that a client has when it is told changes.
fn known() -> Listing {
    let server = |number| Server {
        address: address(number),
        group: "Arith".to_owned(),
        meta: Default::default(),
        age: None,
    };
    Listing {
        revision: 7,
        is_warming: false,
        servers: vec![server(1), server(2)],
    }
}

fn address(number: u8) -> Address {
    match format!("tcp@10.0.0.{number}:9001").parse() {
        Ok(address) => address,
        Err(error) => panic!("{error}"),
    }
}

/// A client to whom every answer is these bytes.
fn told(url: &str, bytes: &[u8]) -> RegistryClient {
    let bytes = Bytes::copy_from_slice(bytes);
    client(url, move |mut stream| {
        let bytes = bytes.clone();
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else {
                    return;
                };
                head.push(byte);
            }
            // A client that has heard enough does not hear the rest.
            let _ = stream.write_all(&bytes).await;
        });
    })
}

/// A client of this registry.
fn of_registry(registry: &Registry) -> RegistryClient {
    let registry = registry.clone();
    client(URLS[0], move |stream| {
        let registry = registry.clone();
        let answer = service_fn(move |request| {
            let answer = registry.handle(request);
            async { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    })
}

/// A client whose connections have their other end in memory.
fn client(url: &str, serve: impl Fn(DuplexStream) + Send + Sync + 'static) -> RegistryClient {
    let client = match RegistryClient::new(url) {
        Ok(client) => client,
        Err(error) => panic!("{error}"),
    };
    client.dial(move || {
        let (near, far) = duplex(BUFFER);
        serve(far);
        ready(Ok(near))
    })
}

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => panic!("{error}"),
    }
}
