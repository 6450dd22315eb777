//! What is generated refers to nothing by a name that somebody else may have taken, keeps to the
//! strictest lints, and may be left unused.

#![deny(warnings, missing_docs, missing_debug_implementations)]
#![deny(unreachable_pub, unused_qualifications, elided_lifetimes_in_paths)]
#![allow(unused_imports)]

/// Names that hide those that the generated code needs.
mod names {
    pub(crate) struct Result;
    pub(crate) struct Service;
    pub(crate) struct Method;
    pub(crate) struct Arc;
    pub(crate) struct Fault;
    pub(crate) trait Future {}
    pub(crate) trait Send {}
    pub(crate) trait Caller {}
    pub(crate) trait Into {}
}

/// A service that nobody asks for a client.
mod private {
    use crate::names::*;

    /// Private, as its service and so its client's types are.
    #[wgrpc::message]
    struct Args {
        a: i64,
    }

    struct Arith;

    #[wgrpc::service]
    impl Arith {
        async fn double(&self, argument: Args) -> i64 {
            argument.a * 2
        }

        fn service(
            &self,
            service: i64,
            context: &wgrpc::Context,
        ) -> std::result::Result<(), String> {
            let _ = (service, context);
            Ok(())
        }
    }

    pub(super) fn is_a_service() -> impl wgrpc::IntoService {
        Arith
    }
}

/// A contract of a library.
pub mod public {
    use crate::names::*;

    /// Answers.
    #[wgrpc::service]
    pub trait Oracle {
        /// Answers a question.
        async fn answer(&self, question: String) -> std::result::Result<String, wgrpc::Fault>;
        /// Says something.
        fn caller(&self) -> String;
    }
}

mod other_crate_names {
    mod renamed {
        pub(super) use wgrpc::__private;
    }

    #[wgrpc::message(crate = "renamed")]
    struct Args {
        data: Vec<u8>,
    }

    struct Sink;

    #[wgrpc::service(crate = "renamed")]
    impl Sink {
        fn take(&self, args: Args) {
            drop(args.data);
        }
    }

    pub(super) fn is_a_service() -> impl wgrpc::IntoService {
        std::sync::Arc::new(Sink)
    }
}

fn main() {
    let builder = wgrpc::Server::builder();
    let builder = builder.register(private::is_a_service());
    drop(builder.register(other_crate_names::is_a_service()));
}
