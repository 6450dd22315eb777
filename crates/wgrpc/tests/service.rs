//! `#[service]`: what methods may look like, and that server and client agree about them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::num::ParseIntError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc::{
    CallOptions, Caller, Client, Code, Context, Error, Fault, Gob, IntoService, Result, Server,
    message, service,
};

/// A server of the service, and a client of it without a socket.
fn serve(service: impl IntoService) -> (Server, Client) {
    let server = Server::builder().register(service).start().unwrap();
    let client = server.connect().unwrap();
    (server, client)
}

#[message]
#[derive(Clone, Debug, PartialEq)]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Default)]
struct Arith {
    calls: AtomicU64,
}

#[service]
impl Arith {
    async fn multiply(&self, args: Args) -> Result<i64, Fault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(args.a * args.b)
    }

    fn add(&self, Args { a, b }: Args) -> i64 {
        a + b
    }

    async fn divide(&self, args: Args) -> Result<i64, String> {
        tokio::task::yield_now().await;
        match args.b {
            0 => Err("divide by zero".to_owned()),
            b => Ok(args.a / b),
        }
    }

    fn parse(&self, text: String) -> Result<i64, ParseIntError> {
        text.parse()
    }

    fn secret(&self) -> Result<(), Fault> {
        Err(Fault::forbidden("not you"))
    }

    async fn forget(&self) {
        self.calls.store(0, Ordering::Relaxed);
    }

    async fn at_most_two(&self, number: i64) -> i64 {
        assert!(number <= 2, "{number} is too many");
        number
    }

    #[method(name = "CallCount")]
    fn count(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn own_name(&self, context: Context) -> String {
        context.method().to_owned()
    }

    async fn named(&self, prefix: String, context: &Context) -> String {
        tokio::task::yield_now().await;
        prefix + context.method()
    }

    #[method(blocking)]
    #[method(idempotent)]
    fn sum(&self, numbers: Vec<i64>) -> i64 {
        numbers.iter().sum()
    }

    #[method(blocking)]
    async fn swap(&self, args: Args) -> Args {
        Args {
            a: args.b,
            b: args.a,
        }
    }

    #[cfg(any())]
    fn not_in_this_build(&self, nothing: NoSuchType) -> NoSuchType {
        nothing
    }

    #[method(skip)]
    fn hidden(&self, _borrowed: &str) {}

    fn helper(_text: &str) {}
}

#[tokio::test]
async fn every_form_of_method_is_served_and_called() {
    let (_server, client) = serve(Arith::default());
    let arith = ArithClient::new(client);
    let args = Args { a: 6, b: 7 };
    assert_eq!(arith.multiply(&args).await.unwrap(), 42);
    assert_eq!(arith.add(&args).await.unwrap(), 13);
    assert_eq!(arith.divide(&args).await.unwrap(), 0);
    assert_eq!(arith.parse("12").await.unwrap(), 12);
    assert_eq!(arith.count().await.unwrap(), 1);
    arith.forget().await.unwrap();
    assert_eq!(arith.count().await.unwrap(), 0);
    assert_eq!(arith.own_name().await.unwrap(), "Arith.OwnName");
    assert_eq!(arith.named("I am ").await.unwrap(), "I am Arith.Named");
    assert_eq!(arith.sum(&[1, 2, 3]).await.unwrap(), 6);
    assert_eq!(arith.swap(&args).await.unwrap(), Args { a: 7, b: 6 });
}

#[tokio::test]
async fn every_error_that_can_be_shown_is_a_fault() {
    let (_server, client) = serve(Arith::default());
    let arith = ArithClient::new(client);
    let error = arith.divide(&Args { a: 1, b: 0 }).await.unwrap_err();
    assert_eq!(error.to_string(), "divide by zero");
    let error = arith.parse("twelve").await.unwrap_err();
    assert_eq!(error.to_string(), "invalid digit found in string");
    let error = arith.secret().await.unwrap_err();
    assert_eq!(error.fault().unwrap().code(), Some(Code::Forbidden));
}

#[tokio::test]
async fn a_method_goes_on_after_it_has_panicked() {
    let (_server, client) = serve(Arith::default());
    let arith = ArithClient::new(client);
    for number in [1, 3, 2, 4, 5, 1] {
        match arith.at_most_two(&number).await {
            Ok(answer) => assert_eq!(answer, number),
            Err(error) => {
                assert_eq!(error.fault().and_then(Fault::code), Some(Code::Panicked));
                assert!(number > 2);
            }
        }
    }
}

#[tokio::test]
async fn methods_have_go_names_and_others_are_not_served() {
    let (_server, client) = serve(Arith::default());
    let product: i64 = client
        .call("Arith.Multiply", &Args { a: 2, b: 3 })
        .await
        .unwrap();
    assert_eq!(product, 6);
    assert_eq!(
        client.call::<_, u64>("Arith.CallCount", &()).await.unwrap(),
        1
    );
    // Whoever calls a method without an argument may send one.
    let count = client.call::<_, u64>("Arith.CallCount", &Args { a: 1, b: 1 });
    assert_eq!(count.await.unwrap(), 1);
    Arith::default().hidden("");
    Arith::helper("");
    for method in ["Hidden", "Helper", "Count", "multiply", "NotInThisBuild"] {
        let call = client.call::<_, ()>(&format!("Arith.{method}"), &());
        let error = call.await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{method}: {error}");
    }
}

#[tokio::test]
async fn a_service_can_be_shared_with_the_rest_of_the_program() {
    let arith = Arc::new(Arith::default());
    let (_server, client) = serve(Arc::clone(&arith));
    let args = Args { a: 1, b: 1 };
    ArithClient::new(&client).multiply(&args).await.unwrap();
    ArithClient::new(Arc::new(client))
        .multiply(&args)
        .await
        .unwrap();
    assert_eq!(arith.calls.load(Ordering::Relaxed), 2);
}

/// Counts the calls that it passes on.
struct Counting<C>(C, AtomicU64);

impl<C: Caller> Caller for Counting<C> {
    type Call<R: DeserializeOwned + Send + 'static> = C::Call<R>;

    fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> C::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.call_with(method, args, options)
    }
}

#[tokio::test]
async fn a_typed_client_calls_through_whatever_can_call() {
    let (_server, client) = serve(Arith::default());
    let counting = Counting(client, AtomicU64::new(0));
    let arith = ArithClient::new(&counting);
    arith.sum(&[]).await.unwrap();
    arith.count().await.unwrap();
    assert_eq!(counting.1.load(Ordering::Relaxed), 2);
}

/// Keeps the options that calls are made with.
#[derive(Clone)]
struct Recording<C>(C, Arc<Mutex<Vec<CallOptions>>>);

impl<C: Caller> Caller for Recording<C> {
    type Call<R: DeserializeOwned + Send + 'static> = C::Call<R>;

    fn call_with<A, R>(&self, method: &str, args: &A, options: CallOptions) -> C::Call<R>
    where
        A: Serialize + Gob + Sync + ?Sized,
        R: DeserializeOwned + Send + 'static,
    {
        self.1.lock().unwrap().push(options.clone());
        self.0.call_with(method, args, options)
    }
}

#[tokio::test]
async fn calls_of_a_typed_client_have_the_options_of_the_method_and_of_the_caller() {
    let (_server, client) = serve(Arith::default());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let arith = ArithClient::new(Recording(client, seen.clone()));
    arith.count().await.unwrap();
    arith.sum(&[1]).await.unwrap();
    let options = CallOptions::new().meta("trace", "7").key("ann");
    let traced = arith.with_options(options);
    traced.sum(&[1]).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(!seen[0].is_idempotent() && seen[1].is_idempotent());
    assert!(seen[1].metadata().is_empty() && seen[1].hash_key().is_none());
    assert!(seen[2].is_idempotent());
    assert_eq!(seen[2].metadata().get("trace"), Some("7"));
    assert_eq!(seen[2].hash_key(), Some(&b"ann"[..]));
}

mod generic {
    //! A service whose type has parameters, which its methods do not show.

    use super::*;

    trait Store: Send + Sync + 'static {
        fn load(&self, key: &str) -> Option<String>;
    }

    struct Api<S> {
        store: S,
    }

    #[service(name = "KV", client = "KvClient")]
    impl<S: Store> Api<S> {
        async fn load(&self, key: String) -> Option<String> {
            self.store.load(&key)
        }
    }

    struct Echoing;

    impl Store for Echoing {
        fn load(&self, key: &str) -> Option<String> {
            Some(key.to_owned())
        }
    }

    /// One whose methods do show them: there is no one client of it.
    struct Cell<T>(T);

    #[service(client = false)]
    impl<T> Cell<T>
    where
        T: Clone + Serialize + DeserializeOwned + Gob + Send + Sync + 'static,
    {
        fn read(&self) -> T {
            self.0.clone()
        }
    }

    #[tokio::test]
    async fn types_with_parameters_can_be_services() {
        let (server, client) = serve(Api { store: Echoing });
        server.register(Cell(7i64)).unwrap();
        let loaded = KvClient::new(&client).load("a").await.unwrap();
        assert_eq!(loaded.as_deref(), Some("a"));
        assert_eq!(client.call::<_, i64>("Cell.Read", &()).await.unwrap(), 7);
    }
}

mod contract {
    //! A trait that servers and clients share.

    use super::*;

    /// Answers questions.
    #[service]
    pub(super) trait Oracle: std::fmt::Debug {
        /// Takes its time.
        async fn answer(&self, question: String) -> Result<String, Fault>;

        /// Has an answer of its own.
        async fn greeting(&self) -> String {
            tokio::task::yield_now().await;
            "hello".to_owned()
        }

        #[method(name = "Version")]
        fn version_of(&self, _context: &Context) -> u32;
    }

    #[derive(Debug)]
    struct Delphi;

    impl Oracle for Delphi {
        async fn answer(&self, question: String) -> Result<String, Fault> {
            tokio::task::yield_now().await;
            match question.as_str() {
                "" => Err(Fault::new("ask something")),
                question => Ok(format!("{question}? perhaps")),
            }
        }

        fn version_of(&self, _context: &Context) -> u32 {
            3
        }
    }

    #[derive(Debug)]
    struct Mock;

    impl Oracle for Mock {
        async fn answer(&self, _question: String) -> Result<String, Fault> {
            Ok("yes".to_owned())
        }

        async fn greeting(&self) -> String {
            "beep".to_owned()
        }

        fn version_of(&self, _context: &Context) -> u32 {
            0
        }
    }

    #[tokio::test]
    async fn whatever_implements_the_trait_can_be_served() {
        let (_server, client) = serve(OracleService(Delphi));
        let oracle = OracleClient::new(client);
        assert_eq!(oracle.answer("rain").await.unwrap(), "rain? perhaps");
        assert_eq!(oracle.greeting().await.unwrap(), "hello");
        assert_eq!(oracle.version_of().await.unwrap(), 3);
        let error = oracle.answer("").await.unwrap_err();
        assert_eq!(error.to_string(), "ask something");

        let (_server, client) = serve(OracleService(Mock));
        let oracle = OracleClient::new(client);
        assert_eq!(oracle.answer("rain").await.unwrap(), "yes");
        assert_eq!(oracle.greeting().await.unwrap(), "beep");
    }
}
