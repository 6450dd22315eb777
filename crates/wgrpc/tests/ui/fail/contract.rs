//! Traits that cannot be contracts.

use wgrpc::service;

#[service]
trait WithType {
    type Answer;

    fn answer(&self) -> Self::Answer;
}

#[service]
trait WithSelf {
    async fn copy(&self) -> Self;
}

#[service]
trait Generic<T> {
    async fn answer(&self) -> T;
}

#[service]
trait TwoArguments {
    async fn add(&self, a: i64, b: i64) -> i64;
}

fn main() {}
