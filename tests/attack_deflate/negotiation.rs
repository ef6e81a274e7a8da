//! Offers and answers that are made of parts whose meaning is known.

use super::wire::Random;
use sansocket::http::Status;
use sansocket::ws::{Agreed, Compression, CompressionError, ExtendedConnect};

/// The parameters of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Terms {
    /// `server_no_context_takeover`, `client_no_context_takeover`.
    alone: [bool; 2],
    server_bits: Option<u8>,
    client_bits: Option<Option<u8>>,
}

fn space(random: &mut Random) -> &'static str {
    ["", "", " ", "\t", "  "][random.below(5)]
}

/// A way to write a number.
fn number(random: &mut Random, bits: u8) -> String {
    let digits = bits.to_string();
    match random.below(4) {
        0 => format!("\"{digits}\""),
        1 => format!("\"\\{digits}\""),
        2 if digits.len() == 2 => format!("\"{}\\{}\"", &digits[..1], &digits[1..]),
        _ => digits,
    }
}

/// A member, and what it means. `None`: invalid.
fn member(random: &mut Random) -> (String, Option<Terms>) {
    let (mut terms, mut is_valid, mut parameters) = (Terms::default(), true, Vec::new());
    let mut kinds = vec![0, 1, 2, 3];
    kinds.retain(|_| random.below(2) == 0);
    if random.below(8) == 0 {
        let again = kinds.first().copied().unwrap_or(0);
        is_valid &= kinds.is_empty();
        kinds.push(again);
    }
    for i in (1..kinds.len()).rev() {
        kinds.swap(i, random.below(i + 1));
    }
    for kind in kinds {
        let name = [
            "server_no_context_takeover",
            "client_no_context_takeover",
            "server_max_window_bits",
            "client_max_window_bits",
        ][kind];
        let bits = 8 + random.below(8) as u8;
        let text = match kind {
            0 | 1 => {
                terms.alone[kind] = true;
                String::new()
            }
            3 if random.below(2) == 0 => {
                terms.client_bits = Some(None);
                String::new()
            }
            _ => {
                if kind == 2 {
                    terms.server_bits = Some(bits)
                } else {
                    terms.client_bits = Some(Some(bits))
                }
                let before = space(random);
                format!("{before}={}{}", space(random), number(random, bits))
            }
        };
        parameters.push(format!("{name}{text}"));
    }
    if random.below(8) == 0 {
        is_valid = false;
        let bad = [
            "",
            "x",
            "x=1",
            "x=\"a;b,c\"",
            "Server_no_context_takeover=",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=010",
            "server_max_window_bits=8.0",
            "server_max_window_bits=\"9",
            "server_max_window_bits=\"\\",
            "client_max_window_bits=08",
            "client_max_window_bits=",
            "client_max_window_bits=\"\"",
            "client_max_window_bits=9 9",
            "client_no_context_takeover=1",
            "client_no_context_takeover=",
            "=",
            "=9",
            "\"server_no_context_takeover\"",
            "server_max_window_bits==9",
            "server_max_window_bits=\"1\"0",
            "server_max_window_bits=1\"0\"",
            "server_max_window_bits=-9",
            "server_max_window_bits=+9",
            "server_max_window_bits=0x9",
            "server_max_window_bits=109",
            "server_max_window_bits=99999999999999999999",
        ][random.below(28)];
        parameters.insert(random.below(parameters.len() + 1), bad.to_owned());
        // A quote that does not end takes what is behind it along.
        if bad.matches('"').count() % 2 == 1 {
            let at = parameters.iter().position(|p| p == bad).unwrap();
            parameters.truncate(at + 1);
        }
    }
    let mut text = "permessage-deflate".to_owned();
    for parameter in parameters {
        text += space(random);
        text += ";";
        text += space(random);
        text += &parameter;
    }
    (text, is_valid.then_some(terms))
}

fn other(random: &mut Random) -> String {
    [
        "foo",
        "x-webkit-deflate-frame",
        "foo; a=\", permessage-deflate\"",
        "Permessage-Deflate",
        "permessage-deflate2",
        "foo;a=\"\\\",permessage-deflate;\"",
    ][random.below(6)]
    .to_owned()
}

fn compression(random: &mut Random) -> (Compression, [u8; 2], [bool; 2]) {
    let bits = [0; 2].map(|_| if random.below(2) == 0 { 15 } else { 8 + random.below(8) as u8 });
    let takeover = [0; 2].map(|_| random.below(2) == 0);
    let mut all = Compression::new().send_window_bits(bits[0]).receive_window_bits(bits[1]);
    if !takeover[0] {
        all = all.without_send_takeover();
    }
    if !takeover[1] {
        all = all.without_receive_takeover();
    }
    (all, bits, takeover)
}

type Field = (Vec<u8>, Vec<u8>);

/// The members in one field or in several, with others between.
fn fields(random: &mut Random, members: &[String]) -> Vec<Field> {
    let mut all: Vec<Field> = vec![(b"host".to_vec(), b"permessage-deflate".to_vec())];
    let mut value = String::new();
    let name = |random: &mut Random| {
        ["Sec-WebSocket-Extensions", "sec-websocket-extensions", "SEC-WEBSOCKET-EXTENSIONS"][random.below(3)].into()
    };
    for member in members {
        // An open quote ends with its field, so it stands alone.
        let is_open = member.matches('"').count() - member.matches("\\\"").count();
        if random.below(3) == 0 || is_open % 2 == 1 {
            all.push((name(random), std::mem::take(&mut value).into()));
        }
        if !value.is_empty() || random.below(8) == 0 {
            value += space(random);
            value += ",";
            value += space(random);
        }
        value += member;
        if is_open % 2 == 1 {
            all.push((name(random), std::mem::take(&mut value).into()));
        }
    }
    all.push((name(random), value.into()));
    all
}

fn lent(fields: &[Field]) -> impl Iterator<Item = (&[u8], &[u8])> {
    fields.iter().map(|(name, value)| (&name[..], &value[..]))
}

fn told(agreed: Agreed) -> (u8, u8, bool, bool) {
    let takeover = (agreed.has_send_takeover(), agreed.has_receive_takeover());
    (agreed.send_window_bits(), agreed.receive_window_bits(), takeover.0, takeover.1)
}

/// RFC 7692 sections 5.1 and 7.1, over offers whose meaning is known.
#[test]
fn a_server_serves_the_first_offer_that_it_can() {
    let mut served = 0;
    for seed in 0..30_000 {
        let random = &mut Random(seed);
        let (server, [send, receive], [send_takeover, receive_takeover]) = compression(random);
        let (mut texts, mut expected) = (Vec::new(), None);
        for _ in 0..random.below(5) {
            if random.below(4) == 0 {
                texts.push(other(random));
                continue;
            }
            let (text, terms) = member(random);
            texts.push(text);
            let Some(terms) = terms.filter(|t| receive == 15 || t.client_bits.is_some()) else { continue };
            expected.get_or_insert(terms);
        }
        let fields = fields(random, &texts);
        let agreed = server.accept(lent(&fields));
        let Some(terms) = expected else {
            assert_eq!(agreed, None, "{texts:?} {server:?}");
            continue;
        };
        served += 1;
        let agreed = agreed.unwrap_or_else(|| panic!("{texts:?} {server:?}"));
        let send = send.min(terms.server_bits.unwrap_or(15));
        let receive = receive.min(terms.client_bits.flatten().unwrap_or(15));
        let takeover = (send_takeover && !terms.alone[0], receive_takeover && !terms.alone[1]);
        assert_eq!(told(agreed), (send, receive, takeover.0, takeover.1), "{texts:?}");
        let mut answer = "permessage-deflate".to_owned();
        for (is_said, name) in
            [(!takeover.0, "server_no_context_takeover"), (!takeover.1, "client_no_context_takeover")]
        {
            if is_said {
                answer += &format!("; {name}");
            }
        }
        if send < 15 || terms.server_bits.is_some() {
            answer += &format!("; server_max_window_bits={send}");
        }
        if receive < 15 {
            answer += &format!("; client_max_window_bits={receive}");
        }
        assert_eq!(agreed.response().as_str(), answer, "{texts:?}");
    }
    assert!(served > 5000);
}

/// Section 7.1, for answers whose meaning is known; over HTTP/2 the same.
#[test]
fn a_client_takes_an_answer_to_its_offer_or_says_why_not() {
    let mut counts = [0; 6];
    for seed in 0..30_000 {
        let random = &mut Random(seed);
        let (client, [send, receive], [send_takeover, receive_takeover]) = compression(random);
        let mut texts = Vec::new();
        let mut expected = Ok(None);
        let members = if random.below(10) == 0 { random.below(3) } else { 1 };
        for _ in 0..members {
            let (text, next) = if random.below(12) == 0 {
                (other(random), Err(CompressionError::NotOffered))
            } else {
                let (text, terms) = member(random);
                let next = match terms {
                    None | Some(Terms { client_bits: Some(None), .. }) => Err(CompressionError::Parameter),
                    Some(t) if t.server_bits.unwrap_or(15) > receive || (!receive_takeover && !t.alone[0]) => {
                        Err(CompressionError::Larger)
                    }
                    Some(t) => Ok((
                        send.min(t.client_bits.flatten().unwrap_or(15)),
                        t.server_bits.unwrap_or(15),
                        send_takeover && !t.alone[1],
                        !t.alone[0],
                    )),
                };
                (text, next)
            };
            texts.push(text);
            expected = match (expected, next) {
                (Err(e), _) | (Ok(_), Err(e)) => Err(e),
                (Ok(None), Ok(next)) => Ok(Some(next)),
                (Ok(Some(_)), Ok(_)) => Err(CompressionError::Repeated),
            };
        }
        let fields = fields(random, &texts);
        let answer = client.check(lent(&fields));
        assert_eq!(answer.map(|a| a.map(told)), expected, "{texts:?} {client:?}");
        let lower: Vec<Field> = fields.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.clone())).collect();
        let extended = ExtendedConnect::check_compressed(Status(200), lent(&lower), &[], &client);
        assert_eq!(extended.is_ok(), answer.is_ok());
        assert_eq!(extended.ok().and_then(|e| e.1), answer.ok().flatten());
        counts[match expected {
            Ok(None) => 0,
            Ok(Some(_)) => 1,
            Err(CompressionError::NotOffered) => 2,
            Err(CompressionError::Parameter) => 3,
            Err(CompressionError::Larger) => 4,
            Err(_) => 5,
        }] += 1;
    }
    assert!(counts.iter().all(|n| *n > 100), "{counts:?}");
}

/// "At most so many bytes a connection": what is agreed on fits, whatever the peer says.
#[test]
fn what_is_agreed_on_fits_into_the_memory() {
    for seed in 0..20_000 {
        let random = &mut Random(seed);
        let bytes = [0, 100, 319, 320, 321, 1279, 1280, 5000, 40_959, 40_960, 100_000][random.below(11)];
        let ours = compression(random).0.receive_within(bytes);
        let needs = |agreed: Agreed| match agreed.has_receive_takeover() {
            true => (1_usize << agreed.receive_window_bits()) * 5 / 4,
            false => 0,
        };
        let texts: Vec<String> = (0..1 + random.below(3)).map(|_| member(random).0).collect();
        let fields = fields(random, &texts);
        for agreed in [ours.accept(lent(&fields)), ours.check(lent(&fields)).ok().flatten()].into_iter().flatten() {
            assert!(needs(agreed) <= bytes, "{texts:?} {bytes} {agreed:?}");
            let memory = vec![0; bytes];
            assert!(sansocket::ws::Inflating::new([0; 8], memory, Some(agreed)).is_ok());
        }
    }
}
