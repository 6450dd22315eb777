//! Methods and types that cannot be served.

#![allow(unused_variables)]

use wgrpc::{Context, Fault, service};

struct Methods;

#[service]
impl Methods {
    fn two(&self, a: i64, b: i64) -> i64 {
        a * b
    }

    fn changing(&mut self) {}

    fn consuming(self) {}

    fn borrowed(&self, text: &str) {}

    fn borrowed_inside(&self, text: Option<&str>) {}

    fn borrowing(&self) -> &str {
        ""
    }

    fn generic<T>(&self, value: T) {}

    fn unnamed(&self, text: impl Into<String>) {}

    fn future(&self) -> impl Future<Output = i64> {
        std::future::ready(1)
    }

    fn context_first(&self, context: Context, number: i64) {}

    fn secret_result(&self) -> std::fmt::Result {
        Ok(())
    }

    unsafe fn dangerous(&self) {}

    #[method(name = "Good")]
    fn associated(number: i64) {}

    #[method(blocks)]
    fn misspelt(&self) {}

    #[method(name = "A.B")]
    fn dotted(&self) {}

    #[method(name = "Good")]
    fn good(&self) {}

    #[method(name = "Good")]
    fn same(&self) -> Result<(), Fault> {
        Ok(())
    }
}

struct Empty;

#[service]
impl Empty {
    fn forgotten(number: i64) {}
}

struct New;

#[service]
impl New {
    fn new(&self) {}
}

struct Api<T>(T);

#[service]
impl<T: Clone + serde::Serialize + wgrpc::Gob + Send + Sync + 'static> Api<T> {
    fn read(&self) -> T {
        self.0.clone()
    }
}

struct Borrowing<'a>(&'a str);

#[service]
impl<'a> Borrowing<'a> {
    fn read(&self) {}
}

#[service]
impl Clone for Empty {
    fn clone(&self) -> Self {
        Self
    }
}

#[service]
struct NoImpl;

#[service(nmae = "X")]
impl NoImpl {
    fn f(&self) {}
}

fn main() {}
