//! Which texts are addresses, and what is said about the others.

use proptest::prelude::*;

use super::*;

fn error(given: &str) -> String {
    given.parse::<Address>().unwrap_err().to_string()
}

#[test]
fn every_protocol_is_read_and_written_as_it_was_given() {
    for given in [
        "tcp@127.0.0.1:9000",
        "tcp@:0",
        "tcp@localhost:65535",
        "tcp4@db_1.example-host.net:1",
        "tcp6@[::1]:9000",
        "tcp6@[fe80::1%eth0]:9000",
        "unix@/run/wgrpc.sock",
        "unix@relative path, with a comma",
        "http@[::]:80",
    ] {
        let address: Address = given.parse().unwrap();
        assert_eq!(address.to_string(), given);
        let (protocol, target) = given.split_once('@').unwrap();
        assert_eq!(address.protocol().to_string(), protocol);
        assert_eq!(address.target(), target);
    }
}

#[test]
fn anything_but_one_at_sign_is_the_original_error() {
    for given in ["", "127.0.0.1:9000", "a@b@c", "unix@@abstract", "@@"] {
        let expected = format!("wrong format '{given}', expect protocol@addr");
        assert_eq!(error(given), expected);
    }
}

#[test]
fn an_unknown_protocol_is_an_error_that_names_the_known_ones() {
    for given in ["udp@1.2.3.4:5", "TCP@1.2.3.4:5", "@1.2.3.4:5", "tcp @1:5"] {
        let expected =
            format!("unknown protocol in '{given}', expect one of tcp, tcp4, tcp6, unix, http");
        assert_eq!(error(given), expected);
    }
}

#[test]
fn a_wrong_address_is_an_error_that_says_what_to_write() {
    for (given, reason) in [
        ("tcp@", "the address is empty, expect host:port"),
        ("http@", "the address is empty, expect host:port"),
        ("unix@", "the path is empty"),
        ("tcp@localhost", "the port is missing, expect host:port"),
        ("tcp@[::1]", "the port is missing, expect [ipv6]:port"),
        (
            "tcp@localhost:",
            "the port must be a number from 0 to 65535",
        ),
        (
            "tcp@localhost:http",
            "the port must be a number from 0 to 65535",
        ),
        (
            "tcp@localhost:+80",
            "the port must be a number from 0 to 65535",
        ),
        (
            "tcp@localhost:65536",
            "the port must be a number from 0 to 65535",
        ),
        (
            "tcp@::1:80",
            "an IPv6 address needs brackets, expect [ipv6]:port",
        ),
        (
            "tcp@[localhost]:80",
            "an IPv6 address must stand between the brackets",
        ),
        (
            "tcp@[::1:80",
            "an IPv6 address must stand between the brackets",
        ),
        (
            "tcp@[::1%]:80",
            "an IPv6 address must stand between the brackets",
        ),
    ] {
        assert_eq!(error(given), format!("wrong address '{given}': {reason}"));
    }
}

#[test]
fn what_could_be_taken_for_several_addresses_or_lines_is_no_address() {
    for given in [
        "tcp@a:1,tcp:2",
        "tcp@a b:1",
        "tcp@a\r\nb:1",
        "unix@a\r\nb",
        "unix@a\0",
    ] {
        assert!(given.parse::<Address>().is_err(), "{given:?}");
    }
}

#[test]
fn whatever_names_an_address_turns_into_one() {
    fn connect<A>(address: A) -> Result<Address, AddressError>
    where
        A: TryInto<Address, Error: Into<AddressError>>,
    {
        address.try_into().map_err(Into::into)
    }
    let text = "tcp@127.0.0.1:9000";
    let address = connect(text).unwrap();
    assert_eq!(connect(&address), Ok(address.clone()));
    let owned = text.to_owned();
    assert_eq!(connect(&owned), Ok(address.clone()));
    assert_eq!(connect(owned), Ok(address.clone()));
    assert_eq!(
        connect(SocketAddr::from(([127, 0, 0, 1], 9000))),
        Ok(address.clone())
    );
    assert_eq!(connect(address.clone()), Ok(address));
    assert!(connect("nowhere").is_err());
}

#[test]
fn host_and_port_come_without_brackets() {
    let parts = |given: &str| {
        let address: Address = given.parse().unwrap();
        address
            .host_and_port()
            .map(|(host, port)| (host.to_owned(), port))
    };
    assert_eq!(parts("tcp@[::1]:80"), Some(("::1".to_owned(), 80)));
    assert_eq!(
        parts("http@example.org:80"),
        Some(("example.org".to_owned(), 80))
    );
    assert_eq!(parts("tcp@:80"), Some((String::new(), 80)));
    assert_eq!(parts("unix@/a:80"), None);
}

proptest! {
    #[test]
    fn no_text_panics_and_what_is_accepted_is_written_as_it_was(given in "\\PC{0,40}") {
        if let Ok(address) = given.parse::<Address>() {
            prop_assert_eq!(address.to_string(), given);
        }
    }

    #[test]
    fn what_is_accepted_for_tcp_has_a_host_and_a_port(
        target in "[\\[\\]:.%a-f0-9\\-]{0,24}",
    ) {
        if let Ok(address) = format!("tcp@{target}").parse::<Address>() {
            prop_assert!(address.host_and_port().is_some());
        }
    }
}
