//! A client at the mercy of its server: whatever that sends, every call ends, by its deadline at
//! the latest.

use std::time::{Duration, Instant};

use wgrpc_core::{Client, ClientBuilder, Error};

use crate::raw::{Codec, FullHeader, OPTION_LEN, Raw, Speech};
use crate::support::{Args, SOON, soon};

/// The deadline of the calls that a script leaves without an answer.
pub(crate) const DEADLINE: Duration = Duration::from_millis(200);

/// What becomes of a call.
#[derive(Debug, PartialEq)]
enum End {
    Replied(i64),
    /// The server's error text, or how it begins.
    Remote(&'static str),
    Undecodable,
    Timeout,
    Lost,
}

/// What a server answers to two calls, 1 and 2.
struct Script {
    name: &'static str,
    answers: fn(&mut Speech) -> Vec<u8>,
    closes: bool,
    ends: [End; 2],
}

const SCRIPTS: &[Script] = &[
    Script {
        name: "it says nothing",
        answers: |_| vec![],
        closes: false,
        ends: [End::Timeout, End::Timeout],
    },
    Script {
        name: "it closes",
        answers: |_| vec![],
        closes: true,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "it answers one call and closes",
        answers: |say| say.reply(1, &42),
        closes: true,
        ends: [End::Replied(42), End::Lost],
    },
    Script {
        name: "it answers in another order",
        answers: |say| [say.reply(2, &72), say.reply(1, &42)].concat(),
        closes: true,
        ends: [End::Replied(42), End::Replied(72)],
    },
    Script {
        name: "it closes in the middle of a header",
        answers: |say| say.reply(1, &42)[..20].to_vec(),
        closes: true,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "it closes between header and body",
        answers: |say| {
            let header = FullHeader {
                seq: 1,
                ..FullHeader::default()
            };
            say.value(&header)
        },
        closes: true,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "it closes in the middle of a body",
        answers: |say| {
            let mut bytes = say.reply(1, "a text of some length");
            bytes.truncate(bytes.len() - 5);
            bytes
        },
        closes: true,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "it stops in the middle of a body",
        answers: |say| {
            let mut bytes = say.reply(1, "a text of some length");
            bytes.truncate(bytes.len() - 5);
            bytes
        },
        closes: false,
        ends: [End::Timeout, End::Timeout],
    },
    Script {
        name: "it answers calls that nobody made",
        answers: |say| {
            let strange = [0, 3, 99, u64::MAX].map(|seq| say.reply(seq, &13)).concat();
            [strange, say.reply(2, &72)].concat()
        },
        closes: false,
        ends: [End::Timeout, End::Replied(72)],
    },
    Script {
        name: "it answers twice",
        answers: |say| [say.reply(1, &42), say.reply(1, &13), say.reply(2, &72)].concat(),
        closes: false,
        ends: [End::Replied(42), End::Replied(72)],
    },
    Script {
        name: "it sends error and result for one call",
        answers: |say| [say.error(1, "no"), say.reply(1, &42), say.reply(2, &72)].concat(),
        closes: false,
        ends: [End::Remote("no"), End::Replied(72)],
    },
    Script {
        name: "it floods with answers that nobody wants",
        answers: |say| (3..2000).flat_map(|seq| say.reply(seq, &13)).collect(),
        closes: false,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "its reply is of another type",
        answers: |say| [say.reply(1, "text"), say.reply(2, &72)].concat(),
        closes: false,
        ends: [End::Undecodable, End::Replied(72)],
    },
    Script {
        name: "its error text is long",
        answers: |say| {
            [
                say.error(1, &"größer 100%s ".repeat(8000)),
                say.reply(2, &72),
            ]
            .concat()
        },
        closes: false,
        ends: [End::Remote("größer 100%s größer"), End::Replied(72)],
    },
    Script {
        name: "its error has an unknown code",
        answers: |say| {
            let error = "odd".to_owned();
            let header = FullHeader {
                seq: 1,
                error,
                code: 4711,
                ..FullHeader::default()
            };
            [say.pair(&header, &()), say.reply(2, &72)].concat()
        },
        closes: false,
        ends: [End::Remote("odd"), End::Replied(72)],
    },
    Script {
        name: "it understands everything",
        answers: |say| {
            let header = FullHeader {
                seq: 1,
                ext: u64::MAX,
                ..FullHeader::default()
            };
            [say.pair(&header, &42), say.reply(2, &72)].concat()
        },
        closes: false,
        ends: [End::Replied(42), End::Replied(72)],
    },
    Script {
        name: "it sends more metadata than allowed",
        answers: |say| {
            let meta = (0..65).map(|i| (i.to_string(), String::new())).collect();
            let header = FullHeader {
                seq: 1,
                meta,
                ..FullHeader::default()
            };
            [say.pair(&header, &42), say.reply(2, &72)].concat()
        },
        closes: false,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "it sends noise",
        answers: |_| b"\x01\x02\x03\xffHTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        closes: false,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "it answers as a web server does",
        answers: |_| b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".repeat(2),
        closes: false,
        ends: [End::Lost, End::Lost],
    },
];

/// Only possible, or only hostile, in one codec.
const GOB_SCRIPTS: &[Script] = &[
    Script {
        name: "it announces a header of 1 GiB",
        answers: |_| vec![0xfc, 0x40, 0, 0, 0],
        closes: false,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "it announces a body of 1 GiB",
        answers: |say| {
            let header = FullHeader {
                seq: 1,
                ..FullHeader::default()
            };
            [say.value(&header), vec![0xfc, 0x40, 0, 0, 0]].concat()
        },
        closes: false,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "it defines types without end",
        // Slices of int, each of a type of its own.
        answers: |_| {
            let define = |id: u16| {
                let [high, low] = (2 * id).to_be_bytes();
                let [minus_high, minus_low] = (2 * id - 1).to_be_bytes();
                let start = [0xfe, minus_high, minus_low, 2, 1, 2, 0xfe, high, low];
                [&[14][..], &start, &[0, 1, 4, 0, 0]].concat()
            };
            (200..2000).flat_map(define).collect()
        },
        closes: false,
        ends: [End::Lost, End::Lost],
    },
];

const JSON_SCRIPTS: &[Script] = &[
    Script {
        name: "it nests without end",
        answers: |_| vec![b'['; 100_000],
        closes: false,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "its header never ends",
        answers: |_| format!("{{\"Error\":\"{}", "x".repeat(17 << 20)).into_bytes(),
        closes: false,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "its body never ends",
        answers: |_| format!("{{\"Seq\":1}}\"{}", "x".repeat(17 << 20)).into_bytes(),
        closes: false,
        ends: [End::Lost, End::Lost],
    },
    Script {
        name: "its number never ends",
        answers: |_| format!("{{\"Seq\":1}}{}", "1".repeat(1000)).into_bytes(),
        closes: false,
        ends: [End::Lost, End::Lost],
    },
];

/// A client, and the server end of its connection after the handshake.
pub(crate) async fn client_and_raw(codec: Codec) -> (Client, Raw) {
    client_and_raw_with(codec, Client::builder()).await
}

/// The same, with options for the client.
pub(crate) async fn client_and_raw_with(codec: Codec, client: ClientBuilder) -> (Client, Raw) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let client = client.codec(codec.name()).from_stream(ours).unwrap();
    let mut raw = Raw::over(theirs, codec);
    let option = raw.exactly(OPTION_LEN).await;
    assert_eq!((option[0], option[OPTION_LEN - 1]), (b'{', b'}'));
    (client, raw)
}

#[tokio::test]
async fn every_call_ends_whatever_the_server_does() {
    for codec in Codec::BOTH {
        let own = if codec == Codec::Gob {
            GOB_SCRIPTS
        } else {
            JSON_SCRIPTS
        };
        for script in SCRIPTS.iter().chain(own) {
            let (client, mut raw) = client_and_raw(codec).await;
            let start = Instant::now();
            let calls = [Args { a: 6, b: 7 }, Args { a: 8, b: 9 }].map(|args| {
                client
                    .call::<_, i64>("Arith.Multiply", &args)
                    .timeout(DEADLINE)
            });
            for seq in [1, 2] {
                let (header, _) = raw.asked::<Args>().await.unwrap();
                assert_eq!(header.seq, seq);
            }
            let answers = (script.answers)(&mut raw.speech);
            let serving = tokio::spawn(async move {
                // The client may stop reading in the middle.
                raw.send(&answers).await;
                if !script.closes {
                    raw.rest().await;
                }
            });
            for (call, end) in calls.into_iter().zip(&script.ends) {
                let result = soon(call).await;
                let name = script.name;
                match (&result, end) {
                    (Ok(reply), End::Replied(expected)) => assert_eq!(reply, expected, "{name}"),
                    (Err(Error::Remote(fault)), End::Remote(text)) => {
                        assert!(fault.text().starts_with(text), "{name}: {result:?}");
                    }
                    (Err(Error::Decode(_)), End::Undecodable)
                    | (Err(Error::Timeout { sent: true, .. }), End::Timeout)
                    | (Err(Error::Lost(_)), End::Lost) => {}
                    _ => panic!("{name}, {codec:?}: expected {end:?}, got {result:?}"),
                }
            }
            assert!(
                start.elapsed() < SOON / 2,
                "{}: {:?}",
                script.name,
                start.elapsed()
            );
            let is_lost = script.closes || script.ends.contains(&End::Lost);
            if is_lost {
                crate::support::until(|| !client.is_available()).await;
            } else {
                assert!(client.is_available(), "{}", script.name);
            }
            drop(client);
            soon(serving).await.unwrap();
        }
    }
}

/// Progress is no reason to wait longer than was asked for.
#[tokio::test]
async fn a_reply_that_trickles_in_does_not_hold_up_the_deadline() {
    for codec in Codec::BOTH {
        let (client, mut raw) = client_and_raw(codec).await;
        let call = client
            .call::<_, String>("Echo.String", "x")
            .timeout(DEADLINE);
        raw.asked::<String>().await.unwrap();
        let answer = raw.speech.reply(1, &"x".repeat(100_000));
        let serving = tokio::spawn(async move {
            for byte in answer {
                raw.send(&[byte]).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let error = soon(call).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Timeout {
                    after: DEADLINE,
                    sent: true
                }
            ),
            "{error:?}"
        );
        serving.abort();
    }
}

/// A late answer reaches nobody, least of all another call.
#[tokio::test]
async fn answers_that_come_too_late_are_dropped() {
    let (client, mut raw) = client_and_raw(Codec::Gob).await;
    for round in 0..100u64 {
        let late = client.call::<_, i64>("Arith.Multiply", &Args { a: 1, b: 1 });
        let late = soon(late.timeout(Duration::from_millis(1))).await;
        assert!(late.unwrap_err().is_timeout());
        let (late, _) = raw.asked::<Args>().await.unwrap();
        let call = client.call::<_, u64>("Arith.Multiply", &Args { a: 2, b: 2 });
        let (header, _) = raw.asked::<Args>().await.unwrap();
        assert_ne!(header.seq, late.seq);
        let answers = [
            raw.speech.reply(late.seq, &u64::MAX),
            raw.speech.reply(header.seq, &round),
        ];
        raw.send(&answers.concat()).await;
        assert_eq!(soon(call).await.unwrap(), round);
    }
}
