//! Every transport on real sockets.

use std::os::unix::net::UnixListener as BlockingUnixListener;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::address::Address;
use crate::protocol::{connect_request, connect_response};

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

async fn dial(address: &Address) -> io::Result<Io> {
    super::dial(address, &Lookup::default()).await
}

async fn bind(text: &str) -> Listener {
    Listener::bind(&address(text)).await.unwrap()
}

fn port(listener: &Listener) -> u16 {
    let address = listener.address();
    let (_, port) = address.host_and_port().unwrap();
    port
}

/// A connection's two ends.
async fn pair(listener: &Listener) -> (Io, Io) {
    let address = listener.address();
    let (client, server) = tokio::join!(dial(&address), listener.accept());
    (client.unwrap(), server.unwrap())
}

async fn send(io: &mut Io, bytes: &[u8]) {
    io.write.write_all(bytes).await.unwrap();
    io.write.flush().await.unwrap();
}

async fn receive(io: &mut Io, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    io.read.read_exact(&mut bytes).await.unwrap();
    bytes
}

async fn converse(client: &mut Io, server: &mut Io) {
    send(client, b"question").await;
    assert_eq!(receive(server, 8).await, b"question");
    // The way back stays open when the way there has ended.
    client.write.shutdown().await.unwrap();
    assert_eq!(server.read.read(&mut [0]).await.unwrap(), 0);
    send(server, b"answer").await;
    assert_eq!(receive(client, 6).await, b"answer");
}

#[tokio::test]
async fn tcp_carries_bytes_both_ways_and_closes_in_halves() {
    for (text, start) in [
        ("tcp@127.0.0.1:0", "tcp@127.0.0.1:"),
        ("tcp@localhost:0", "tcp@"),
        ("tcp@:0", "tcp@[::]:"),
        ("tcp4@localhost:0", "tcp4@127.0.0.1:"),
        ("tcp4@:0", "tcp4@0.0.0.0:"),
        ("tcp6@[::1]:0", "tcp6@[::1]:"),
        ("tcp6@:0", "tcp6@[::]:"),
    ] {
        let listener = bind(text).await;
        let found = listener.address().to_string();
        assert!(found.starts_with(start), "{found}");
        assert!(!found.ends_with(":0"), "{found}");
        let (mut client, mut server) = pair(&listener).await;
        assert_eq!(client.local, server.peer);
        assert_eq!(client.peer, server.local);
        assert!(server.local.is_loopback());
        assert!(server.peer.ip().unwrap().is_loopback());
        converse(&mut client, &mut server).await;
    }
}

#[tokio::test]
async fn a_client_without_a_host_means_this_machine() {
    for protocol in ["tcp", "tcp4", "tcp6"] {
        let listener = bind(&format!("{protocol}@:0")).await;
        let port = port(&listener);
        let here = address(&format!("{protocol}@:{port}"));
        let (client, server) = tokio::join!(dial(&here), listener.accept());
        assert!(client.unwrap().peer.is_loopback());
        server.unwrap();
    }
}

#[tokio::test]
async fn each_tcp_protocol_keeps_to_its_addresses() {
    for text in ["tcp4@[::1]:80", "tcp6@127.0.0.1:80"] {
        for outcome in [
            dial(&address(text)).await.map(drop),
            Listener::bind(&address(text)).await.map(drop),
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert!(
                error.to_string().contains("has no address for tcp"),
                "{error}"
            );
        }
    }
    let listener = bind("tcp6@:0").await;
    let port = port(&listener);
    let over_v4 = dial(&address(&format!("tcp4@:{port}"))).await;
    assert_eq!(
        over_v4.unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
}

#[tokio::test]
async fn what_a_name_means_is_dialled_only_if_it_is_admitted() {
    let listener = bind("tcp@127.0.0.1:0").await;
    let port = port(&listener);
    let mut lookup = Lookup::default();
    lookup.set_resolver(|host| async move {
        Ok(match &*host {
            "evil.example" => vec!["127.0.0.1".parse().unwrap()],
            "mapped.example" => vec!["::ffff:127.0.0.1".parse().unwrap()],
            _ => vec!["192.0.2.1".parse().unwrap(), "127.0.0.1".parse().unwrap()],
        })
    });
    let here = address(&format!("tcp@evil.example:{port}"));
    let (client, server) = tokio::join!(super::dial(&here, &lookup), listener.accept());
    assert!(client.unwrap().peer.is_loopback());
    server.unwrap();

    let mut elsewhere = lookup.clone();
    elsewhere.set_admits(|ip| !ip.is_loopback());
    for target in ["evil.example", "mapped.example", "127.0.0.1", ""] {
        for protocol in ["tcp", "http"] {
            let there = address(&format!("{protocol}@{target}:{port}"));
            let error = super::dial(&there, &elsewhere).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{there}");
            let text = error.to_string();
            assert!(text.contains("must not be"), "{text}");
        }
    }
    // Of several, only those are dialled that are admitted.
    lookup.set_admits(|ip| ip.is_loopback());
    let both = address(&format!("tcp@both.example:{port}"));
    let (client, server) = tokio::join!(super::dial(&both, &lookup), listener.accept());
    assert!(client.unwrap().peer.is_loopback());
    server.unwrap();
    let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept());
    assert!(nobody.await.is_err(), "somebody was dialled");
}

#[tokio::test]
async fn an_ipv4_client_of_an_ipv6_socket_is_shown_as_ipv4() {
    let listener = bind("tcp@[::]:0").await;
    let port = port(&listener);
    let over_v4 = address(&format!("tcp@127.0.0.1:{port}"));
    let (client, server) = tokio::join!(dial(&over_v4), listener.accept());
    assert_eq!(client.unwrap().local, server.as_ref().unwrap().peer);
    assert_eq!(
        server.unwrap().local.to_string(),
        format!("tcp@127.0.0.1:{port}")
    );
}

#[tokio::test]
async fn a_port_in_use_is_an_error_and_a_port_just_left_is_not() {
    let listener = bind("tcp@127.0.0.1:0").await;
    let taken = listener.address();
    let error = Listener::bind(&taken).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    // The server closes first, which leaves its port in a waiting state.
    let (mut client, server) = pair(&listener).await;
    drop((server, listener));
    assert_eq!(client.read.read(&mut [0]).await.unwrap(), 0);
    drop(client);
    bind(&taken.to_string()).await;
}

#[tokio::test]
async fn tcp_sockets_send_at_once_and_notice_a_peer_that_is_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Address::from(listener.local_addr().unwrap());
    let stream = tcp::connect(&target, &Lookup::default()).await.unwrap();
    let socket = SockRef::from(&stream);
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.keepalive().unwrap());
    assert_eq!(
        socket.tcp_keepalive_time().unwrap(),
        Duration::from_secs(60)
    );
    assert_eq!(
        socket.tcp_keepalive_interval().unwrap(),
        Duration::from_secs(10)
    );
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    #[cfg(target_os = "linux")]
    assert_eq!(
        socket.tcp_user_timeout().unwrap(),
        Some(Duration::from_secs(30))
    );
}

#[tokio::test]
async fn clients_that_are_gone_before_they_are_accepted_do_no_harm() {
    let listener = bind("tcp@127.0.0.1:0").await;
    for _ in 0..100 {
        let client = TcpStream::connect(listener.address().target())
            .await
            .unwrap();
        // Closing sends a reset.
        SockRef::from(&client)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }
    // Each of them may still show up as a connection that ends with its first read.
    let mut last = dial(&listener.address()).await.unwrap();
    let served = async {
        loop {
            let mut io = listener.accept().await.unwrap();
            let mut byte = [0];
            if io
                .read
                .read(&mut byte)
                .await
                .is_ok_and(|length| length == 1)
            {
                return byte;
            }
        }
    };
    let (byte, ()) = tokio::join!(served, send(&mut last, b"!"));
    assert_eq!(byte, *b"!");
}

#[tokio::test]
async fn nobody_listening_is_an_error() {
    let listener = bind("tcp@127.0.0.1:0").await;
    let left = listener.address();
    drop(listener);
    let error = dial(&left).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_unix_socket_carries_bytes_both_ways_and_its_file_goes_with_the_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.sock");
    let text = format!("unix@{}", path.display());
    let listener = bind(&text).await;
    assert_eq!(listener.address().to_string(), text);
    let (mut client, mut server) = pair(&listener).await;
    assert_eq!(client.peer, Peer::Unix(Some(path.clone())));
    assert_eq!(server.local.to_string(), text);
    assert_eq!(server.peer.to_string(), "unix");
    assert!(server.local.is_loopback() && server.peer.is_loopback());
    converse(&mut client, &mut server).await;
    drop(listener);
    assert!(!path.exists());
    assert_eq!(
        dial(&address(&text)).await.unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}

#[tokio::test]
async fn the_socket_of_a_dead_server_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.sock");
    // The standard library leaves the file behind, as a killed process does.
    drop(BlockingUnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = bind(&format!("unix@{}", path.display())).await;
    pair(&listener).await;
}

#[tokio::test]
async fn the_socket_of_a_live_server_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("unix@{}", folder.path().join("it.sock").display());
    let listener = bind(&text).await;
    let error = Listener::bind(&address(&text)).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    // The attempt has connected, which is no client.
    drop(listener.accept().await.unwrap());
    pair(&listener).await;
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    std::fs::write(&path, "precious").unwrap();
    let text = format!("unix@{}", path.display());
    assert!(Listener::bind(&address(&text)).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn a_listener_does_not_remove_the_socket_of_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.sock");
    let text = format!("unix@{}", path.display());
    let first = bind(&text).await;
    std::fs::remove_file(&path).unwrap();
    let second = bind(&text).await;
    drop(first);
    pair(&second).await;
}

#[tokio::test]
async fn an_http_listener_is_a_tcp_listener_that_says_http() {
    let listener = bind("http@127.0.0.1:0").await;
    let text = listener.address().to_string();
    assert!(text.starts_with("http@127.0.0.1:"), "{text}");
    let target = address(&text.replace("http@", "tcp@"));
    let (client, server) = tokio::join!(dial(&target), listener.accept());
    converse(&mut client.unwrap(), &mut server.unwrap()).await;
}

/// Dials a server that answers CONNECT in these pieces.
async fn dial_http(pieces: &[&[u8]]) -> io::Result<Io> {
    let listener = bind("http@127.0.0.1:0").await;
    let server = async {
        let mut io = listener.accept().await.unwrap();
        let request = receive(&mut io, connect_request().len()).await;
        assert_eq!(request, connect_request());
        for piece in pieces {
            send(&mut io, piece).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let address = listener.address();
    let (client, ()) = tokio::join!(dial(&address), server);
    client
}

#[tokio::test]
async fn the_answer_to_connect_may_come_in_two_pieces_cut_anywhere() {
    for cut in 0..=connect_response().len() {
        let (one, two) = connect_response().split_at(cut);
        assert_eq!(dial_http(&[one, two]).await.unwrap().prefix, "");
    }
}

#[tokio::test]
async fn bytes_behind_the_answer_to_connect_are_kept() {
    let whole = [connect_response(), b"more\n\n"].concat();
    assert_eq!(dial_http(&[&whole]).await.unwrap().prefix, "more\n\n");
}

#[tokio::test]
async fn a_refused_or_missing_answer_to_connect_is_an_error_that_says_so() {
    let refused = dial_http(&[b"HTTP/1.1 404 Not Found\r\n\r\n"])
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    assert!(refused.to_string().contains("`404 Not Found`"), "{refused}");
    let cut_short = dial_http(&[b"HTTP/1.0 200 Conn"]).await.unwrap_err();
    assert_eq!(cut_short.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn any_stream_is_a_connection_of_which_nothing_is_known() {
    let (one, two) = tokio::io::duplex(64);
    let (mut client, mut server) = (Io::from_stream(one), Io::from_stream(two));
    assert_eq!(server.peer, Peer::Other);
    assert_eq!(server.peer.to_string(), "stream");
    assert_eq!(server.peer.ip(), None);
    assert!(!server.local.is_loopback());
    converse(&mut client, &mut server).await;
}
