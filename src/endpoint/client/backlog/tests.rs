//! The backlog against a plain list, and what it costs.

use super::*;
use crate::{
    socketio::Flags,
    ws::{Connection, Limits, Outbox},
};
use std::{format, string::String, vec, vec::Vec};

const A: Namespace = Namespace(0);
const B: Namespace = Namespace(1);

fn event(backlog: &mut Backlog<Vec<u8>>, kind: Kind, namespace: Namespace, name: &str) -> Result<(), SendError> {
    add(backlog, Record { id: Some(7), is_asked: true, ..Record::new(namespace, kind, Flags::NONE) }, name)
}

fn add(backlog: &mut Backlog<Vec<u8>>, record: Record, name: &str) -> Result<(), SendError> {
    let path = ["/", "/b"][usize::from(record.namespace.0)];
    let len = backlog.append(0, |out| write(path, name, out))?;
    backlog.commit(record, len);
    Ok(())
}

/// The writer of the session stands in for itself: `2/b,["name"]`.
fn write(path: &str, name: &str, out: &mut Out<'_, Stored>) -> Result<(), SendError> {
    let text = |w: &mut crate::bytes::Writer<'_>| {
        w.byte(b'2');
        if path != "/" {
            w.push(path.as_bytes());
            w.byte(b',');
        }
        w.push(b"[\"");
        w.push(name.as_bytes());
        w.push(b"\"]");
    };
    Ok(Sink::<Client>::text(out, text, core::iter::empty::<&[u8]>())?)
}

/// The packet as it goes over the wire.
fn sent(backlog: &Backlog<Vec<u8>>, at: usize, record: &Record) -> String {
    let ws = Connection::client(Limits::new());
    let mut tx = Outbox::with_keys(vec![0; 1 << 17], || [0; 4]);
    backlog.write(at, record, record.id.map(u64::from), &mut ws.out(&mut tx)).unwrap();
    let frame = tx.written();
    let head = match frame[1] & 0x7f {
        126 => 8,
        127 => 14,
        _ => 6,
    };
    String::from_utf8_lossy(&frame[head..]).into_owned()
}

fn take(backlog: &mut Backlog<Vec<u8>>, is_connected: impl Fn(Namespace) -> bool) -> Option<String> {
    let (at, record) = backlog.next_ready(is_connected)?;
    let packet = sent(backlog, at, &record);
    backlog.remove(at);
    Some(packet)
}

#[test]
fn the_id_is_inserted_when_the_packet_is_sent() {
    let mut backlog = Backlog::new(vec![0; 200]);
    event(&mut backlog, Kind::Event, A, "x").unwrap();
    event(&mut backlog, Kind::Event, B, "y").unwrap();
    assert_eq!(take(&mut backlog, |_| true).unwrap(), "427[\"x\"]");
    assert_eq!(take(&mut backlog, |_| true).unwrap(), "42/b,7[\"y\"]");
    assert_eq!((backlog.held(), take(&mut backlog, |_| true)), (0, None));
}

#[test]
fn attachments_follow_their_packet() {
    let mut backlog = Backlog::new(vec![0; 400]);
    let files = [&b"abc"[..], &[1; 200]];
    let content = crate::socketio::Binary("x", files[..].into());
    let write = |out: &mut Out<'_, Stored>| {
        crate::socketio::server::broadcast(&["/"], Namespace(0), "file", &content, None, out)
    };
    let len = backlog.append(0, write).unwrap();
    backlog.commit(Record { id: Some(12), ..Record::new(A, Kind::Event, Flags::NONE) }, len);
    let mut expected = vec![0; 400];
    let mut out = Out::stored(&mut expected);
    crate::socketio::server::broadcast(&["/"], Namespace(0), "file", &content, Some(12), &mut out).unwrap();
    let (at, record) = backlog.next_ready(|_| true).unwrap();
    let mut memory = vec![0; 400];
    for size in 0..out.written().len() {
        let mut small = Out::stored(&mut memory[..size]);
        let refused = backlog.write(at, &record, Some(12), &mut small);
        assert!(matches!(refused, Err(engineio::SendError::Capacity(_))) && small.is_empty(), "{size}");
    }
    let mut all = Out::stored(&mut memory);
    backlog.write(at, &record, Some(12), &mut all).unwrap();
    assert_eq!(all.written(), out.written());
}

/// Any order of calls, in storage of any size, gives what a list gives.
#[test]
fn as_a_list() {
    let mut seed = 1_u64;
    let mut random = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    for run in 0..300 {
        let mut backlog = Backlog::new(vec![0; 40 + random(300)]);
        let mut list: Vec<(Namespace, String)> = Vec::new();
        let mut connected = [false; 2];
        for step in 0..200 {
            let size = |list: &[(Namespace, String)]| {
                let each = |(ns, name): &(Namespace, String)| {
                    let len = name.len() + 6 + if *ns == B { 3 } else { 0 };
                    HEAD + len + if len > 125 { 4 } else { 2 }
                };
                list.iter().map(each).sum::<usize>()
            };
            match random(8) {
                0..=3 => {
                    let namespace = Namespace(random(2) as u16);
                    let name = format!("{step}{}", "x".repeat(random(150)));
                    let all = backlog.storage.len();
                    let needed = size(&list) + size(&[(namespace, name.clone())]);
                    let before = list.clone();
                    match add(&mut backlog, Record::new(namespace, Kind::Event, Flags::NONE), &name) {
                        Ok(()) => list.push((namespace, name)),
                        Err(SendError::Capacity(e)) => {
                            assert_eq!((e.needed, e.available), (needed, all), "exact");
                            assert!(needed > all, "refused only if it does not fit");
                        }
                        Err(e) => panic!("{e}"),
                    }
                    assert_eq!(list.len() > before.len(), needed <= all);
                }
                4 => {
                    connected = [random(2) == 0, random(2) == 0];
                    backlog.rescan();
                }
                5 => {
                    let storage = vec![0; random(500)];
                    let fits = storage.len() >= backlog.held();
                    assert_eq!(backlog.replace(storage).is_ok(), fits);
                }
                _ => {
                    let is_connected = |ns: Namespace| connected[usize::from(ns.0)];
                    let next = list.iter().position(|(ns, _)| is_connected(*ns));
                    let expected = next
                        .map(|at| list.remove(at))
                        .map(|(ns, name)| format!("42{}[\"{name}\"]", if ns == B { "/b," } else { "" }));
                    assert_eq!(take(&mut backlog, is_connected), expected, "run {run}");
                }
            }
            assert_eq!(backlog.held(), size(&list));
        }
    }
}

#[test]
fn some_bytes_stay_free_for_credentials() {
    let mut backlog = Backlog::new(vec![0; 80]);
    let add = |backlog: &mut Backlog<Vec<u8>>, reserve| {
        let len = backlog.append(reserve, |out| write("/", "abcde", out))?;
        backlog.commit(Record::new(A, Kind::Event, Flags::NONE), len);
        Ok::<_, SendError>(())
    };
    assert_eq!(add(&mut backlog, 51), Ok(()), "16 and 2 and 11");
    assert_eq!(add(&mut backlog, 51), Err(SendError::Capacity(Capacity { needed: 109, available: 80 })));
    assert_eq!(add(&mut backlog, 0), Ok(()));
    assert!(add(&mut Backlog::new(Vec::new()), 7).is_err());
}

#[test]
fn the_oldest_are_dropped_and_their_tokens_are_told() {
    let mut backlog = Backlog::new(vec![0; 160]);
    for (kind, name) in [(Kind::InFlight, "1"), (Kind::Event, "2"), (Kind::Retry, "3"), (Kind::Answer, "4")] {
        event(&mut backlog, kind, A, name).unwrap();
    }
    let before = backlog.held();
    let mut forgotten = 0;
    assert!(!backlog.drop_oldest(30, |_, _| panic!("not enough")));
    assert!(backlog.drop_oldest(9, |namespace, id| {
        forgotten += 1;
        Some(u32::from(namespace.0) + id + 100)
    }));
    assert_eq!((forgotten, before - backlog.held()), (1, 9));
    backlog.compact();
    assert!(backlog.drop_oldest(1, |_, _| None), "an acknowledgement that is not expected is not told");
    assert_eq!(backlog.next_dropped(), Some((A, 107, AckError::Dropped)));
    assert_eq!(backlog.next_dropped(), None);
    assert_eq!(take(&mut backlog, |_| true).unwrap(), "427[\"4\"]");
    assert_eq!(backlog.in_flight(A, 7).map(|(_, r)| r.kind), Some(Kind::InFlight));
}

#[test]
fn one_with_retries_of_each_namespace_is_in_flight() {
    let mut backlog = Backlog::new(vec![0; 400]);
    for (namespace, name) in [(A, "a1"), (A, "a2"), (B, "b1"), (B, "b2"), (A, "a3")] {
        event(&mut backlog, Kind::Retry, namespace, name).unwrap();
    }
    backlog.rescan();
    let mut order = Vec::new();
    for _ in 0..8 {
        while let Some((at, record)) = backlog.next_retry(|_| true) {
            order.push(sent(&backlog, at, &record));
            backlog.set(at, Record { kind: Kind::InFlight, ..record });
        }
        let Some((at, _)) = backlog.first(Kind::InFlight) else { break };
        order.push("ack".into());
        backlog.remove(at);
        backlog.rescan_retries();
    }
    let a = |n| format!("427[\"a{n}\"]");
    let b = |n| format!("42/b,7[\"b{n}\"]");
    let ack = || String::from("ack");
    assert_eq!(order, [a(1), b(1), ack(), a(2), ack(), a(3), ack(), b(2), ack(), ack()]);
    assert_eq!((backlog.held(), backlog.in_flight), (0, 0));
}

/// Records looked at and bytes moved for `n` packets of a connected namespace behind `n` of one that is not, in storage that is half full.
fn cost(n: usize) -> (usize, usize) {
    let mut backlog = Backlog::new(vec![0; 4 * 24 * n]);
    for _ in 0..n {
        event(&mut backlog, Kind::Event, B, "b").unwrap();
    }
    for _ in 0..n {
        event(&mut backlog, Kind::Event, A, "a").unwrap();
        assert!(!backlog.waits(B) || backlog.from < backlog.end);
        while take(&mut backlog, |namespace| namespace == A).is_some() {}
    }
    backlog.cost.get()
}

#[test]
fn what_waits_for_another_namespace_costs_nothing() {
    let (small, large) = (cost(500), cost(1000));
    assert!(large.0 < 2 * small.0 + 100 && large.0 < 20 * 1000, "records: {small:?} {large:?}");
    assert!(large.1 < 2 * small.1 + 10_000 && large.1 < 4 * 24 * 1000, "bytes: {small:?} {large:?}");
}
