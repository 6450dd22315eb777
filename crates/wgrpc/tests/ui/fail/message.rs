//! Types that cannot be messages.

use wgrpc::message;

#[message]
#[serde(tag = "kind")]
enum Tagged {
    Circle { radius: f64 },
}

#[message]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
}

#[message]
struct Twice {
    user_id: i64,
    #[gob(name = "UserId")]
    id: i64,
}

#[message]
struct Foreign {
    #[serde(with = "somewhere")]
    value: i64,
}

#[message(int)]
enum WithData {
    Number(i64),
}

#[message(int)]
struct NoEnum;

#[message(exactly)]
struct Misspelt;

#[message]
fn function() {}

#[message]
union Bits {
    int: u64,
    float: f64,
}

fn main() {}
