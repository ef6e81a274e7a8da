//! Rooms, handlers and queues against plain collections.

use super::*;

type Registry = Rooms<Vec<RoomSlot>, Vec<u8>>;

/// What a registry knows, in words.
fn known(rooms: &mut Registry, names: &[Vec<u8>]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for namespace in [0, 1].map(Namespace) {
        for member in (0..6).map(Member) {
            let mut of: Vec<_> = rooms.rooms_of(namespace, member).map(<[u8]>::to_vec).collect();
            of.sort();
            let own = rooms.own_room(namespace, member).map(<[u8]>::to_vec);
            all.insert(format!("{namespace:?} {member:?} {of:?} {own:?}"));
        }
        for name in names {
            let count = rooms.count(namespace, Some(name));
            let mut of: Vec<_> = rooms.select(namespace, &Target::all().to(&[name])).collect();
            assert_eq!(of.len(), count);
            of.sort();
            all.insert(format!("{namespace:?} {name:?} {of:?}"));
        }
        let mut of: Vec<_> = rooms.select(namespace, &Target::all()).collect();
        of.sort();
        assert_eq!(of.len(), rooms.count(namespace, None));
        all.insert(format!("{namespace:?} {of:?}"));
    }
    all
}

#[derive(Clone, Default)]
struct Entered {
    rooms: BTreeSet<Vec<u8>>,
    own: Option<Vec<u8>>,
}

/// Rooms with the room of an own id against a map, in storage that is just large enough, too small, and exchanged.
#[test]
fn rooms_of_own_ids_against_a_map() {
    for seed in 0..150 {
        let mut random = Random(seed);
        let sids: Vec<Sid> = (0..3).map(|i| Sid::from_random([i; 15])).collect();
        let mut names: Vec<Vec<u8>> = sids.iter().map(|s| s.as_bytes().to_vec()).collect();
        names.extend([b"".to_vec(), b"a".to_vec(), vec![b'x'; 100]]);
        let storage =
            |slots, name_bytes| Storage { slots: vec![RoomSlot::EMPTY; slots], name_bytes: vec![0; name_bytes] };
        let mut rooms: Registry = Rooms::new(storage(random.below(9), random.below(60)), [1, seed]);
        let mut model: BTreeMap<(u16, u32), Entered> = BTreeMap::new();
        for _ in 0..random.below(120) {
            let (namespace, member) = (Namespace(random.below(2) as u16), Member(random.below(6) as u32));
            let key = (namespace.0, member.0);
            let name = names[random.below(names.len())].clone();
            let sid = sids[random.below(3)];
            let kind = random.below(9);
            let to: Vec<&[u8]> = (0..random.below(3)).map(|_| &names[random.below(names.len())][..]).collect();
            let except: Vec<&[u8]> = (0..random.below(2)).map(|_| &names[random.below(names.len())][..]).collect();
            let target = Target::all().to(&to).except(&except);
            let target = if random.below(3) == 0 { target.not(member) } else { target };
            let is_in = |e: &Entered, list: &[&[u8]]| list.iter().any(|n| e.rooms.contains(*n));
            let reached: Vec<u32> = model
                .iter()
                .filter(|((n, m), e)| {
                    *n == namespace.0
                        && (to.is_empty() || is_in(e, &to))
                        && !is_in(e, &except)
                        && target.excluded_member() != Some(Member(*m))
                })
                .map(|((_, m), _)| *m)
                .collect();
            let mut got: Vec<u32> = rooms.select(namespace, &target).map(|m| m.0).collect();
            got.sort();
            assert_eq!(got, reached, "seed {seed}");
            match kind {
                0..4 | 7 => {
                    let before = known(&mut rooms, &names);
                    let act = |rooms: &mut Registry| match kind {
                        0 => rooms.enter(namespace, member).map(usize::from),
                        1 => rooms.enter_as(namespace, member, &sid).map(usize::from),
                        7 => rooms.sockets_join(namespace, &target, &name),
                        _ => rooms.join(namespace, member, &name).map(usize::from),
                    };
                    let result = match act(&mut rooms) {
                        Ok(n) => n,
                        Err(full) => {
                            assert_eq!(known(&mut rooms, &names), before, "seed {seed}");
                            // Exactly what was asked for is enough.
                            rooms.replace(storage(full.slots, full.name_bytes)).unwrap();
                            assert_eq!(known(&mut rooms, &names), before, "seed {seed}");
                            act(&mut rooms).expect("what was asked for")
                        }
                    };
                    let expected = match kind {
                        0 => usize::from(model.insert(key, model.get(&key).cloned().unwrap_or_default()).is_none()),
                        1 => {
                            let entered = model.entry(key).or_default();
                            entered.own = Some(sid.as_bytes().to_vec());
                            usize::from(entered.rooms.insert(sid.as_bytes().to_vec()))
                        }
                        7 => reached
                            .iter()
                            .filter(|m| model.get_mut(&(namespace.0, **m)).unwrap().rooms.insert(name.clone()))
                            .count(),
                        _ => usize::from(model.entry(key).or_default().rooms.insert(name.clone())),
                    };
                    assert_eq!(result, expected, "seed {seed}, kind {kind}");
                }
                4 | 8 => {
                    let members = if kind == 4 { vec![member.0] } else { reached.clone() };
                    let mut left = 0;
                    for m in members {
                        if let Some(entered) = model.get_mut(&(namespace.0, m)) {
                            left += usize::from(entered.rooms.remove(&name));
                            entered.own.take_if(|own| *own == name);
                        }
                    }
                    let got = match kind {
                        4 => usize::from(rooms.leave(namespace, member, &name)),
                        _ => rooms.sockets_leave(namespace, &target, &name),
                    };
                    assert_eq!(got, left, "seed {seed}");
                }
                5 => {
                    model.remove(&key);
                    rooms.leave_all(namespace, member);
                }
                _ => {
                    let before = known(&mut rooms, &names);
                    let _ = rooms.replace(storage(random.below(40), random.below(400)));
                    assert_eq!(known(&mut rooms, &names), before, "seed {seed}");
                }
            }
            for ((n, m), entered) in &model {
                let mut of: Vec<_> = rooms.rooms_of(Namespace(*n), Member(*m)).map(<[u8]>::to_vec).collect();
                of.sort();
                assert!(of.iter().eq(&entered.rooms), "seed {seed}");
                assert_eq!(rooms.own_room(Namespace(*n), Member(*m)), entered.own.as_deref(), "seed {seed}");
            }
        }
    }
}

/// Handlers that add and remove handlers while they are called, against a list.
#[test]
fn handlers_that_change_the_table_against_a_list() {
    for seed in 0..1500 {
        let mut random = Random(seed);
        let mut io = Session::new(["/"], [AckSlot::EMPTY; 0], at(0));
        let message = |text: &'static [u8]| engineio::Event::Message(Message::Text(text));
        io.handle_event(message(b"0")).unwrap();
        io.accept(ROOT, Sid::from_random([1; 15]), &mut Out::stored(&mut [0; 64])).unwrap();
        let events: Vec<_> = [&br#"2["a"]"#[..], br#"2["\u0062"]"#, b"2[3]"]
            .map(|text| match io.handle_event(message(text)).unwrap() {
                Event::Event(e) => e,
                other => panic!("{other:?}"),
            })
            .into();
        let names = ["a", "b", "3"];
        let size = random.below(9);
        let mut table = Handlers::<u32, _>::new(vec![HandlerSlot::EMPTY; size]);
        // Name, once, value.
        let mut model: Vec<(Option<usize>, bool, u32)> = Vec::new();
        let mut value = 0;
        let change = |table: &mut Handlers<'static, u32, Vec<HandlerSlot<'static, u32>>>,
                      model: &mut Vec<(Option<usize>, bool, u32)>,
                      random: &mut Random,
                      value: &mut u32| {
            let name = random.below(3);
            match random.below(8) {
                kind @ 0..5 => {
                    *value += 1;
                    let added = match kind {
                        0 => table.on_any(*value),
                        1 => table.once(names[name], *value),
                        _ => table.on(names[name], *value),
                    };
                    assert_eq!(added.is_ok(), model.len() < size, "seed {seed}");
                    if let Err(e) = added {
                        assert_eq!((e.needed, e.available), (size + 1, size));
                    } else {
                        model.push(((kind > 0).then_some(name), kind == 1, *value));
                    }
                }
                5 => assert_eq!(table.off(names[name]), model.extract_if(.., |h| h.0 == Some(name)).count()),
                6 if random.below(3) == 0 => {
                    assert_eq!(table.off_any(), model.extract_if(.., |h| h.0.is_none()).count());
                }
                _ => {
                    let which = random.below(*value as usize + 1) as u32;
                    let found = model.extract_if(.., |h| h.0 == Some(name) && h.2 == which).count();
                    assert_eq!(table.off_value(names[name], &which), found);
                }
            }
        };
        for _ in 0..random.below(60) {
            change(&mut table, &mut model, &mut random, &mut value);
            if random.below(3) > 0 {
                continue;
            }
            let which = random.below(3);
            let mut call = table.call();
            let last = value;
            let mut before = (0, 0);
            while let Some(handler) = table.next(&mut call, &events[which]) {
                let at = model.iter().position(|h| h.2 == handler).expect("one that is there");
                let (name, is_once, _) = model[at];
                assert!(name.is_none_or(|name| name == which));
                let order = (u32::from(name.is_some()), handler);
                assert!(order > before && handler <= last, "seed {seed}");
                // None between them was left out.
                let skipped = model.iter().any(|h| {
                    let order_of = (u32::from(h.0.is_some()), h.2);
                    h.0.is_none_or(|name| name == which) && h.2 <= last && order_of > before && order_of < order
                });
                assert!(!skipped, "seed {seed}");
                before = order;
                if is_once {
                    model.remove(at);
                }
                for _ in 0..random.below(3) {
                    change(&mut table, &mut model, &mut random, &mut value);
                }
            }
        }
    }
}

/// A queue against a list, with packets that go out in pieces, slots that are exchanged, and volatile ones.
#[test]
fn a_queue_against_a_list() {
    for seed in 0..3000 {
        let mut random = Random(seed);
        let policy = [Policy::Close, Policy::DropVolatile, Policy::DropNewest][random.below(3)];
        let limit = [0, 10, 40][random.below(3)];
        let mut queue = Queue::<Vec<u8>, _>::new(vec![QueueSlot::EMPTY; random.below(6)], limit, policy);
        let mut model: VecDeque<(Vec<u8>, bool)> = VecDeque::new();
        let (mut sent, mut number) = (0, 0_u8);
        for _ in 0..random.below(80) {
            match random.below(5) {
                0..2 => {
                    number = number.wrapping_add(1);
                    let packet = vec![number; 1 + random.below(9)];
                    let (is_volatile, is_writable) = (random.below(2) == 0, random.below(3) > 0);
                    let flags = if is_volatile { Flags::NONE.volatile() } else { Flags::NONE };
                    let slots = queue.slots();
                    let fits = |model: &VecDeque<(Vec<u8>, bool)>| {
                        let bytes: usize = model.iter().map(|p| p.0.len()).sum::<usize>() - sent;
                        model.len() < slots && (model.is_empty() || bytes + packet.len() <= limit)
                    };
                    let expected = if queue.is_closed() {
                        Pushed::Overflow
                    } else if is_volatile && !is_writable {
                        Pushed::Dropped
                    } else {
                        while policy == Policy::DropVolatile && !fits(&model) {
                            let from = usize::from(sent > 0).min(model.len());
                            let Some(at) = model.range(from..).position(|p| p.1) else { break };
                            model.remove(from + at);
                        }
                        if fits(&model) {
                            model.push_back((packet.clone(), is_volatile));
                            Pushed::Queued
                        } else if is_volatile || policy == Policy::DropNewest {
                            Pushed::Dropped
                        } else {
                            model.clear();
                            sent = 0;
                            Pushed::Overflow
                        }
                    };
                    assert_eq!(queue.push(packet, flags, is_writable), expected, "seed {seed}");
                }
                2 => {
                    let mut n = random.below(25);
                    queue.consume(n);
                    while let Some(first) = model.front() {
                        let left = first.0.len() - sent;
                        if n < left {
                            sent += n;
                            break;
                        }
                        n -= left;
                        sent = 0;
                        model.pop_front();
                    }
                }
                3 => {
                    let n = random.below(8);
                    assert_eq!(queue.replace(vec![QueueSlot::EMPTY; n]).is_ok(), n >= model.len());
                }
                _ if random.below(4) == 0 => {
                    assert_eq!(queue.pop().map(|p| p.0), model.pop_front().map(|p| p.0));
                    sent = 0;
                }
                _ => {}
            }
            let bytes: Vec<u8> = model.iter().flat_map(|p| p.0.iter().copied()).skip(sent).collect();
            assert_eq!(queue.slices().flatten().copied().collect::<Vec<_>>(), bytes, "seed {seed}");
            assert_eq!((queue.len(), queue.bytes()), (model.len(), bytes.len()), "seed {seed}");
        }
    }
}

/// What the documentation says of the longest name.
#[test]
fn the_longest_name_of_a_room() {
    let storage = Storage { slots: vec![RoomSlot::EMPTY; 8], name_bytes: vec![0; 1 << 18] };
    let mut rooms = Rooms::new(storage, [1, 2]);
    assert_eq!(rooms.join(ROOT, Member(1), &[b'a'; 65_534]), Ok(true));
    let full = rooms.join(ROOT, Member(1), &[b'a'; 65_535]).unwrap_err();
    assert_eq!(full.name_bytes, usize::MAX);
    assert!(rooms.rooms_of(ROOT, Member(1)).eq([&[b'a'; 65_534][..]]));
}
