//! Requests and their answers, without a socket.

use std::collections::BTreeMap;

use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::*;

fn registry() -> Registry {
    Registry::builder().build()
}

/// One that does not begin by waiting for servers that it might know.
fn whole_from_the_start() -> Registry {
    let config = MembershipConfig {
        warm_up: Duration::ZERO,
        ..MembershipConfig::default()
    };
    Registry::builder().store(MemoryStore::new(config)).build()
}

/// An answer: its status, headers and body.
struct Got {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn ask(registry: &Registry, method: &str, uri: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    let (head, body) = registry
        .handle(request.body(()).unwrap())
        .await
        .into_parts();
    let headers = head.headers.iter();
    Got {
        status: head.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: body.collect().await.unwrap().to_bytes(),
    }
}

async fn post(registry: &Registry, headers: &[(&str, &str)]) -> u16 {
    ask(registry, "POST", "/", headers).await.status
}

async fn servers(registry: &Registry, headers: &[(&str, &str)]) -> String {
    let got = ask(registry, "GET", "/wgrpc/registry", headers).await;
    assert_eq!((got.status, &*got.body), (200, &b""[..]));
    got.header("x-wgrpc-servers").unwrap().to_owned()
}

const ONE: (&str, &str) = ("X-Wgrpc-Server", "tcp@10.0.0.1:9001");
const TWO: (&str, &str) = ("X-WgRPC-Server-Addr", "tcp@10.0.0.2:9001");

#[tokio::test]
async fn servers_register_in_either_spelling_and_are_listed_sorted() {
    let registry = registry();
    assert_eq!(servers(&registry, &[]).await, "");
    assert_eq!(post(&registry, &[TWO]).await, 200);
    assert_eq!(post(&registry, &[ONE]).await, 200);
    assert_eq!(post(&registry, &[ONE]).await, 200);
    assert_eq!(
        servers(&registry, &[]).await,
        "tcp@10.0.0.1:9001,tcp@10.0.0.2:9001"
    );
}

#[tokio::test]
async fn a_missing_address_is_500_and_an_unknown_method_405_both_without_a_word() {
    let registry = registry();
    for (method, headers, status) in [
        ("POST", &[][..], 500),
        ("POST", &[("X-Wgrpc-Server", "")], 500),
        ("DELETE", &[], 500),
        ("HEAD", &[], 405),
        ("PUT", &[ONE], 405),
        ("CONNECT", &[], 405),
        ("BREW", &[], 405),
    ] {
        let got = ask(&registry, method, "/", headers).await;
        assert_eq!((got.status, &*got.body), (status, &b""[..]), "{method}");
        assert!(got.headers.is_empty(), "{:?}", got.headers);
    }
}

#[tokio::test]
async fn groups_are_apart_and_one_server_of_a_group_is_told_by_the_caller_s_address() {
    let registry = registry();
    let in_group = ("X-WgRPC-Server-Name", "Arith");
    assert_eq!(post(&registry, &[ONE]).await, 200);
    for number in 2..20 {
        let address = format!("tcp@10.0.0.{number}:9001");
        let address = ("X-WgRPC-Server-Addr", &*address);
        assert_eq!(post(&registry, &[address, in_group]).await, 200);
    }
    assert_eq!(servers(&registry, &[in_group]).await.split(',').count(), 18);
    assert_eq!(servers(&registry, &[]).await.split(',').count(), 19);

    let told = async |peer: &str| {
        let peer: SocketAddr = peer.parse().unwrap();
        let request = Request::get("/")
            .header(in_group.0, in_group.1)
            .extension(peer);
        let response = registry.handle(request.body(()).unwrap()).await;
        response.headers()[api::SERVER_ADDR]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(told("10.1.1.1:1").await, told("10.1.1.1:2").await);
    let mut all = Vec::new();
    for number in 0..50 {
        all.push(told(&format!("10.1.1.{number}:1")).await);
    }
    all.sort();
    all.dedup();
    assert!(all.len() > 10, "{all:?}");

    let nobody = ask(&registry, "GET", "/", &[("X-WgRPC-Server-Name", "Nobody")]).await;
    assert_eq!(nobody.header("x-wgrpc-servers"), Some(""));
    assert_eq!(nobody.header("x-wgrpc-server-addr"), None);
    // A proxy's word for who it stands for is anybody's word.
    let claimed = [in_group, ("X-Real-IP", "10.1.1.1")];
    assert_eq!(ask(&registry, "GET", "/", &claimed).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn json_says_everything() {
    let registry = registry();
    let meta = r#"{"weight":3,"zone":"b","version":"1.2","draining":true,"extra":{"k":"é"}}"#;
    let rich = [ONE, ("X-Wgrpc-Meta", meta), ("X-Wgrpc-Ttl", "90000")];
    let got = ask(&registry, "POST", "/", &rich).await;
    assert_eq!(
        (got.status, got.header("x-wgrpc-ttl")),
        (200, Some("90000"))
    );
    assert_eq!(
        post(&registry, &[TWO, ("X-WgRPC-Server-Name", "Arith")]).await,
        200
    );
    sleep(Duration::from_millis(1500)).await;
    for (uri, headers) in [
        ("/?format=json", &[][..]),
        ("/", &[("Accept", "text/html, Application/JSON;q=0.9")]),
    ] {
        let got = ask(&registry, "GET", uri, headers).await;
        assert_eq!(got.header("content-type"), Some("application/json"));
        let json = got.json();
        assert!(json["revision"].as_u64().unwrap() > 1);
        assert_eq!(json["warming"], true);
        let expected = json!([
            {
                "address": "tcp@10.0.0.1:9001", "group": "", "age_ms": 1500,
                "meta": serde_json::from_str::<Value>(meta).unwrap(),
            },
            {
                "address": "tcp@10.0.0.2:9001", "group": "Arith", "age_ms": 1500,
                "meta": { "weight": 1 },
            },
        ]);
        assert_eq!(json["servers"], expected);
    }
    let got = ask(&registry, "GET", "/?format=xml", &[]).await;
    assert_eq!(got.status, 400);
}

#[tokio::test]
async fn servers_that_want_no_calls_are_told_to_those_who_understand_and_are_a_last_resort() {
    let registry = registry();
    let draining = ("X-Wgrpc-Meta", r#"{"draining":true}"#);
    let idle = ("X-Wgrpc-Meta", r#"{"weight":0}"#);
    post(&registry, &[ONE, draining]).await;
    assert_eq!(servers(&registry, &[]).await, ONE.1);
    post(&registry, &[TWO, idle]).await;
    assert_eq!(servers(&registry, &[]).await.split(',').count(), 2);
    post(&registry, &[TWO]).await;
    assert_eq!(servers(&registry, &[]).await, TWO.1);
    let json = ask(&registry, "GET", "/?format=json", &[]).await.json();
    assert_eq!(json["servers"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_registry_decides_how_long_a_server_lives() {
    let registry = registry();
    for (asked, granted) in [
        (None, "300000"),
        (Some("0"), "300000"),
        (Some("1"), "1000"),
        (Some("90000"), "90000"),
        (Some("18446744073709551615"), "3600000"),
    ] {
        let ttl = asked.map(|asked| ("X-Wgrpc-Ttl", asked));
        let headers: Vec<_> = [ONE].into_iter().chain(ttl).collect();
        let got = ask(&registry, "POST", "/", &headers).await;
        assert_eq!(got.header("x-wgrpc-ttl"), Some(granted), "{asked:?}");
    }
    for wrong in ["soon", "-1", "1.5", "18446744073709551616"] {
        assert_eq!(post(&registry, &[ONE, ("X-Wgrpc-Ttl", wrong)]).await, 400);
    }
    post(&registry, &[ONE]).await;
    sleep(Duration::from_secs(299)).await;
    assert_eq!(servers(&registry, &[]).await, ONE.1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(servers(&registry, &[]).await, "");

    let eternal = Registry::builder().timeout(Duration::ZERO).build();
    let got = ask(&eternal, "POST", "/", &[ONE]).await;
    assert_eq!(got.header("x-wgrpc-ttl"), Some("0"));
    sleep(Duration::from_secs(1_000_000)).await;
    assert_eq!(servers(&eternal, &[]).await, ONE.1);
}

#[tokio::test]
async fn a_server_can_take_itself_off() {
    let registry = registry();
    post(&registry, &[ONE]).await;
    post(&registry, &[TWO, ("X-WgRPC-Server-Name", "Arith")]).await;
    assert_eq!(ask(&registry, "DELETE", "/", &[ONE]).await.status, 200);
    assert_eq!(ask(&registry, "DELETE", "/", &[ONE]).await.status, 404);
    assert_eq!(ask(&registry, "DELETE", "/", &[TWO]).await.status, 404);
    let in_group = [TWO, ("X-WgRPC-Server-Name", "Arith")];
    assert_eq!(ask(&registry, "DELETE", "/", &in_group).await.status, 200);
    assert_eq!(servers(&registry, &[]).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_watch_is_answered_when_there_is_news() {
    let registry = whole_from_the_start();
    let watch = async |uri: String| ask(&registry, "GET", &uri, &[]).await.json();
    let first = watch("/?watch=0".to_owned()).await;
    let revision = first["revision"].as_u64().unwrap();

    let start = Instant::now();
    let news = watch(format!("/?watch={revision}&wait=20000"));
    let cause = async {
        sleep(Duration::from_secs(7)).await;
        post(&registry, &[ONE]).await;
        post(&registry, &[TWO]).await
    };
    let (news, _) = tokio::join!(news, cause);
    assert_eq!(start.elapsed(), Duration::from_millis(7050));
    assert_eq!(news["servers"].as_array().unwrap().len(), 2);

    // Nothing happens: that is all that is said, and never later than the registry likes.
    let revision = news["revision"].as_u64().unwrap();
    let waits = [
        ("&wait=3000", 3),
        ("&wait=999999999999", 60),
        ("", 60),
        ("&wait=0", 0),
    ];
    for (wait, seconds) in waits {
        for changes in ["", "&changes"] {
            let start = Instant::now();
            let uri = format!("/?watch={revision}{wait}{changes}");
            let same = ask(&registry, "GET", &uri, &[]).await;
            assert_eq!((same.status, &*same.body), (304, &b""[..]));
            assert_eq!(start.elapsed(), Duration::from_secs(seconds));
        }
    }
    // From another life of the registry.
    watch(format!("/?watch={}", u64::MAX)).await;
    for wrong in ["/?watch=", "/?watch=x", "/?watch=-1", "/?watch=1&wait=x"] {
        assert_eq!(
            ask(&registry, "GET", wrong, &[]).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_a_list_is_told_what_has_changed() {
    let registry = whole_from_the_start();
    let watch = async |query: String| {
        let uri = format!("/?{query}&wait=0&changes");
        ask(&registry, "GET", &uri, &[]).await.json()
    };
    post(&registry, &[ONE]).await;
    post(&registry, &[TWO]).await;
    let whole = watch("watch=0".to_owned()).await;
    assert_eq!(whole["servers"].as_array().unwrap().len(), 2);
    assert!(whole.get("since").is_none());
    let seen = whole["revision"].as_u64().unwrap();

    ask(&registry, "DELETE", "/", &[ONE]).await;
    post(&registry, &[TWO]).await;
    let heavy = [
        TWO,
        ("X-WgRPC-Server-Name", "Arith"),
        ("X-Wgrpc-Meta", r#"{"weight":3}"#),
    ];
    post(&registry, &heavy).await;
    let news = watch(format!("watch={seen}")).await;
    assert_eq!(news["since"], seen);
    assert!(news["revision"].as_u64().unwrap() > seen);
    let changed = json!([
        { "address": TWO.1, "group": "Arith", "age_ms": 0, "meta": { "weight": 3 } },
    ]);
    assert_eq!(news["servers"], changed, "renewing is no change");
    assert_eq!(news["gone"], json!([{ "address": ONE.1, "group": "" }]));

    // A revision that is not remembered, from an earlier life of the registry or a later one.
    for unknown in [seen - 1000, seen + 1000, u64::MAX] {
        let whole = watch(format!("watch={unknown}")).await;
        assert_eq!(whole["servers"].as_array().unwrap().len(), 2);
        assert!(whole.get("since").is_none() && whole.get("gone").is_none());
    }
}

#[tokio::test]
async fn one_change_among_ten_thousand_servers_is_told_in_a_few_bytes() {
    let registry = whole_from_the_start();
    for number in 0..10_000 {
        let address = format!("tcp@10.0.{}.{}:9001", number >> 8, number & 255);
        post(&registry, &[("X-Wgrpc-Server", &address)]).await;
    }
    let whole = ask(&registry, "GET", "/?watch=0", &[]).await;
    assert!(whole.body.len() > 500_000);
    let seen = whole.json()["revision"].clone();
    post(&registry, &[("X-Wgrpc-Server", "tcp@10.9.9.9:9001")]).await;
    ask(
        &registry,
        "DELETE",
        "/",
        &[("X-Wgrpc-Server", "tcp@10.0.0.1:9001")],
    )
    .await;
    let news = ask(&registry, "GET", &format!("/?watch={seen}&changes"), &[]).await;
    assert!(news.body.len() < 300, "{:?}", news.body);
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_a_group_is_not_woken_by_others() {
    let registry = whole_from_the_start();
    let arith = ("X-WgRPC-Server-Name", "Arith");
    post(&registry, &[ONE, arith]).await;
    let whole = ask(&registry, "GET", "/?format=json", &[arith])
        .await
        .json();
    let watch = async |seen: &Value| {
        let uri = format!("/?watch={seen}&wait=10000&changes");
        ask(&registry, "GET", &uri, &[arith]).await.json()
    };
    let other = async {
        sleep(Duration::from_secs(3)).await;
        post(&registry, &[TWO]).await;
    };
    let start = Instant::now();
    let (news, ()) = tokio::join!(watch(&whole["revision"]), other);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    // It is told nothing but where to go on, so that the registry remembers what comes after it.
    assert_eq!(news["servers"], json!([]));
    assert!(news["revision"].as_u64() > whole["revision"].as_u64());

    let ours = async {
        sleep(Duration::from_secs(3)).await;
        post(&registry, &[TWO, arith]).await;
    };
    let start = Instant::now();
    let (news, ()) = tokio::join!(watch(&news["revision"]), ours);
    assert_eq!(start.elapsed(), Duration::from_millis(3050));
    assert_eq!(news["servers"][0]["address"], TWO.1);

    // Whoever wants all of the list neither.
    let uri = format!("/?watch={}&wait=10000", news["revision"]);
    let other = async {
        sleep(Duration::from_secs(3)).await;
        post(&registry, &[ONE]).await;
    };
    let start = Instant::now();
    let headers = [arith];
    tokio::join!(ask(&registry, "GET", &uri, &headers), other);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn that_a_list_is_whole_is_news_for_whoever_has_had_it_before() {
    let registry = registry();
    post(&registry, &[ONE]).await;
    let first = ask(&registry, "GET", "/?format=json", &[]).await.json();
    assert_eq!(first["warming"], true);
    let uri = format!("/?watch={}&changes&wait=", first["revision"]);
    assert_eq!(
        ask(&registry, "GET", &format!("{uri}20000"), &[])
            .await
            .status,
        304
    );
    let later = ask(&registry, "GET", &format!("{uri}20000"), &[])
        .await
        .json();
    assert_eq!(
        (&later["warming"], &later["servers"]),
        (&json!(false), &json!([]))
    );
    assert_ne!(later["revision"], first["revision"]);
    let uri = format!("/?watch={}&wait=20000", later["revision"]);
    assert_eq!(ask(&registry, "GET", &uri, &[]).await.status, 304);
}

#[tokio::test(start_paused = true)]
async fn more_watchers_than_there_may_be_are_refused() {
    let limits = RegistryLimits {
        watchers: 2,
        ..Default::default()
    };
    let registry = Registry::builder().limits(limits).build();
    let now = ask(&registry, "GET", "/?watch=0", &[]).await.json()["revision"].clone();
    let (uri, no_wait) = (
        format!("/?watch={now}&wait=1000"),
        format!("/?watch={now}&wait=0"),
    );
    let watch = || ask(&registry, "GET", &uri, &[]);
    let (one, two, three) = tokio::join!(watch(), watch(), watch());
    assert_eq!([one.status, two.status, three.status], [304, 304, 503]);
    assert_eq!(watch().await.status, 304);
    // Whoever does not wait takes no place.
    let poll = || ask(&registry, "GET", &no_wait, &[]);
    let (one, two, three, four) = tokio::join!(watch(), watch(), poll(), poll());
    let statuses = [one.status, two.status, three.status, four.status];
    assert_eq!(statuses, [304; 4]);
}

#[tokio::test]
async fn only_who_has_the_token_may_register_and_everybody_may_list() {
    let registry = Registry::builder().token("secret").build();
    for wrong in [
        None,
        Some("Bearer "),
        Some("Bearer secre"),
        Some("Bearer secret2"),
        Some("secret"),
    ] {
        let authorization = wrong.map(|wrong| ("Authorization", wrong));
        let headers: Vec<_> = [ONE].into_iter().chain(authorization).collect();
        for method in ["POST", "DELETE"] {
            let got = ask(&registry, method, "/", &headers).await;
            assert_eq!(got.status, 401);
            assert_eq!(got.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(servers(&registry, &[]).await, "");
    assert_eq!(
        post(&registry, &[ONE, ("Authorization", "Bearer secret")]).await,
        200
    );
    assert_eq!(servers(&registry, &[]).await, ONE.1);
}

#[tokio::test]
async fn what_is_no_address_for_others_is_refused() {
    let registry = registry();
    for wrong in [
        "nonsense",
        "unix@/run/docker.sock",
        "udp@10.0.0.1:1",
        "tcp@10.0.0.1",
        "tcp@10.0.0.1:65536",
        "tcp@a@b:1",
        "tcp@169.254.169.254:80",
        "tcp@10.0.0.1:1,tcp@10.0.0.2:1",
        "tcp@10.0.0.1:1 tcp@10.0.0.2:1",
        "tcp@höst:1",
    ] {
        assert_eq!(
            post(&registry, &[("X-Wgrpc-Server", wrong)]).await,
            400,
            "{wrong}"
        );
    }
    let long = format!("tcp@{}:1", "h".repeat(300));
    assert_eq!(post(&registry, &[("X-Wgrpc-Server", &long)]).await, 400);
    assert_eq!(post(&registry, &[ONE, ONE]).await, 400);
    let group = "g".repeat(200);
    assert_eq!(
        post(&registry, &[ONE, ("X-WgRPC-Server-Name", &group)]).await,
        400
    );
    for meta in [
        "{",
        "7",
        r#"{"weight":-1}"#,
        r#"{"weight":4294967296}"#,
        r#"{"zone":1}"#,
    ] {
        assert_eq!(
            post(&registry, &[ONE, ("X-Wgrpc-Meta", meta)]).await,
            400,
            "{meta}"
        );
    }
    assert_eq!(servers(&registry, &[]).await, "");
}

#[tokio::test]
async fn pages_in_browsers_are_kept_out() {
    let registry = registry();
    let origin = ("Origin", "http://evil.example");
    for headers in [&[ONE, origin][..], &[ONE, ("Sec-Fetch-Site", "cross-site")]] {
        for method in ["GET", "POST", "DELETE"] {
            assert_eq!(ask(&registry, method, "/", headers).await.status, 403);
        }
    }
    let by_hand = [("Sec-Fetch-Site", "none")];
    assert_eq!(ask(&registry, "GET", "/", &by_hand).await.status, 200);
}

#[tokio::test]
async fn ten_thousand_servers_are_the_most() {
    let registry = registry();
    for number in 0..10_100 {
        let address = format!("tcp@10.0.{}.{}:9001", number >> 8, number & 255);
        let status = post(&registry, &[("X-Wgrpc-Server", &address)]).await;
        assert_eq!(status, if number < 10_000 { 200 } else { 503 });
    }
    assert_eq!(
        post(&registry, &[("X-Wgrpc-Server", "tcp@10.0.0.0:9001")]).await,
        200
    );
    assert_eq!(servers(&registry, &[]).await.split(',').count(), 10_000);
}
