//! The laws of the Engine.IO fuzz targets, over generated payloads, bodies and calls, and over all that ever broke one of them.

#[path = "laws_engine/mod.rs"]
mod laws;

use proptest::{collection::vec, prelude::*, sample::select};

fn packets() -> impl Strategy<Value = Vec<u8>> {
    let packet = prop_oneof![
        3 => select(vec!["0{}", "1", "2", "2probe", "3", "3probe", "4", "5", "6", "bAQIDBA==", "b", "bAQ==", "bAQI=", "bAQI", "7", "x", "", "51"])
            .prop_map(|s| s.as_bytes().to_vec()),
        2 => any::<String>().prop_map(|s| [b"4", s.replace('\u{1e}', "").as_bytes()].concat()),
        1 => vec(any::<u8>(), 0..30),
    ];
    vec(packet, 0..25).prop_map(|all| all.join(&0x1e))
}

fn chunks() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        "0\r\n\r\n",
        "3\r\nabc\r\n",
        "a\r\n0123456789\r\n",
        "1;x=y\r\nz\r\n",
        "ff\r\n",
        "00000003\r\nabc\r\n",
        "00000000000000003\r\nabc\r\n",
        "1 ; a = \"\\\";\" ;b\r\nz\r\n",
        "1 x\r\nz\r\n",
        "1;\r\nz\r\n",
        "0;a=\r\n",
        "0\r\nA b\r\n\r\n",
        "0\r\nA:\r\n",
        "0\r\nA: b\r\n\r\n",
        "\r\n",
        "3",
        "abc",
        "g",
        "\n",
        "GET /",
    ]);
    vec(piece, 0..8).prop_map(|all| all.concat().into_bytes())
}

proptest! {
    #[test]
    fn packets_are_the_same_through_payloads_of_any_size(size: u8, packets in packets()) {
        laws::payload(&[&[size], &packets[..]].concat());
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut(kind: u8, limit: u8, step: u8, chunks in chunks()) {
        laws::body(&[&[kind, limit, step], &chunks[..]].concat());
        laws::body(&[&[2, limit, step], &chunks[..]].concat());
    }

    #[test]
    fn a_session_under_any_calls_keeps_its_promises(data in vec(any::<u8>(), 0..300)) {
        laws::session_operations(&data);
    }

    #[test]
    fn a_probe_is_the_same_however_its_bytes_are_cut(data in vec(any::<u8>(), 2..9)) {
        laws::probe(&data);
    }
}

/// The seeds of the fuzz targets, and what ever broke one of them.
#[test]
fn seeds_and_past_findings_hold() {
    type Law = (&'static str, fn(&[u8]));
    let laws: [Law; 3] =
        [("payload", laws::payload), ("body", laws::body), ("session_operations", laws::session_operations)];
    for (target, law) in laws {
        let files = std::fs::read_dir(format!("fuzz/seeds/{target}")).unwrap();
        assert!(files.map(|file| law(&std::fs::read(file.unwrap().path()).unwrap())).count() > 0, "{target}");
    }
}
