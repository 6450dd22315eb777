//! The shortest way through everything.
use std::time::Duration;
use wgrpc_core::{Client, Context, Error, Fault, Method, Server, Service};

fn arith() -> Service {
    Service::new("Arith")
        .method(
            "Multiply",
            Method::function(|(a, b): (i64, i64), _| Ok(a * b)),
        )
        .method(
            "Divide",
            Method::function(|(a, b): (i64, i64), _| {
                if b == 0 {
                    return Err(Fault::new("divide by zero"));
                }
                Ok(a / b)
            }),
        )
        .method(
            "Sleep",
            Method::future(|ms: u64, _: Context| async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok(ms)
            }),
        )
}

async fn conversation(client: &Client) {
    assert_eq!(
        client
            .call::<_, i64>("Arith.Multiply", &(6i64, 7i64))
            .await
            .unwrap(),
        42
    );
    let error = client
        .call::<_, i64>("Arith.Divide", &(6i64, 0i64))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "divide by zero");
    let error = client
        .call::<_, i64>("Arith.Nope", &(6i64, 0i64))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "can't find method: Nope");
    assert!(matches!(error, Error::Refused(_)));
    assert_eq!(
        client.call::<_, u64>("Arith.Sleep", &5u64).await.unwrap(),
        5
    );
    let error = client
        .call::<_, u64>("Arith.Sleep", &5000u64)
        .timeout(Duration::from_millis(20))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let calls: Vec<_> = (0..1000i64)
        .map(|i| client.call::<_, i64>("Arith.Multiply", &(i, 2i64)))
        .collect();
    for (i, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), 2 * i as i64);
    }
    let calls: Vec<_> = (0..100u64)
        .map(|i| client.call::<_, u64>("Arith.Sleep", &(i % 10)))
        .collect();
    for (i, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), (i % 10) as u64);
    }
    client.close().unwrap();
    assert!(client.close().is_err());
    let error = client
        .call::<_, i64>("Arith.Multiply", &(6i64, 7i64))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Closed { sent: false }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_gob_over_every_transport() {
    let server = Server::builder()
        .register(arith())
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    for codec in ["application/json", "application/gob"] {
        let address = server.address().to_string();
        let client = Client::builder()
            .codec(codec)
            .connect(address.as_str())
            .await
            .unwrap();
        conversation(&client).await;
        let http = address.replace("tcp@", "http@");
        let client = Client::builder().codec(codec).connect(http).await.unwrap();
        conversation(&client).await;
    }
    conversation(&server.connect().unwrap()).await;
    server.shutdown().await.unwrap();
}
