//! The same client over polling, over polling with an upgrade, and over a WebSocket.

use super::{
    even,
    world::{B, PING, ROOT, World, at, full},
};
use sansocket::{
    endpoint::client::{Emit, FullLink},
    engineio::Transport::{Polling, WebSocket},
    socketio::ExpectAck,
};

fn each(test: impl Fn(World<FullLink<'static>>)) {
    test(full(even(), 4096, &[Polling]));
    test(full(even(), 4096, &[Polling, WebSocket]));
    test(full(even(), 4096, &[WebSocket]));
}

#[test]
fn one_namespace_from_the_first_connect_to_the_last_close() {
    each(|mut w| {
        w.client.connect(ROOT, at(0)).unwrap();
        w.client.emit(ROOT, "hello", &"you").unwrap();
        w.client.emit_with(ROOT, "ask", &(1, 2), Emit::new().ask(5, None)).unwrap();
        w.turn();
        assert_eq!(w.told(), ["opened", "connected /", "ack Some(5) 1,2"]);
        assert_eq!(w.heard(), ["connect /", "/ hello \"you\"", "/ ?ask 1,2"]);
        w.serve(|io, out| io.emit(ROOT, "question", &3, Some(ExpectAck { token: 9, deadline: None }), out).unwrap());
        let request = w.asked.pop().unwrap();
        w.client.ack(request, &"yes").unwrap();
        w.run(4 * PING);
        assert_eq!((w.told(), w.heard()), (vec!["/ question 3".into()], vec!["ack Some(9) \"yes\"".into()]));
        w.client.emit(ROOT, "last", &()).unwrap();
        w.client.close();
        w.turn();
        assert_eq!(w.heard(), ["/ last", "disconnect /", "closed transport close"]);
        assert_eq!(w.told(), ["left / io client disconnect", "over Closed"]);
        assert_eq!((w.client.poll_timeout(), w.client.held()), (None, 0));
    });
}

#[test]
fn many_events_wait_and_arrive_in_order_after_an_outage() {
    each(|mut w| {
        w.client.connect(ROOT, at(0)).unwrap();
        w.client.connect(B, at(0)).unwrap();
        w.turn();
        w.is_reachable = false;
        w.cut();
        for i in 0..40_u32 {
            w.client.emit(ROOT, "n", &i).unwrap();
        }
        w.wait(20_000);
        w.heard();
        w.is_reachable = true;
        w.wait(5000);
        let heard: Vec<_> = w.heard().into_iter().filter(|h| h.starts_with("/ n")).collect();
        assert_eq!(heard, (0..40).map(|i| format!("/ n {i}")).collect::<Vec<_>>());
        assert!(w.told().ends_with(&["opened".into(), "connected /".into(), "connected /b".into()]));
    });
}

#[test]
fn a_server_that_goes_mute() {
    each(|mut w| {
        w.client.connect(ROOT, at(0)).unwrap();
        w.run(PING);
        w.is_mute = true;
        w.told();
        w.run(PING + 46_000);
        assert_eq!(w.told()[..2], ["failed PingTimeout 0 Some(1000)", "left / ping timeout"]);
        w.is_mute = false;
        w.wait(60_000);
        assert!(w.told().ends_with(&["opened".into(), "connected /".into()]));
    });
}

#[test]
fn the_server_removes_the_client_for_good() {
    each(|mut w| {
        w.client.connect(ROOT, at(0)).unwrap();
        w.turn();
        w.serve(|io, out| io.disconnect(ROOT, out).unwrap());
        w.turn();
        assert_eq!(w.told()[2..], ["left / io server disconnect", "over Refused"]);
    });
}

#[test]
fn retries_go_over_connections() {
    each(|mut w| {
        w.server.answers = false;
        w.client.connect(ROOT, at(0)).unwrap();
        w.client.emit_with(ROOT, "a", &(), Emit::new().ask(1, None).retry(3, 60_000)).unwrap();
        w.turn();
        w.cut();
        w.server.answers = true;
        w.told();
        w.wait(1000);
        assert_eq!(w.told()[2..], ["ack Some(1) "]);
        assert_eq!(w.client.held(), 0);
    });
}
