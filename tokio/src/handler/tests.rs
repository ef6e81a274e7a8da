use super::*;
use crate::EmitError;
use bytes::Bytes;
use std::{
    error::Error,
    sync::{Arc, Mutex},
};

/// Keeps what was acknowledged.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Vec<String>>>);

impl Endpoint for Socket {
    type Request = ();

    fn acknowledge(&self, (): (), json: &[u8], _: &[Bytes]) -> Result<(), EmitError> {
        self.0.lock().unwrap().push(String::from_utf8(json.to_vec()).unwrap());
        Ok(())
    }
}

/// What a handler makes of arguments.
fn run<M>(handler: impl Handler<Socket, M>, json: &str) -> (String, bool) {
    let socket = Socket::default();
    let called = handler.call(&socket, Arrived { json: json.as_bytes(), files: Attachments::NONE }, Some(()));
    let said = socket.0.lock().unwrap().join(" ");
    (said, matches!(called, Called::Done))
}

#[test]
fn all_forms_are_handlers() {
    assert_eq!(run(|_: Socket| 1, "2").0, "1");
    assert_eq!(run(|_: Socket| async { "a" }, "2").0, "\"a\"");
    assert_eq!(run(|_: Socket, n: u8| n + 1, "2").0, "3");
    assert_eq!(run(|_: Socket, n: u8| async move { n + 1 }, "2").0, "3");
    assert_eq!(run(|_: Socket, n: u8, ack: Ack<Socket>| drop(ack.send(n)), "2").0, "2");
    assert_eq!(run(|_: Socket, n: u8, ack: Ack<Socket>| async move { ack.send(n).unwrap() }, "2").0, "2");
    async fn function(_: Socket, n: u8) -> u8 {
        n * 2
    }
    assert_eq!(run(function, "4").0, "8");
}

#[test]
fn a_result_is_what_is_in_it() {
    let checked = |_: Socket, n: u8| if n > 1 { Err("too many") } else { Ok((n, "a")) };
    assert_eq!(run(checked, "1").0, r#"1,"a""#);
    assert_eq!(run(checked, "2").0, r#"{"error":"too many"}"#);
    assert_eq!(run(|_: Socket| async { Ok::<_, String>(()) }, "").0, "");
    assert_eq!(run(|_: Socket| (Ok::<_, String>(1), 2), "").0, r#"{"Ok":1},2"#);
}

#[test]
fn an_error_is_an_acknowledgement_too() {
    let io = |_: Socket| Err::<(), _>(std::io::Error::other("no disk"));
    assert_eq!(run(io, "").0, r#"{"error":"no disk"}"#);
    let boxed = |_: Socket, n: u8| async move {
        if n > 1 { Err(Box::<dyn Error + Send + Sync>::from("too many")) } else { Ok(n) }
    };
    assert_eq!(run(boxed, "2").0, r#"{"error":"too many"}"#);
    assert_eq!(run(boxed, "1").0, "1");
    let (said, is_done) = run(|_: Socket, n: u8| n, "\"x\"");
    assert!(said.starts_with(r#"{"error":"#) && !is_done, "{said}");
}
