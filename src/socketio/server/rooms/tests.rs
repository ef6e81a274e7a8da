use super::*;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec,
    vec::Vec,
};

type Growing = Rooms<Vec<RoomSlot>, Vec<u8>>;

fn registry(slots: usize, names: usize) -> Growing {
    Rooms::new(Storage { slots: vec![RoomSlot::EMPTY; slots], name_bytes: vec![0; names] }, [1, 2])
}

#[derive(Clone, Debug)]
enum Op {
    Enter(u16, u32),
    Join(u16, u32, u8),
    Leave(u16, u32, u8),
    LeaveAll(u16, u32),
    Select(u16, Vec<u8>, Vec<u8>, Option<u32>),
    SocketsJoin(u16, Vec<u8>, Vec<u8>, u8),
    SocketsLeave(u16, Vec<u8>, Vec<u8>, u8),
    Replace(usize, usize),
    Lengthen(usize, usize),
    LeaveSome(u16, u32, usize),
}

fn op() -> impl Strategy<Value = Op> {
    let (ns, member, room) = (0..2_u16, 0..6_u32, 0..5_u8);
    let some = proptest::collection::vec(0..5_u8, 0..3);
    let sockets = (ns.clone(), some.clone(), some.clone(), room.clone());
    prop_oneof![
        1 => (ns.clone(), member.clone()).prop_map(|(n, m)| Op::Enter(n, m)),
        4 => (ns.clone(), member.clone(), room.clone()).prop_map(|(n, m, r)| Op::Join(n, m, r)),
        2 => (ns.clone(), member.clone(), room).prop_map(|(n, m, r)| Op::Leave(n, m, r)),
        1 => (ns.clone(), member.clone()).prop_map(|(n, m)| Op::LeaveAll(n, m)),
        1 => sockets.clone().prop_map(|(n, t, e, r)| Op::SocketsJoin(n, t, e, r)),
        1 => sockets.prop_map(|(n, t, e, r)| Op::SocketsLeave(n, t, e, r)),
        2 => (ns, some.clone(), some, proptest::option::of(member)).prop_map(|(n, t, e, m)| Op::Select(n, t, e, m)),
        1 => (0..40_usize, 0..80_usize).prop_map(|(l, n)| Op::Replace(l, n)),
        1 => (0..40_usize, 0..80_usize).prop_map(|(l, n)| Op::Lengthen(l, n)),
        1 => (0..2_u16, 0..6_u32, 0..4_usize).prop_map(|(n, m, most)| Op::LeaveSome(n, m, most)),
    ]
}

/// Of several lengths; one is empty, which is a good name.
fn name(room: u8) -> Vec<u8> {
    vec![b'a' + room; usize::from(room) * 3]
}

/// Namespace and member, and its rooms.
type Model = BTreeMap<(u16, u32), BTreeSet<u8>>;

fn assert_same(rooms: &mut Growing, model: &Model) {
    for ns in 0..2 {
        let everybody: BTreeSet<u32> = rooms.select(Namespace(ns), &Target::all()).map(|m| m.0).collect();
        let expected: BTreeSet<u32> = model.keys().filter(|k| k.0 == ns).map(|k| k.1).collect();
        assert_eq!(everybody, expected);
        assert_eq!(rooms.count(Namespace(ns), None), expected.len());
        for member in 0..6 {
            let own: BTreeSet<Vec<u8>> = rooms.rooms_of(Namespace(ns), Member(member)).map(<[u8]>::to_vec).collect();
            let expected: BTreeSet<Vec<u8>> =
                model.get(&(ns, member)).into_iter().flatten().map(|&r| name(r)).collect();
            assert_eq!(own, expected);
            assert_eq!(rooms.count_of(Namespace(ns), Member(member)), expected.len());
        }
    }
}

/// Whether the call must succeed, and whether it may: names have room for certain in a third more bytes than they take.
fn needed(rooms: &Growing, model: &Model, ns: u16, member: u32, room: Option<u8>) -> [bool; 2] {
    // An independent count of records: a member, its entry, each of its rooms, and the rooms that there are.
    let mut after = model.clone();
    let own = after.entry((ns, member)).or_default();
    own.extend(room);
    let namespaces: BTreeSet<u16> = after.keys().map(|k| k.0).collect();
    let named: BTreeSet<(u16, u8)> = after.iter().flat_map(|(k, v)| v.iter().map(|&r| (k.0, r))).collect();
    let slots = after.len() * 2 + after.values().map(BTreeSet::len).sum::<usize>() + namespaces.len() + named.len();
    let names: usize = named.iter().map(|&(_, r)| name(r).len() + 6).sum();
    let is_known = |n: u16, r: u8| model.iter().any(|(k, own)| k.0 == n && own.contains(&r));
    let is_stored = room.is_none_or(|r| is_known(ns, r));
    let size = rooms.names.size();
    [is_stored || names + names.div_ceil(3) <= size, is_stored || names <= size]
        .map(|n| n && slots <= rooms.table.size() as usize)
}

fn reached(model: &Model, ns: u16, to: &[u8], except: &[u8], not: Option<u32>) -> BTreeSet<u32> {
    let reaches = |m: u32, own: &BTreeSet<u8>| {
        (to.is_empty() || to.iter().any(|r| own.contains(r)))
            && !except.iter().any(|r| own.contains(r))
            && Some(m) != not
    };
    model.iter().filter(|((n, m), own)| *n == ns && reaches(*m, own)).map(|((_, m), _)| *m).collect()
}

fn with_target<T>(to: &[u8], except: &[u8], not: Option<u32>, act: impl FnOnce(&Target<'_>) -> T) -> T {
    let names = |rooms: &[u8]| rooms.iter().map(|&r| name(r)).collect::<Vec<_>>();
    let (to, except) = (names(to), names(except));
    let to: Vec<&[u8]> = to.iter().map(Vec::as_slice).collect();
    let except: Vec<&[u8]> = except.iter().map(Vec::as_slice).collect();
    act(&Target { to: &to, except: &except, not: not.map(Member) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is done, in storage of any size: the registry says what a map of sets says, a refused call changes nothing,
    /// and calls are refused exactly when the records or names do not fit.
    #[test]
    fn is_a_map_of_sets(slots in 0..40_usize, names in 0..80_usize, ops in proptest::collection::vec(op(), 0..60)) {
        let mut rooms = registry(slots, names);
        let mut model = Model::new();
        for op in ops {
            match op {
                Op::Enter(ns, member) => {
                    let is_in = model.contains_key(&(ns, member));
                    let [must, may] = needed(&rooms, &model, ns, member, None);
                    let result = rooms.enter(Namespace(ns), Member(member));
                    prop_assert!(result.is_ok() || !is_in && !must);
                    prop_assert!(result.is_err() || is_in || may);
                    if let Ok(new) = result {
                        prop_assert_eq!(new, !model.contains_key(&(ns, member)));
                        model.entry((ns, member)).or_default();
                    }
                }
                Op::Join(ns, member, room) => {
                    let is_in = model.get(&(ns, member)).is_some_and(|r| r.contains(&room));
                    let [must, may] = needed(&rooms, &model, ns, member, Some(room));
                    let result = rooms.join(Namespace(ns), Member(member), &name(room));
                    prop_assert!(result.is_ok() || !is_in && !must);
                    prop_assert!(result.is_err() || is_in || may);
                    match result {
                        Ok(new) => {
                            prop_assert_eq!(new, !is_in);
                            model.entry((ns, member)).or_default().insert(room);
                        }
                        Err(full) => {
                            // With what is needed the call succeeds. The number of slots is exact: one less is refused.
                            let mut larger = rooms.clone();
                            let storage = |slots, names| Storage { slots: vec![RoomSlot::EMPTY; slots], name_bytes: vec![0; names] };
                            if larger.replace(storage(full.slots.max(slots), full.name_bytes.max(names))).is_ok() {
                                prop_assert!(larger.join(Namespace(ns), Member(member), &name(room)).is_ok());
                            }
                            let mut exact = rooms.clone();
                            if exact.replace(storage(full.slots, full.name_bytes)).is_ok() {
                                prop_assert!(exact.join(Namespace(ns), Member(member), &name(room)).is_ok());
                            }
                            let mut short = rooms.clone();
                            if short.replace(storage(full.slots - 1, full.name_bytes)).is_ok() {
                                prop_assert!(short.join(Namespace(ns), Member(member), &name(room)).is_err());
                            }
                        }
                    }
                }
                Op::Leave(ns, member, room) => {
                    let was = model.get_mut(&(ns, member)).is_some_and(|r| r.remove(&room));
                    prop_assert_eq!(rooms.leave(Namespace(ns), Member(member), &name(room)), was);
                }
                Op::LeaveAll(ns, member) => {
                    model.remove(&(ns, member));
                    rooms.leave_all(Namespace(ns), Member(member));
                }
                Op::LeaveSome(ns, member, most) => {
                    let was = model.get(&(ns, member)).map_or(0, |own| own.len() + 1);
                    let is_gone = rooms.leave_some(Namespace(ns), Member(member), most);
                    prop_assert_eq!(is_gone, was <= most);
                    if is_gone {
                        model.remove(&(ns, member));
                    } else if let Some(own) = model.get_mut(&(ns, member)) {
                        own.retain(|&r| rooms.contains(Namespace(ns), Member(member), &name(r)));
                        prop_assert_eq!(own.len() + 1, was - most);
                    }
                }
                Op::Select(ns, to, except, not) => {
                    let expected = reached(&model, ns, &to, &except, not);
                    let got: Vec<u32> = with_target(&to, &except, not, |target| {
                        rooms.select(Namespace(ns), target).map(|m| m.0).collect()
                    });
                    prop_assert_eq!(got.len(), expected.len(), "each once");
                    prop_assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), expected);
                }
                Op::SocketsJoin(ns, to, except, room) => {
                    let reached = reached(&model, ns, &to, &except, None);
                    let mut after = model.clone();
                    let new = reached.iter().filter(|&&m| after.entry((ns, m)).or_default().insert(room)).count();
                    let join = |rooms: &mut Growing| {
                        with_target(&to, &except, None, |target| rooms.sockets_join(Namespace(ns), target, &name(room)))
                    };
                    match join(&mut rooms) {
                        Ok(joined) => {
                            prop_assert_eq!(joined, new);
                            model = after;
                        }
                        Err(full) => {
                            prop_assert!(full.slots > rooms.table.size() as usize || full.name_bytes > rooms.names.size());
                            let mut exact = rooms.clone();
                            if exact.replace(Storage { slots: vec![RoomSlot::EMPTY; full.slots], name_bytes: vec![0; full.name_bytes] }).is_ok() {
                                prop_assert_eq!(join(&mut exact), Ok(new));
                            }
                        }
                    }
                }
                Op::SocketsLeave(ns, to, except, room) => {
                    let reached = reached(&model, ns, &to, &except, None);
                    let left = reached.iter().filter(|&&m| model.get_mut(&(ns, m)).is_some_and(|own| own.remove(&room)));
                    let left = left.count();
                    let got = with_target(&to, &except, None, |t| rooms.sockets_leave(Namespace(ns), t, &name(room)));
                    prop_assert_eq!(got, left);
                }
                Op::Replace(slots, names) => {
                    let _ = rooms.replace(Storage { slots: vec![RoomSlot::EMPTY; slots], name_bytes: vec![0; names] });
                }
                Op::Lengthen(slots, name_bytes) => {
                    let Storage { slots: before, name_bytes: before_bytes } = rooms.size();
                    rooms.lengthen(Storage { slots, name_bytes });
                    let Storage { slots: after, name_bytes: after_bytes } = rooms.size();
                    prop_assert_eq!((after, after_bytes), (before.max(slots), before_bytes.max(name_bytes)));
                }
            }
            assert_same(&mut rooms, &model);
        }
        for member in 0..6 {
            for ns in 0..2 {
                rooms.leave_all(Namespace(ns), Member(member));
            }
        }
        prop_assert_eq!((rooms.table.used(), rooms.names.live()), (0, 0), "nothing leaks");
    }
}

#[test]
fn a_record_has_32_bytes() {
    assert_eq!(size_of::<RoomSlot>(), 32);
}

/// 20,000 members elsewhere do not change what a broadcast to ten costs.
#[test]
fn selecting_costs_what_it_reaches() {
    let mut rooms = registry(100_000, 4096);
    for member in 0..10 {
        rooms.join(Namespace(0), Member(member), b"ten").unwrap();
    }
    let cost = |rooms: &mut Growing| {
        rooms.table.looked_at.set(0);
        assert_eq!(rooms.select(Namespace(0), &Target::all().to(&[b"ten"])).count(), 10);
        rooms.table.looked_at.get()
    };
    let before = cost(&mut rooms);
    for member in 10..20_000 {
        rooms.join(Namespace(0), Member(member), b"other").unwrap();
    }
    let after = cost(&mut rooms);
    assert!(after <= before + 20, "{before} records looked at before, {after} after");
}

/// Joining and leaving cost the same on average however many there are.
#[test]
fn joining_and_leaving_cost_the_same_in_a_large_registry() {
    let mut rooms = registry(120_000, 300_000);
    let mut cost = Vec::new();
    for round in 0..20_u32 {
        rooms.table.looked_at.set(0);
        for member in round * 1000..(round + 1) * 1000 {
            rooms.join(Namespace(0), Member(member), std::format!("room {}", member % 3000).as_bytes()).unwrap();
            rooms.leave(Namespace(0), Member(member), b"room 0");
        }
        cost.push(rooms.table.looked_at.get());
    }
    assert!(cost[19] < cost[0] * 2, "{cost:?}");
}

/// Growing looks at nothing, and no later call makes up for it.
#[test]
fn no_call_costs_much_while_a_registry_grows() {
    let mut rooms = registry(0, 0);
    let mut most = 0;
    for n in 0..30_000_u32 {
        rooms.table.looked_at.set(0);
        while let Err(Full { slots, name_bytes }) =
            rooms.join(Namespace(0), Member(n / 100), std::format!("{n}").as_bytes())
        {
            rooms.lengthen(Storage { slots: slots * 2, name_bytes: name_bytes * 2 });
        }
        most = most.max(rooms.table.looked_at.get());
    }
    assert!(most < 200, "{most} records looked at by one call");
    rooms.table.looked_at.set(0);
    rooms.replace(Storage { slots: vec![RoomSlot::EMPTY; 300_000], name_bytes: vec![0; 2_000_000] }).unwrap();
    assert_eq!(rooms.table.looked_at.get(), 0);
    assert_eq!(
        (0..30_000).filter(|n| rooms.contains(Namespace(0), Member(n / 100), std::format!("{n}").as_bytes())).count(),
        30_000
    );
}

#[test]
fn a_name_of_65535_bytes_is_refused_and_one_below_is_taken() {
    let mut rooms = registry(8, 70_000);
    let long: String = "x".repeat(65_535);
    assert!(rooms.join(Namespace(0), Member(1), long.as_bytes()).is_err());
    assert_eq!(rooms.join(Namespace(0), Member(1), &long.as_bytes()[1..]), Ok(true));
    assert!(rooms.contains(Namespace(0), Member(1), &long.as_bytes()[1..]));
}

#[test]
fn the_room_of_its_own_id_follows_a_member_until_it_leaves_it() {
    let sid = |n: u8| Sid::from_random([n; 15]);
    let mut rooms = registry(64, 400);
    for n in 0..3_u8 {
        assert_eq!(rooms.enter_as(Namespace(0), Member(n.into()), &sid(n)), Ok(true));
        assert_eq!(rooms.enter_as(Namespace(0), Member(n.into()), &sid(n)), Ok(false));
        rooms.join(Namespace(0), Member(n.into()), b"room").unwrap();
    }
    // Another one in it does not make it its own.
    rooms.join(Namespace(0), Member(9), sid(1).as_bytes()).unwrap();
    for _ in 0..2 {
        assert_eq!(rooms.own_room(Namespace(0), Member(1)), Some(&sid(1).as_bytes()[..]));
        assert_eq!((rooms.own_room(Namespace(0), Member(9)), rooms.own_room(Namespace(1), Member(1))), (None, None));
        // What a remote node would be told: leave out the room of the sender's id.
        let own = rooms.own_room(Namespace(0), Member(0)).unwrap().to_vec();
        let target = [own.as_slice()];
        let reached = rooms.select(Namespace(0), &Target::all().except(&target)).map(|m| m.0);
        assert_eq!(reached.collect::<BTreeSet<_>>(), BTreeSet::from([1, 2, 9]));
        rooms.replace(Storage { slots: vec![RoomSlot::EMPTY; 40], name_bytes: vec![0; 300] }).unwrap();
    }
    assert!(rooms.leave(Namespace(0), Member(1), sid(1).as_bytes()));
    assert_eq!(rooms.own_room(Namespace(0), Member(1)), None);
    assert!(rooms.contains(Namespace(0), Member(9), sid(1).as_bytes()));
    (0..3).chain([9]).for_each(|n| rooms.leave_all(Namespace(0), Member(n)));
    assert_eq!((rooms.table.used(), rooms.names.live()), (0, 0));
}
