//! The laws of the WebSocket fuzz targets, over generated frames, heads and calls, and over all that ever broke one of them.

#[path = "laws_ws/mod.rs"]
mod laws;

use proptest::{collection::vec, prelude::*, sample::select};

/// Frames that are good, and nearly so.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        3 => any::<String>().prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..300),
        1 => Just(b"\x03\xe8bye".to_vec()),
        1 => Just(Vec::new()),
        1 => Just("é".as_bytes()[..1].to_vec()),
    ];
    let first = select(vec![0x81, 0x81, 0x82, 0x01, 0x02, 0x00, 0x00, 0x80, 0x80, 0x89, 0x8a, 0x88, 0x09, 0x83, 0xc1]);
    let frame = (first, payload, any::<[u8; 4]>(), 0..20_u8).prop_map(|(first, payload, key, spoil)| {
        let masked = spoil != 1;
        let mut wire = vec![first];
        let bit = if masked { 0x80 } else { 0 };
        match payload.len() {
            n @ 0..=125 if spoil != 2 => wire.push(bit | n as u8),
            n @ 0..=0xffff if spoil != 3 => wire.extend([&[bit | 126][..], &(n as u16).to_be_bytes()].concat()),
            n => wire.extend([&[bit | 127][..], &(n as u64).to_be_bytes()].concat()),
        }
        let key = if masked { key } else { [0; 4] };
        if masked {
            wire.extend(key);
        }
        wire.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
        if spoil == 4 {
            wire.pop();
        }
        wire
    });
    vec(frame, 0..8).prop_map(|all| all.concat())
}

/// Frames that are good: messages in up to four parts, with control frames of any size between them.
fn good_frames() -> impl Strategy<Value = Vec<u8>> {
    let control = prop_oneof![2 => Just(None), 1 => (select(vec![0x89, 0x8a]), 0..126_usize).prop_map(Some)];
    let part = (0..200_usize, control);
    vec((select(vec![1_u8, 2]), vec(part, 1..5)), 1..4).prop_map(|messages| {
        let mut wire = Vec::new();
        for (opcode, parts) in messages {
            let last = parts.len() - 1;
            for (i, (len, control)) in parts.into_iter().enumerate() {
                if let Some((first, len)) = control {
                    laws::frame(first, &vec![b'c'; len], &mut wire);
                }
                let first = if i == 0 { opcode } else { 0 } | if i == last { 0x80 } else { 0 };
                laws::frame(first, &vec![b'a' + i as u8; len], &mut wire);
            }
        }
        wire
    })
}

fn head(first: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let line = select(vec![
        "Host: a\r\n",
        "Upgrade: websocket\r\n",
        "Connection: keep-alive, Upgrade\r\n",
        "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
        "Sec-WebSocket-Protocol: a, b\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "X:\t\"a,b\\\",c\", d ,\r\n",
        ": x\r\n",
        "x\r\n",
        " folded\r\n",
        "Upgrade: h2c\r\n",
        "Upgrade: h2c, websocket\r\n",
        "Connection:\r\n\tUpgrade\r\n",
        "Connection: \", close\r\n",
        "Host: a:b\r\n",
        "\r\n",
        "X: \0\r\n",
    ]);
    let spoil = prop_oneof![4 => Just(None), 1 => any::<(prop::sample::Index, u8)>().prop_map(Some)];
    (vec(line, 0..9), spoil).prop_map(move |(lines, spoil)| {
        let mut bytes = format!("{first}\r\n{}\r\nbehind", lines.concat()).into_bytes();
        if let Some((at, byte)) = spoil {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

/// Fields that offer compression, or answer an offer; many are not valid.
fn offers() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=",
        "client_max_window_bits=",
        "client_max_window_bits",
        "permessage-deflate",
        "server_max_window_bits",
        "8",
        "9",
        "10",
        "15",
        "16",
        "7",
        "\"9\"",
        "\"1\\2\"",
        "\"\\8\"",
        "\"",
        "\\",
        "=",
        ";",
        ",",
        " ",
        "\t",
        "\n",
        "x",
        "0",
        "\"a, b\"",
    ]);
    let parameter = (
        select(vec!["", " ", "\t "]),
        select(vec![
            "server_no_context_takeover",
            "client_no_context_takeover",
            "server_no_context_takeover=",
            "server_max_window_bits=",
            "client_max_window_bits=",
            "client_max_window_bits",
            "server_max_window_bits",
            "x=",
        ]),
        select(vec![
            "8", "9", "10", "11", "12", "13", "14", "15", "\"9\"", "\"1\\0\"", " 9 ", "\\9", "16", "7", "08", "",
        ]),
    )
        .prop_map(|(blank, name, value)| format!(";{blank}{name}{}", if name.ends_with('=') { value } else { "" }));
    let member = vec(parameter, 0..5).prop_map(|parameters| format!("permessage-deflate{}", parameters.concat()));
    let noise = vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    let part = prop_oneof![6 => member, 1 => noise];
    (vec(part, 0..4), select(vec![",", " , ", "\n", ",,", ""]))
        .prop_map(|(parts, between)| parts.join(between).into_bytes())
}

proptest! {
    #[test]
    fn any_cut_and_any_way_to_read_tell_the_same(role: u8, cut: u8, frames in frames(), noise in vec(any::<u8>(), 0..40)) {
        laws::decoder(&[&[role, cut][..], &frames].concat());
        laws::decoder(&[&[role, cut][..], &frames, &noise].concat());
    }

    #[test]
    fn good_frames_come_through_storage_of_any_size(cut: u8, frames in good_frames()) {
        laws::decoder(&[&[0, cut][..], &frames].concat());
    }

    #[test]
    fn a_connection_under_any_calls_keeps_its_promises(data in vec(any::<u8>(), 0..400)) {
        laws::connection_operations(&data);
    }

    #[test]
    fn compressed_messages_under_any_calls_are_told_whole(data in vec(any::<u8>(), 0..200)) {
        laws::compressed::operations(&data);
    }

    #[test]
    fn what_is_agreed_on_is_what_the_grammar_says(front: [u8; 4], values in offers(), spoil in 0..4_u8, at: prop::sample::Index, byte: u8) {
        let mut data = [&front[..], &values].concat();
        if spoil == 0 {
            let at = at.index(data.len());
            data[at] = byte;
        }
        laws::negotiation::negotiation(&data);
    }

    #[test]
    fn two_machines_hear_each_other(data in vec(any::<u8>(), 0..400)) {
        laws::two_machines(&data);
    }

    #[test]
    fn heads_end_where_they_end(request in head("GET /a?b HTTP/1.1"), response in head("HTTP/1.1 101 x")) {
        laws::request_head(&request);
        laws::request_head(&[b"\r\n", &request[..]].concat());
        laws::response_head(&response);
    }

    #[test]
    fn a_host_is_taken_if_the_standard_library_takes_it(
        host in select(vec!["h", "", "[::1]", "[::1", "::1]", "[v1.x]", "127.0.0.1", "0x7f.1", "h%41", "h%4", "u@h", "a:b", "[", "[1::]x"]),
        port in select(vec!["", ":", ":80", ":65535", ":65536", ":0", ":00080", ":x", ":+1", "::"]),
        noise in "[!-~]{0,6}",
    ) {
        laws::request_head(format!("{host}{port}").as_bytes());
        laws::request_head(format!("{host}{noise}{port}").as_bytes());
        laws::request_head(noise.as_bytes());
    }

    #[test]
    fn a_url_put_together_again_is_the_same(
        scheme in select(vec!["ws", "WSS", "http", "https", "ftp"]),
        host in select(vec!["h", "example.org", "[::1]", "127.0.0.1", "", "a_b", "[x]", "h%zz", "h%41", "0x7f.1"]),
        port in select(vec!["", ":", ":80", ":443", ":8080", ":0", ":x"]),
        tail in "[/?]?[!-~]{0,12}",
    ) {
        laws::url(format!("{scheme}://{host}{port}{tail}").as_bytes());
    }
}

/// The seeds of the fuzz targets, and what ever broke one of them.
#[test]
fn seeds_and_past_findings_hold() {
    type Law = (&'static str, fn(&[u8]));
    let laws: [Law; 8] = [
        ("request_head", laws::request_head),
        ("response_head", laws::response_head),
        ("url", laws::url),
        ("decoder", laws::decoder),
        ("connection_operations", laws::connection_operations),
        ("two_machines", laws::two_machines),
        ("compressed_operations", laws::compressed::operations),
        ("negotiation", laws::negotiation::negotiation),
    ];
    for (target, law) in laws {
        let files = std::fs::read_dir(format!("fuzz/seeds/{target}")).unwrap();
        assert!(files.map(|file| law(&std::fs::read(file.unwrap().path()).unwrap())).count() > 0, "{target}");
    }
}
