//! Calls at every server, some of which are slow, fail, panic, never answer or die meanwhile: in
//! tens of thousands of orders of events, each of which decides what has to come of it.

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use wgrpc_cluster::{ServerList, XClient};
use wgrpc_core::{Client, Code, Error, Fault, Method, Server, Service};

use crate::fleet::{Fleet, endpoint};

const MEMBERS: usize = 4;

/// What each call has.
const DEADLINE: Duration = Duration::from_secs(2);

/// How many calls are made at a time.
const AT_A_TIME: usize = 50;

/// How often.
const BATCHES: usize = 250;

/// What panics say that are meant to be; it is kept out of the tests' output.
const TEXT: &str = "a panic that is meant to be";

/// What a server does with a call.
const ANSWER: u64 = 0;
const FAIL: u64 = 1;
const PANIC: u64 = 2;
const HANG: u64 = 3;
const DIE: u64 = 4;

/// What each server does, and after how many milliseconds.
type Plan = Vec<(u64, u64)>;

fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref() != Some(&TEXT) {
                usual(info);
            }
        }));
    });
}

fn start(fleet: &Fleet, number: usize) {
    let again = fleet.clone();
    let follow = move |plan: Vec<u64>, _| {
        let fleet = again.clone();
        async move {
            let (what, after) = (plan[2 * number], plan[2 * number + 1]);
            sleep(Duration::from_millis(after)).await;
            match what {
                FAIL => return Err(Fault::new(format!("{number} does not want to"))),
                PANIC => std::panic::panic_any(TEXT),
                // Its answer comes when nobody waits for it any more.
                HANG => sleep(DEADLINE).await,
                DIE => {
                    start(&fleet, number);
                    std::future::pending::<()>().await;
                }
                _ => {}
            }
            Ok(number as u64)
        }
    };
    let server = Server::builder()
        .register(Service::new("Plan").method("Follow", Method::future(follow)))
        .start()
        .unwrap();
    fleet.put(&endpoint(number), server);
}

/// A plan in which no two things happen at the same time.
fn any_plan(random: &mut Rng, whats: u64) -> Plan {
    let all = (0..MEMBERS as u64).map(|number| {
        // Most are well in half of all plans, so that late ends are seen too.
        let what = if random.bool() {
            ANSWER
        } else {
            random.u64(..whats)
        };
        (what, random.u64(..300) * MEMBERS as u64 + number)
    });
    all.collect()
}

fn flat(plan: &Plan) -> Vec<u64> {
    plan.iter()
        .flat_map(|&(what, after)| [what, after])
        .collect()
}

/// Whether this is what the server does that follows so.
fn is_as_planned(what: u64, number: usize, result: &Result<u64, Error>) -> bool {
    match (what, result) {
        (ANSWER, Ok(reply)) => *reply == number as u64,
        (FAIL, Err(Error::Remote(fault))) => fault.text() == format!("{number} does not want to"),
        (PANIC, Err(Error::Remote(fault))) => fault.code() == Some(Code::Panicked),
        _ => false,
    }
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Broadcast,
    Fork,
    CallAll,
}

fn any_verb(random: &mut Rng) -> Verb {
    match random.u8(..3) {
        0 => Verb::Broadcast,
        1 => Verb::Fork,
        _ => Verb::CallAll,
    }
}

/// Makes a call at all servers, and checks that it ends as and when the plan says.
async fn check(client: XClient, verb: Verb, plan: Plan) {
    let start = Instant::now();
    let request = flat(&plan);
    // In the order in which they happen.
    let mut order: Vec<(u64, usize, u64)> = plan
        .iter()
        .enumerate()
        .map(|(number, &(what, after))| (after, number, what))
        .collect();
    order.sort_unstable();
    let last = order.last().copied().unwrap();
    let (end, as_planned) = match verb {
        Verb::Broadcast => {
            let first_error = order.iter().find(|(.., what)| *what != ANSWER);
            let (end, number, what) = first_error.copied().unwrap_or(last);
            let result = client.broadcast("Plan.Follow", &request).await;
            (end, is_as_planned(what, number, &result))
        }
        Verb::Fork => {
            let first_reply = order.iter().find(|(.., what)| *what == ANSWER);
            let result = client.fork("Plan.Follow", &request).await;
            match first_reply.copied() {
                Some((end, number, what)) => (end, is_as_planned(what, number, &result)),
                None => {
                    let all =
                        matches!(&result, Err(Error::Attempts(all)) if all.count() == MEMBERS);
                    (last.0, all)
                }
            }
        }
        Verb::CallAll => {
            let results = client.call_all("Plan.Follow", &request).await.unwrap();
            let results: BTreeMap<String, Result<u64, Error>> = results
                .into_iter()
                .map(|(address, result)| (address.to_string(), result))
                .collect();
            let all = plan.iter().enumerate().all(|(number, &(what, _))| {
                let result = &results[&endpoint(number).address.to_string()];
                is_as_planned(what, number, result)
            });
            (last.0, all && results.len() == MEMBERS)
        }
    };
    assert!(as_planned, "{verb:?} of {plan:?}");
    let late = start.elapsed().abs_diff(Duration::from_millis(end));
    assert!(
        late <= Duration::from_millis(2),
        "{verb:?} of {plan:?}: {late:?}"
    );
}

/// Makes a call at all servers, and checks that it ends in time, with what may be.
async fn check_end(client: XClient, verb: Verb, plan: Plan) {
    let start = Instant::now();
    let request = flat(&plan);
    let is_wrong_answer = |result: &Result<u64, Error>| match result {
        Ok(number) => plan[*number as usize].0 != ANSWER,
        Err(_) => false,
    };
    let is_wrong = match verb {
        Verb::Broadcast => {
            let result = client.broadcast::<_, u64>("Plan.Follow", &request).await;
            let may_succeed = plan.iter().all(|(what, _)| *what == ANSWER);
            result.is_ok() && !may_succeed
        }
        Verb::Fork => is_wrong_answer(&client.fork("Plan.Follow", &request).await),
        Verb::CallAll => {
            let results = client.call_all("Plan.Follow", &request).await.unwrap();
            results.len() != MEMBERS || results.iter().any(|(_, result)| is_wrong_answer(result))
        }
    };
    assert!(!is_wrong, "{verb:?} of {plan:?}");
    let took = start.elapsed();
    let most = DEADLINE + Duration::from_millis(2);
    assert!(took <= most, "{verb:?} of {plan:?}: {took:?}");
}

/// Servers, and a client that is connected to all of them.
async fn four() -> (Fleet, XClient) {
    keep_quiet();
    let fleet = Fleet::default();
    (0..MEMBERS).for_each(|number| start(&fleet, number));
    let client = Client::builder().timeout(DEADLINE);
    let client = fleet
        .reached_by(XClient::builder().client(client))
        .start(ServerList::new((0..MEMBERS).map(endpoint)))
        .unwrap();
    while client.servers().iter().any(|server| !server.is_connected) {
        sleep(Duration::from_millis(1)).await;
    }
    (fleet, client)
}

/// Nothing is left of calls that have ended, even where their servers are at work still.
fn check_nothing_is_left(client: &XClient) {
    for server in client.servers() {
        assert_eq!(server.in_flight, 0, "{server:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_failing_and_panicking_servers_decide_by_their_order_alone() {
    let (fleet, client) = four().await;
    let mut random = Rng::with_seed(50);
    for _ in 0..BATCHES {
        let mut calls = JoinSet::new();
        for _ in 0..AT_A_TIME {
            let (verb, plan) = (any_verb(&mut random), any_plan(&mut random, HANG));
            calls.spawn(check(client.clone(), verb, plan));
        }
        calls.join_all().await;
        check_nothing_is_left(&client);
    }
    assert_eq!(fleet.dials(), MEMBERS);
    assert_eq!(fleet.open(), MEMBERS);
}

#[tokio::test(start_paused = true)]
async fn with_servers_that_hang_and_die_calls_at_all_of_them_end_in_time() {
    let (fleet, client) = four().await;
    let mut random = Rng::with_seed(51);
    for _ in 0..BATCHES {
        let mut calls = JoinSet::new();
        for _ in 0..AT_A_TIME {
            let (verb, plan) = (any_verb(&mut random), any_plan(&mut random, DIE + 1));
            calls.spawn(check_end(client.clone(), verb, plan));
        }
        calls.join_all().await;
        check_nothing_is_left(&client);
    }
    // Connections that were given up end with the last call over them; then all is well.
    sleep(Duration::from_secs(60)).await;
    assert_eq!(fleet.open(), MEMBERS);
    let plan = vec![ANSWER; 2 * MEMBERS];
    let all = client.call_all::<_, u64>("Plan.Follow", &plan).await;
    assert!(all.unwrap().iter().all(|(_, result)| result.is_ok()));
}
