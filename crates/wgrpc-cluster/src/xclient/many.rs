//! The same call at every server at a time.

use std::future::Future;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wgrpc_core::{Address, Attempt, BoxFuture, CallOptions, Error, Result};
use wgrpc_gob::Gob;

use super::call::Task;
use crate::member::Member;
use crate::pool::Pool;

/// Calls to all servers on their way. Dropped, those that have not ended are given up.
pub(super) struct Many<R> {
    pool: Arc<Pool>,
    calls: FuturesUnordered<BoxFuture<'static, (Address, Result<R>)>>,
}

impl<R: DeserializeOwned + Send + 'static> Many<R> {
    /// Calls every server that is known.
    pub(super) async fn start<A>(
        pool: &Arc<Pool>,
        method: &str,
        args: &A,
        options: CallOptions,
    ) -> Result<Self>
    where
        A: Serialize + Gob + ?Sized,
    {
        let task = Arc::new(Task::for_all(pool, method, args, options)?);
        let members = task.wait_for_members().await;
        Ok(Self {
            pool: pool.clone(),
            calls: members
                .into_iter()
                .map(|member| -> BoxFuture<'static, _> { Box::pin(one(&task, member)) })
                .collect(),
        })
    }

    /// The next result, in the order in which they come; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<(Address, Result<R>)> {
        self.calls.next().await
    }

    /// The error that ends it all: what a server has said, or where it was that failed.
    pub(super) fn failed(&self, server: Address, error: Error) -> Error {
        match error {
            Error::Remote(_) | Error::Refused(_) | Error::Decode(_) => error,
            error => self.all_failed(vec![(server, error)]),
        }
    }

    /// The error of all of these servers.
    pub(super) fn all_failed(&self, failed: Vec<(Address, Error)>) -> Error {
        let attempts = failed
            .into_iter()
            .map(|(server, error)| Attempt::new(server, error));
        self.pool.all_failed(attempts)
    }
}

/// The call at one server: on its way at once if there is a connection.
fn one<R>(
    task: &Arc<Task>,
    member: Arc<Member>,
) -> impl Future<Output = (Address, Result<R>)> + Send + 'static
where
    R: DeserializeOwned + Send + 'static,
{
    let task = task.clone();
    let way = member.link().map(|link| task.last_attempt(link));
    async move {
        let way = match way {
            Some(way) => Some(way),
            None => {
                let link = task.wait_for(&member).await;
                link.map(|link| task.last_attempt(link))
            }
        };
        let result = match way {
            Some(way) => way.await,
            None => Err(member.why_no_call()),
        };
        (member.address.clone(), result)
    }
}
