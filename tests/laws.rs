//! The laws of the fuzz targets, over generated packets and bytes.

#[path = "laws/mod.rs"]
mod laws;

use proptest::prelude::*;

/// Pieces of packets in any order, so that many are good and most are nearly so.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "0", "1", "2", "3", "4", "5", "6", "1-", "2-", "/a,", "/,", "12", "[", "]", "{", "}", ",", ":", "\"a\"", "\"\\u00e9\\n\"", "[\"a\"]",
            "[\"b\",1,{\"x\":[null,true]}]", "{\"_placeholder\":true,\"num\":0}", "{\"_placeholder\":true,\"num\":1}", "-0.5e3", "\"", "\\", " ",
        ]).prop_map(|s| s.as_bytes().to_vec()),
        1 => Just(vec![0xff]),
        1 => any::<u8>().prop_map(|b| vec![b]),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|all| all.concat())
}

fn good_packet() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        any::<i32>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        Just(r#"{"a":[{"_placeholder":true,"num":0},null]}"#.to_owned()),
        Just(r#"{"_placeholder":true,"num":1}"#.to_owned()),
    ];
    let namespace = prop::sample::select(vec!["", "/,", "/a,", "/é?x,"]);
    (any::<String>(), proptest::collection::vec(value, 0..4), namespace, any::<Option<u64>>(), 0..4_u8).prop_map(
        |(name, values, namespace, id, attachments)| {
            let kind = if attachments > 0 { format!("5{attachments}-") } else { "2".to_owned() };
            let id = id.map_or(String::new(), |n| n.to_string());
            let inside = [vec![serde_json::to_string(&name).unwrap()], values].concat().join(",");
            let namespace = if attachments > 0 { "" } else { namespace };
            let files = (0..attachments).map(|n| format!("\u{1}{n}")).collect::<Vec<_>>();
            let mut bytes = format!("{kind}{namespace}{id}[{inside}]").into_bytes();
            for file in files {
                bytes.push(0xff);
                bytes.extend(file.into_bytes());
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn a_packet_that_is_written_again_is_the_same(good in good_packet(), pieces in pieces()) {
        laws::packet(&good);
        laws::packet(&pieces);
        laws::packet(&[b"2[\"x\",", &pieces[..], b"]"].concat());
    }

    #[test]
    fn an_event_with_attachments_comes_out_as_it_went_in(size: u8, good in good_packet(), pieces in pieces()) {
        laws::binary_packet(&[&[size], &good[..]].concat());
        laws::binary_packet(&[&[size], &pieces[..]].concat());
        laws::binary_packet(&[&[size], &b"52-[\"x\","[..], &pieces, b"]\xff1\xff22"].concat());
    }

    #[test]
    fn good_json_is_what_serde_json_takes(pieces in pieces()) {
        laws::json(&pieces);
        laws::json(&[b"[", &pieces[..], b"]"].concat());
    }

    #[test]
    fn two_sessions_keep_their_requests_apart(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        laws::two_sessions(&data);
    }

    #[test]
    fn a_server_under_any_calls_keeps_its_promises(data in proptest::collection::vec(any::<u8>(), 0..300), packets in proptest::collection::vec(good_packet(), 0..4)) {
        laws::server_operations(&data);
        let mut bytes = Vec::new();
        for packet in [b"40".to_vec()].into_iter().chain(packets.into_iter().map(|p| [b"4", &p[..]].concat())) {
            let packet = &packet[..packet.len().min(63)];
            bytes.extend([0, packet.len() as u8]);
            bytes.extend(packet);
        }
        bytes.extend(&data);
        laws::server_operations(&bytes);
    }
}

/// The seeds of the fuzz targets, and what ever broke one of them.
#[test]
fn seeds_and_past_findings_hold() {
    type Law = (&'static str, fn(&[u8]));
    let laws: [Law; 5] = [
        ("packet", laws::packet),
        ("binary_packet", laws::binary_packet),
        ("json", laws::json),
        ("server_operations", laws::server_operations),
        ("two_sessions", laws::two_sessions),
    ];
    for (target, law) in laws {
        let files = std::fs::read_dir(format!("fuzz/seeds/{target}")).unwrap();
        assert!(files.map(|file| law(&std::fs::read(file.unwrap().path()).unwrap())).count() > 0, "{target}");
    }
}
