//! What a POST's body is asked for, and read, whatever its head says and wherever it is cut.

use super::*;
use sansocket::{endpoint::PostBody, http::Request};

fn interim(head: &str, limit: u32) -> &'static [u8] {
    let post = PostBody::new(&Request::parse(head.as_bytes()).unwrap(), limit).unwrap();
    post.interim(&mut Inbox::new([0; 64]))
}

/// RFC 9110 section 10.1.1: who speaks HTTP/1.0 does not know interim responses, and would take this one for the answer.
#[test]
fn a_client_of_http_1_0_is_not_told_to_continue() {
    let head =
        |version| format!("POST / HTTP/1.{version}\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(interim(&head(1), 10), b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(interim(&head(0), 10), b"");
}

/// RFC 9110 section 10.1.1: a status that the head determines is told at once, instead of asking for the body.
#[test]
fn a_body_that_will_be_refused_is_not_asked_for() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(interim(head, 11), b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(interim(head, 10), b"");
    let mut post = PostBody::new(&Request::parse(head.as_bytes()).unwrap(), 10).unwrap();
    assert_eq!(post.poll(&mut Inbox::new([0; 64]), &mut Vec::new()), Err(Answer::TooLarge));
}

/// A body gives the same bytes, or the same refusal, however it is cut and framed, and takes no byte of what follows it.
#[test]
fn a_body_is_read_alike_wherever_it_is_cut() {
    let data = b"4hello\x1e4you\x1ebAQID";
    let chunked = |sizes: &[usize]| {
        let (mut body, mut rest) = (Vec::new(), &data[..]);
        for &size in sizes.iter().cycle() {
            let (chunk, behind) = rest.split_at(size.min(rest.len()));
            body.extend_from_slice(format!("{:X};a=\"b\"\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
            rest = behind;
            if chunk.is_empty() {
                body.extend_from_slice(b"\r\n");
                // The last chunk has no bytes of its own.
                let end = body.len() - 4;
                body.truncate(end);
                body.extend_from_slice(b"X: y\r\n\r\n");
                return body;
            }
        }
        unreachable!()
    };
    let coding = "Transfer-Encoding: chunked".to_string();
    let bodies = [
        (format!("Content-Length: {}", data.len()), data.to_vec()),
        (coding.clone(), chunked(&[1])),
        (coding.clone(), chunked(&[3, 1, 7])),
        (coding, chunked(&[100])),
    ];
    for (field, bytes) in bodies {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
        let all = [&bytes[..], b"GET /next"].concat();
        for limit in [data.len() as u32 - 1, data.len() as u32, 1000] {
            for first in 0..=all.len() {
                for second in [first, (first + 1).min(all.len()), (first + 7).min(all.len())] {
                    let mut post = PostBody::new(&Request::parse(head.as_bytes()).unwrap(), limit).unwrap();
                    let (mut inbox, mut body, mut result) = (Inbox::new(vec![0; 512]), Vec::new(), Ok(false));
                    for piece in [&all[..first], &all[first..second], &all[second..]] {
                        if !piece.is_empty() {
                            inbox.space().unwrap()[..piece.len()].copy_from_slice(piece);
                            inbox.commit(piece.len());
                        }
                        result = post.poll(&mut inbox, &mut body);
                        if result != Ok(false) {
                            // Further bytes are not of this body.
                            continue;
                        }
                    }
                    if (limit as usize) < data.len() {
                        assert_eq!(result, Err(Answer::TooLarge), "{field} {first} {second}");
                        assert!(body.len() <= limit as usize);
                    } else {
                        assert_eq!((result, &body[..]), (Ok(true), &data[..]), "{field} {first} {second}");
                        assert_eq!(*inbox.bytes(), *b"GET /next");
                    }
                }
            }
        }
    }
}
