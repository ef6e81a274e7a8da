use super::*;
use crate::bytes::IS_WIDE;
use proptest::prelude::*;
use std::{vec, vec::Vec};

#[derive(Clone, Debug)]
enum Op {
    Ask(u16, Option<u64>),
    Queue(u16, Option<u64>),
    /// What was queued so many requests ago.
    Sent(u16, usize),
    Unqueue(u16, usize),
    /// What was asked so many requests ago, or anything else.
    Answer(u16, u32),
    Lose(u16),
    Pass(u64),
    Replace(usize),
    /// As if so many had been asked before.
    Skip(u32),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..2_u16, proptest::option::of(0..100_u64)).prop_map(|(n, d)| Op::Ask(n, d)),
        2 => (0..2_u16, proptest::option::of(0..100_u64)).prop_map(|(n, d)| Op::Queue(n, d)),
        2 => (0..2_u16, 0..6_usize).prop_map(|(n, back)| Op::Sent(n, back)),
        1 => (0..2_u16, 0..6_usize).prop_map(|(n, back)| Op::Unqueue(n, back)),
        4 => (0..2_u16, 0..12_u32).prop_map(|(n, back)| Op::Answer(n, back)),
        1 => (0..2_u16).prop_map(Op::Lose),
        2 => (0..40_u64).prop_map(Op::Pass),
        1 => (0..20_usize).prop_map(Op::Replace),
        1 => prop_oneof![0..50_u32, Just((1 << 30) - 30)].prop_map(Op::Skip),
    ]
}

struct Asked {
    namespace: u16,
    id: u32,
    token: u32,
    deadline: Option<u64>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever is asked, queued, sent, answered, lost and timed out, in slots of any number: each request ends exactly once, with its own token; lost
    /// ones are told in the order asked, timeouts in the order of their deadlines, and a request is refused exactly when all slots are taken.
    #[test]
    fn the_table_is_a_list_of_what_was_asked(slots in 0..12_usize, ops in proptest::collection::vec(op(), 0..120)) {
        let mut acks = Acks::new(vec![AckSlot::EMPTY; slots]);
        let (mut lists, mut queues) = ([AckList::EMPTY; 2], [AckList::EMPTY; 2]);
        let (mut waiting, mut queued, mut lost): (Vec<Asked>, Vec<Asked>, Vec<Asked>) = Default::default();
        let (mut now, mut tokens) = (0, 0);
        for op in ops {
            match op {
                Op::Ask(namespace, deadline) | Op::Queue(namespace, deadline) => {
                    let deadline = deadline.map(|d| now + d);
                    let vacancy = acks.vacancy();
                    let taken = waiting.len() + queued.len() + lost.len();
                    prop_assert_eq!(vacancy.is_ok(), taken < acks.slots.len());
                    let Ok(vacancy) = vacancy else { continue };
                    let id = u32::try_from(vacancy.id()).unwrap();
                    prop_assert!(vacancy.id() < BROADCASTS && waiting.iter().chain(&queued).all(|a| a.id != id));
                    tokens += 1;
                    let expect = ExpectAck { token: tokens, deadline: deadline.map(Instant::from_millis) };
                    let asked = Asked { namespace, id, token: tokens, deadline };
                    if matches!(op, Op::Queue(..)) {
                        acks.queue(vacancy, Namespace(namespace), &mut queues[usize::from(namespace)], expect);
                        queued.push(asked);
                    } else {
                        acks.take(vacancy, Namespace(namespace), &mut lists[usize::from(namespace)], expect);
                        waiting.push(asked);
                    }
                }
                Op::Sent(namespace, back) | Op::Unqueue(namespace, back) => {
                    let Some(at) = queued.len().checked_sub(back + 1) else { continue };
                    let id = u64::from(queued[at].id);
                    let is_there = queued[at].namespace == namespace;
                    let (queue, list) = (&mut queues[usize::from(namespace)], &mut lists[usize::from(namespace)]);
                    prop_assert_eq!(acks.is_queued(Namespace(namespace), id), is_there);
                    prop_assert_eq!(acks.answered(Namespace(namespace), list, id), None, "it was not sent");
                    if matches!(op, Op::Sent(..)) {
                        acks.sent(Namespace(namespace), queue, list, id);
                    } else {
                        let token = acks.unqueue(Namespace(namespace), queue, id);
                        prop_assert_eq!(token, is_there.then_some(queued[at].token));
                    }
                    prop_assert!(!acks.is_queued(Namespace(namespace), id));
                    if is_there {
                        let asked = queued.remove(at);
                        if matches!(op, Op::Sent(..)) {
                            waiting.push(asked);
                        }
                    }
                }
                Op::Answer(namespace, back) => {
                    let id = waiting.iter().rev().nth(back as usize).map_or(back, |a| a.id);
                    let expected = waiting.iter().position(|a| a.id == id && a.namespace == namespace);
                    let expected = expected.map(|at| waiting.remove(at).token);
                    let list = &mut lists[usize::from(namespace)];
                    prop_assert_eq!(acks.token(Namespace(namespace), id.into()), expected);
                    prop_assert_eq!(acks.answered(Namespace(namespace), list, id.into()), expected);
                    prop_assert_eq!(acks.answered(Namespace(namespace), list, id.into()), None, "once");
                }
                Op::Lose(namespace) => {
                    acks.lose(&mut lists[usize::from(namespace)]);
                    let (gone, stay): (Vec<_>, _) = waiting.into_iter().partition(|a| a.namespace == namespace);
                    lost.extend(gone);
                    waiting = stay;
                }
                Op::Pass(ms) => {
                    now += ms;
                    for Asked { namespace, id, token, .. } in lost.drain(..) {
                        prop_assert_eq!(acks.poll_timeout(), Some(Instant::from_millis(0)));
                        prop_assert_eq!(acks.next_lost(), Some((Namespace(namespace), id.into(), token)));
                    }
                    prop_assert_eq!(acks.next_lost(), None);
                    loop {
                        let due = acks.timed_out(Instant::from_millis(now));
                        let is_due = |a: &&Asked| a.deadline.is_some_and(|d| d <= now);
                        // Of equal ones the first.
                        let first = waiting.iter().chain(&queued).filter(is_due).min_by_key(|a| (a.deadline, a.token));
                        let Some(&Asked { namespace, id, token, .. }) = first else {
                            prop_assert_eq!(due, None);
                            break;
                        };
                        prop_assert_eq!(due, Some((Namespace(namespace), id.into(), token)));
                        let at = usize::from(namespace);
                        let sent = acks.answered(Namespace(namespace), &mut lists[at], id.into());
                        let not_sent = acks.unqueue(Namespace(namespace), &mut queues[at], id.into());
                        prop_assert_eq!(sent.or(not_sent), Some(token));
                        waiting.retain(|a| a.token != token);
                        queued.retain(|a| a.token != token);
                    }
                }
                Op::Replace(n) => {
                    let result = acks.replace(vec![AckSlot::EMPTY; n], lists.iter_mut().chain(&mut queues));
                    prop_assert_eq!(result.is_ok(), n >= waiting.len() + queued.len() + lost.len());
                }
                // Those in flight would be older than any can be.
                Op::Skip(n) if waiting.is_empty() && queued.is_empty() && lost.is_empty() => {
                    acks.next = (acks.next + n) & 0x3fff_ffff;
                    acks.forget_free();
                }
                Op::Skip(_) => {}
            }
            prop_assert_eq!(usize::from(acks.used()), waiting.len() + queued.len() + lost.len());
            let soonest = waiting.iter().chain(&queued).filter_map(|a| a.deadline).min();
            let soonest = if lost.is_empty() { soonest } else { Some(0) };
            prop_assert_eq!(acks.poll_timeout(), soonest.map(Instant::from_millis));
        }
    }
}

#[test]
fn ids_count_up_from_0() {
    let mut acks = Acks::new([AckSlot::EMPTY; 3]);
    let mut list = AckList::EMPTY;
    for id in 0..20 {
        let vacancy = acks.vacancy().unwrap();
        assert_eq!(vacancy.id(), id);
        acks.take(vacancy, Namespace(0), &mut list, ExpectAck { token: 0, deadline: None });
        if id % 3 > 0 {
            acks.answered(Namespace(0), &mut list, id - 1).unwrap();
        }
        if id % 3 == 2 {
            acks.answered(Namespace(0), &mut list, id).unwrap();
        }
    }
}

/// Slots looked at for n requests in flight: asked, answered in an order of the client's, then timed out or lost.
fn cost(n: u32, has_deadlines: bool) -> usize {
    let mut acks = Acks::new(vec![AckSlot::EMPTY; 1]);
    let mut list = AckList::EMPTY;
    let ask = |acks: &mut Acks<Vec<AckSlot>>, list: &mut AckList, token: u32| {
        let vacancy = match acks.vacancy() {
            Ok(vacancy) => vacancy,
            Err(e) => {
                acks.replace(vec![AckSlot::EMPTY; e.available * 2], core::iter::once(&mut *list)).unwrap();
                acks.vacancy().unwrap()
            }
        };
        let deadline = has_deadlines.then(|| Instant::from_millis(u64::from(token % 1000)));
        acks.take(vacancy, Namespace(0), list, ExpectAck { token, deadline });
        vacancy.id()
    };
    let ids: Vec<u64> = (0..n).map(|token| ask(&mut acks, &mut list, token)).collect();
    // The table stays nearly full: one is answered, one is asked.
    for id in ids.iter().rev().take(ids.len() / 2) {
        acks.answered(Namespace(0), &mut list, *id).unwrap();
        ask(&mut acks, &mut list, 0);
    }
    // Where flash is dear each search for a deadline looks at all slots.
    for _ in 0..if IS_WIDE { n / 2 } else { 0 } {
        if let Some((namespace, id, _)) = acks.timed_out(Instant::FAR_FUTURE) {
            acks.answered(namespace, &mut list, id).unwrap();
        }
    }
    acks.lose(&mut list);
    while acks.next_lost().is_some() {}
    assert_eq!(acks.used(), 0);
    acks.looked_at.get()
}

#[test]
fn as_many_again_in_flight_cost_as_much_again() {
    for has_deadlines in [false, true] {
        let costs = [5_000, 10_000, 20_000, 40_000].map(|n| cost(n, has_deadlines));
        std::println!("slots looked at: {costs:?}");
        for pair in costs.windows(2) {
            // The heap adds a step for each doubling.
            assert!(pair[1] * 100 < pair[0] * if has_deadlines { 225 } else { 205 }, "{costs:?}");
        }
    }
}
