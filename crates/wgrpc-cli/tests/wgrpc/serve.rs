//! `wgrpc serve`: addresses, signals, options.

use std::thread;
use std::time::Duration;

use crate::command::{Serving, run};

#[test]
fn each_address_is_printed_with_its_real_port() {
    let folder = tempfile::tempdir().unwrap();
    let unix = format!("unix@{}", folder.path().join("a.sock").display());
    let serving = Serving::on(&["tcp@127.0.0.1:0", &unix, "tcp@[::1]:0"]);
    let [tcp, same, tcp6] = serving.addresses.as_slice() else {
        panic!("{serving:?}")
    };
    assert!(
        tcp.starts_with("tcp@127.0.0.1:") && !tcp.ends_with(":0"),
        "{tcp}"
    );
    assert!(
        tcp6.starts_with("tcp@[::1]:") && !tcp6.ends_with(":0"),
        "{tcp6}"
    );
    assert_eq!(*same, unix);
    assert_eq!(run(&["call", tcp6, "Arith.Sleep", "1"]).ok(), "1\n");
}

#[test]
fn a_signal_ends_it_with_status_0() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("a.sock");
        let mut serving = Serving::on(&[&format!("unix@{}", socket.display())]);
        assert!(socket.exists());
        serving.signal(signal);
        let (status, rest) = serving.wait();
        assert_eq!((status.code(), &*rest), (Some(0), ""), "{signal}");
        assert!(!socket.exists());
    }
}

#[test]
fn requests_that_were_accepted_are_answered_before_the_end() {
    let mut serving = Serving::start();
    let address = serving.address().to_owned();
    let calls: Vec<_> = ["gob", "json"]
        .map(|codec| {
            let address = address.clone();
            thread::spawn(move || run(&["call", &address, "Arith.Sleep", "1000", "--codec", codec]))
        })
        .into();
    // Long enough for the calls to arrive, and not for their replies to leave.
    thread::sleep(Duration::from_millis(400));
    serving.signal("TERM");
    for call in calls {
        assert_eq!(call.join().unwrap().ok(), "1000\n");
    }
    assert_eq!(serving.wait().0.code(), Some(0));
    run(&["call", &address, "Arith.Sleep", "1"]).failed(3);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut serving = Serving::start();
    let address = serving.address().to_owned();
    let call = thread::spawn(move || run(&["call", &address, "Arith.Sleep", "60000"]));
    thread::sleep(Duration::from_millis(400));
    serving.signal("TERM");
    thread::sleep(Duration::from_millis(100));
    serving.signal("TERM");
    assert_eq!(serving.wait().0.code(), Some(1));
    // The handler was stopped. Its client is told so, unless the connection ends before that has
    // been written.
    let ended = call.join().unwrap();
    let (status, reason) = match ended.status {
        Some(1) => (1, "error: the server is shutting down\n"),
        _ => (
            3,
            "error: connection lost, the call may have been executed: ",
        ),
    };
    let complaint = ended.failed(status);
    assert!(complaint.starts_with(reason), "{complaint}");
}

#[test]
fn a_request_that_takes_too_long_is_answered_with_an_error() {
    let serving = Serving::with(&["tcp@127.0.0.1:0"], &["--handle-timeout", "50ms"]);
    let complaint = run(&["call", serving.address(), "Arith.Sleep", "5000"]).failed(4);
    assert!(complaint.contains("timeout"), "{complaint}");
}

#[test]
fn the_page_is_shown_unless_it_is_off() {
    for (option, status) in [("on", "200"), ("auto", "200"), ("off", "404")] {
        let serving = Serving::with(&["tcp@127.0.0.1:0"], &["--debug-page", option]);
        let page = serving.page();
        assert!(
            page.starts_with(&format!("HTTP/1.1 {status}")),
            "{option}: {page}"
        );
        assert_eq!(
            page.contains("Multiply(Args{A int, B int}) int"),
            status == "200",
            "{page}"
        );
    }
}

#[test]
fn an_address_that_is_taken_or_none_is_refused() {
    let serving = Serving::start();
    let complaint = run(&["serve", "--listen", serving.address()]).failed(3);
    assert!(
        complaint.starts_with("error: cannot listen on tcp@127.0.0.1:"),
        "{complaint}"
    );
    run(&["serve", "--listen", "127.0.0.1:0"]).failed(2);
}
