//! Every check of the reference's decoder (the table in the protocol notes) by the name of what it guards, and where we are stricter. `.ci/guards`
//! takes each guard out and sees its test fail.

use sansocket::{
    json::{self, ErrorKind, Kind},
    socketio::{
        Packet,
        PeerError::{self, *},
    },
};

fn parse(text: &str) -> Result<Packet<'_>, PeerError> {
    Packet::parse(text.as_bytes())
}

#[test]
fn vectors_of_the_protocol() {
    assert!(matches!(parse("0"), Ok(Packet::Connect { namespace: b"/", payload: None })));
    let Ok(Packet::Connect { namespace: b"/admin", payload: Some(p) }) = parse(r#"0/admin,{"sid":"x"}"#) else {
        panic!()
    };
    assert_eq!(p.kind(), Kind::Object);
    for text in ["1/admin,", "1/admin"] {
        assert!(matches!(parse(text), Ok(Packet::Disconnect { namespace: b"/admin" })));
    }
    let Ok(Packet::Event { namespace, id, payload, attachments, used: 0 }) =
        parse(r#"2/admin,12["tell me",1,{"a":[]}]"#)
    else {
        panic!()
    };
    assert_eq!((namespace, id, attachments), (&b"/admin"[..], Some(12), 0));
    assert_eq!(payload.rest().raw(), br#"1,{"a":[]}"#);
    let Ok(Packet::Event { attachments: 2, .. }) = parse(r#"52-/a,["b",{"_placeholder":true,"num":0},1]"#) else {
        panic!()
    };
    let Ok(Packet::Ack { id: 13, attachments: 0, .. }) = parse("3/a,13[]") else { panic!() };
    let Ok(Packet::Ack { id: 15, attachments: 1, .. }) = parse(r#"61-15["b",{"_placeholder":true,"num":0}]"#) else {
        panic!()
    };
    assert!(matches!(parse(r#"4{"message":"no"}"#), Ok(Packet::ConnectError { .. })));
}

/// Names are bytes to us: what JavaScript keeps for its objects is nothing special.
#[test]
fn names_that_are_good() {
    for text in [r#"2["__proto__"]"#, r#"2["toString"]"#, "2[1]", r#"2007["x"]"#, r#"2/,["a"]"#, r#"2[""]"#] {
        assert!(matches!(parse(text), Ok(Packet::Event { .. })), "{text}");
    }
    let Ok(Packet::Event { id: Some(7), .. }) = parse(r#"2007["x"]"#) else { panic!() };
    let Ok(Packet::Event { id: Some(u64::MAX), .. }) = parse(r#"218446744073709551615["x"]"#) else { panic!() };
}

fn all_are(error: PeerError, texts: &[&str]) {
    for text in texts {
        assert_eq!(parse(text), Err(error), "{text}");
    }
}

fn all_are_json(kind: ErrorKind, texts: &[&str]) {
    for text in texts {
        assert!(matches!(parse(text), Err(Json(e)) if e.kind == kind), "{text}: {:?}", parse(text));
    }
}

#[test]
fn an_unknown_type_is_refused() {
    all_are(UnknownPacket, &["", "7", "9[]", "a", " ", "-1"]);
}

#[test]
fn illegal_attachments_are_refused() {
    all_are(InvalidAttachments, &["5", "51", "5a-", "5-[\"a\"]", "51.23-[\"a\"]", "5[\"a\"]", "6", "61", "6-1[]"]);
    // Laxities of JavaScript's numbers.
    all_are(
        InvalidAttachments,
        &["501-[\"a\"]", "5 1-[\"a\"]", "51.0-[\"a\"]", "51e0-[\"a\"]", "50x1-[\"a\"]", "5+1-[\"a\"]"],
    );
}

/// The reference before 4.2.7 took none for some and waited for them for ever.
#[test]
fn zero_attachments_are_refused() {
    all_are(InvalidAttachments, &["50-[\"a\"]", "50-", "60-1[]", "500-[\"a\"]"]);
}

#[test]
fn cve_2026_33151_too_many_attachments_are_refused() {
    all_are(TooManyAttachments, &["511-[\"a\"]", "5256-[\"a\"]", "599999999999999999999-[\"a\"]", "611-1[]"]);
    assert!(parse("510-[\"a\"]").is_ok());
}

#[test]
fn a_payload_that_is_no_json_is_refused() {
    all_are_json(
        ErrorKind::Syntax,
        &["2[\"a\"]x", "2[\"a\"", "2{\"a\"", "0{", "2[\"a\",01]", "2[\"a\",]", "2[\"a\"][]", "31[1],"],
    );
    all_are_json(ErrorKind::Syntax, &["2+1[\"a\"]", "2[\"a\",.5]", "2[\"a\",NaN]", "2['a']", "2[\"\u{1}\"]"]);
}

#[test]
fn a_connect_with_a_payload_that_is_no_object_is_refused() {
    all_are(InvalidPayload, &["0\"x\"", "0null", "0[]", "01", "0true"]);
    assert!(parse("0{}").is_ok());
}

#[test]
fn a_disconnect_with_a_payload_is_refused() {
    all_are(InvalidPayload, &["1{}", "1\"x\"", "1[]", "1/a,{}"]);
}

#[test]
fn a_connect_error_that_is_no_object_or_string_is_refused() {
    all_are(InvalidPayload, &["41", "4[]", "4null"]);
    assert!(parse("4\"no\"").is_ok());
}

#[test]
fn an_ack_that_is_no_array_or_has_no_id_is_refused() {
    all_are_json(ErrorKind::Type, &["31{}", "31\"x\"", "31null"]);
    all_are(InvalidPayload, &["3[1]", "61-[{\"_placeholder\":true,\"num\":0}]"]);
    assert!(parse("31[]").is_ok());
}

#[test]
fn an_event_that_is_no_array_or_is_empty_is_refused() {
    all_are(InvalidPayload, &["2[]", "2[ ]", "21[]"]);
    all_are_json(ErrorKind::Type, &["2{}", "2\"a\"", "2/a,{}"]);
}

#[test]
fn cve_2023_32695_an_event_name_that_is_no_string_or_number_is_refused() {
    all_are(InvalidPayload, &["2[{\"toString\":\"foo\"}]", "2[null]", "2[true]", "2[[\"a\"]]"]);
}

#[test]
fn a_reserved_event_name_is_refused() {
    let reserved = [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
        "dis\\u0063onnect",
    ];
    for name in reserved {
        all_are(ReservedName, &[&format!("2[\"{name}\"]"), &format!("21[\"{name}\",1]")]);
    }
    assert!(parse("2[\"connected\"]").is_ok());
}

#[test]
fn cve_2022_2421_a_placeholder_that_names_no_attachment_is_refused() {
    let with = |num: &str| format!("51-[\"a\",{{\"_placeholder\":true,\"num\":{num}}}]");
    for num in ["\"splice\"", "1", "-1", "0.5", "1e0", "null", "[0]", "{}", "256", "99999999999", "00"] {
        assert!(parse(&with(num)).is_err(), "{num}");
    }
    for num in ["\"splice\"", "1", "-1", "0.5", "null"] {
        all_are(InvalidAttachments, &[&with(num)]);
    }
    assert!(parse(&with("0")).is_ok());
    all_are(
        InvalidAttachments,
        &[
            r#"51-["a",{"_placeholder":true}]"#,
            r#"51-["a",{"num":1,"_placeholder":true}]"#,
            r#"51-["a",[[{"x":{"_placeholder":true,"num":1}}]]]"#,
            r#"51-["a",{"\u005fplaceholder":true,"num":1}]"#,
            r#"51-["a",{"_placeholder" : true , "num" : 1}]"#,
            // Of keys that are repeated the last counts.
            r#"51-["a",{"_placeholder":true,"num":0,"num":7}]"#,
            r#"51-["a",{"_placeholder":false,"_placeholder":true,"num":7}]"#,
        ],
    );
}

#[test]
fn what_only_looks_like_a_placeholder_is_an_object_like_any_other() {
    let good = [
        r#"51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
        r#"51-["a",{"_placeholder":false,"num":9}]"#,
        r#"51-["a",{"_placeholder":"true","num":9}]"#,
        r#"51-["a",{"_placeholder":{"_placeholder":1},"num":9}]"#,
        r#"51-["a",{"_placeholder":true,"_placeholder":false,"num":9}]"#,
        r#"51-["a",{"num":9},["_placeholder",true],"num"]"#,
        r#"51-["a",{"x":"_placeholder","num":9}]"#,
        r#"2["a",{"_placeholder":true,"num":9}]"#,
    ];
    for text in good {
        assert!(matches!(parse(text), Ok(Packet::Event { .. })), "{text}");
    }
}

#[test]
fn attachments_that_no_placeholder_names_are_reported() {
    let text = r#"53-["a",{"_placeholder":true,"num":2},{"b":{"_placeholder":true,"num":0}}]"#;
    assert!(matches!(parse(text), Ok(Packet::Event { used: 0b101, attachments: 3, .. })));
}

#[test]
fn cve_2020_36049_a_huge_packet_costs_one_pass_and_no_memory() {
    // Depth is a limit, not a recursion; length is none.
    let deep = format!("2[\"a\",{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    all_are_json(ErrorKind::Depth, &[&deep]);
    let objects = format!("2[\"a\",{}", "{\"a\":".repeat(100_000));
    all_are_json(ErrorKind::Depth, &[&objects]);
    let long = format!("2[\"a\",\"{}\"]", "x".repeat(10_000_000));
    assert!(parse(&long).is_ok());
    let n = usize::from(json::DEPTH);
    all_are_json(ErrorKind::Depth, &[&format!("2[\"a\",{}{}]", "[".repeat(n), "]".repeat(n))]);
    let at_limit =
        format!("2[\"a\",{}{}]", "[".repeat(usize::from(json::DEPTH) - 1), "]".repeat(usize::from(json::DEPTH) - 1));
    assert!(parse(&at_limit).is_ok());
}

/// The reference reads a blank as a digit: an id of 0, or of 5.
#[test]
fn a_blank_is_no_digit_of_an_id() {
    all_are(
        InvalidPayload,
        &["2 [\"x\"]", "2 5[\"x\"]", "2/a,\t[\"x\"]", "0 {}", "1 ", "4 \"x\"", "31 []", "21 [\"x\"]"],
    );
}

#[test]
fn an_id_above_64_bits_is_refused() {
    all_are(
        InvalidId,
        &["218446744073709551616[\"x\"]", "299999999999999999999999999[\"x\"]", "318446744073709551616[]"],
    );
}

#[test]
fn a_missing_payload_is_refused() {
    for text in ["2", "21", "3", "31", "4", "2/a[\"x\"]", "2/a", "51-", "61-1"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn half_of_a_surrogate_pair_is_refused() {
    all_are_json(
        ErrorKind::Escape,
        &["2[\"\\ud800\"]", "2[\"\\udc00\"]", "2[\"\\ud800\\u0041\"]", "2[\"\\x\"]", "2[\"\\u12g4\"]"],
    );
    assert!(parse("2[\"\\ud83e\\udd80\"]").is_ok());
}

#[test]
fn any_cut_of_a_good_packet_is_refused_or_another_good_one_and_never_panics() {
    let good = [
        r#"52-/chat,77["up",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        r#"0/a,{"token":"\u00e9"}"#,
        r#"43[1,"2"]"#,
    ];
    for text in good {
        for end in 0..text.len() {
            let _ = parse(&text[..end]);
            let _ = parse(&text[end..]);
        }
    }
}
