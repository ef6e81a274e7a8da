//! What a handler or a check returns as an error is what the one who asked is told, whatever answer it hoped for.
use sansocket_tokio::{
    AskError,
    args::Raw,
    client::{self, ConnectError},
    server::{Answers, Config, Event, Refusal, Server, Socket},
    testing,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

fn refused<T: Debug>(answer: Result<T, AskError>) -> String {
    match answer {
        Err(AskError::Refused(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_server_is_told_as_its_text() {
    let io = Server::new(Config::new());
    io.on("find", |_: Socket, name: String| if name == "a" { Ok(7) } else { Err("nobody has this name") });
    io.on("save", |_: Socket| std::fs::read_to_string("/no/such/file").map(drop));
    io.on("fields", |_: Socket| json!({ "error": "in words", "code": 7 }));
    io.on("number", |_: Socket| json!({ "error": 7 }));
    let (client, _) = testing::connect(&io, "/").await.unwrap();
    assert_eq!(client.ask::<u8>("find", "a").await.unwrap(), 7);
    assert_eq!(refused(client.ask::<u8>("find", "b").await), "nobody has this name");
    assert_eq!(refused(client.ask::<Vec<u8>>("find", "b").await), "nobody has this name");
    assert_eq!(
        refused(client.ask::<String>("find", 5).await),
        "argument 1: invalid type: integer `5`, expected a string"
    );
    // No value is expected here, so an error would go unseen.
    assert!(refused(client.ask::<()>("save", ()).await).contains("os error"));
    client.ask::<()>("find", "a").await.unwrap();
    // A peer that says more than the text.
    assert_eq!(refused(client.ask::<u8>("fields", ()).await), "in words");
    assert!(matches!(client.ask::<u8>("number", ()).await, Err(AskError::Decode(_))));
    // A type that takes the object gets it.
    assert_eq!(client.ask::<Value>("find", "b").await.unwrap(), json!({ "error": "nobody has this name" }));
    assert_eq!(client.ask::<Raw>("find", "b").await.unwrap().json, r#"{"error":"nobody has this name"}"#);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_client_is_told_as_its_text() {
    let io = Server::new(Config::new());
    let (client, socket) = testing::connect(&io, "/").await.unwrap();
    client.on("size?", |_: client::Socket| Err::<(), _>("no window"));
    assert_eq!(refused(socket.ask::<(u32, u32)>("size?", ()).await), "no window");
    assert_eq!(refused(socket.ask::<()>("size?", ()).await), "no window");
    let mut answers: Answers<u32> = io.ask("size?", ()).unwrap();
    assert_eq!(refused(answers.next().await.unwrap().result), "no window");
}

#[tokio::test(start_paused = true)]
async fn a_check_may_use_the_question_mark_for_what_cannot_be_written() {
    let io = Server::new(Config::new());
    let unwritable = std::collections::HashMap::from([((1, 2), 3)]);
    io.before_connect(move |socket: Socket| -> Result<(), Refusal> { Ok(socket.data().publish(&unwritable)?) });
    let refused = testing::connect(&io, "/").await.unwrap_err();
    let ConnectError::Refused { message, .. } = refused else { panic!("{refused:?}") };
    assert!(message.contains("key"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_arrives_with_its_data() {
    let io = Server::new(Config::new());
    io.before_connect(|_: Socket| Err::<(), Refusal>(Refusal::new("not now").data(&json!({ "code": 7 }))?));
    let refused = testing::connect(&io, "/").await.unwrap_err();
    let ConnectError::Refused { message, data } = refused else { panic!("{refused:?}") };
    assert_eq!((message.as_str(), data.as_deref()), ("not now", Some(r#"{"code":7}"#)));
}

#[derive(Debug, Deserialize)]
struct Auth {
    token: String,
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_the_type_of_auth_names_auth() {
    let io = Server::new(Config::new());
    io.before_connect(|_: Socket, auth: Auth| if auth.token.is_empty() { Err("no token") } else { Ok(()) });
    for (auth, expected) in [
        (json!({}), "auth: missing field `token`"),
        (json!({ "token": 7 }), "auth, field `token`: invalid type: integer `7`, expected a string"),
    ] {
        match testing::client(&io, "/").auth(auth).connect().await {
            Err(ConnectError::Refused { message, .. }) => assert_eq!(message, expected),
            other => panic!("{other:?}"),
        }
    }
}

/// The strokes of a socket in the present second.
struct Rate(Mutex<(Instant, u32)>);

#[tokio::test(start_paused = true)]
async fn a_check_limits_the_events_of_each_socket_by_itself() {
    let io = Server::new(Config::new());
    io.before_event(|socket: Socket, event: Event| {
        if event.name != "draw" {
            return Ok(());
        }
        let rate = socket.data().get_or_insert_with(|| Rate(Mutex::new((Instant::now(), 0))));
        let mut rate = rate.0.lock().unwrap();
        if rate.0.elapsed() >= Duration::from_secs(1) {
            *rate = (Instant::now(), 0);
        }
        rate.1 += 1;
        if rate.1 <= 3 { Ok(()) } else { Err("not so fast") }
    });
    io.on("draw", |_: Socket| ());
    io.on("look", |_: Socket| ());
    let (ann, socket) = testing::connect(&io, "/").await.unwrap();
    let (bob, _) = testing::connect(&io, "/").await.unwrap();
    for _ in 0..2 {
        for _ in 0..3 {
            ann.ask::<()>("draw", ()).await.unwrap();
        }
        assert_eq!(refused(ann.ask::<()>("draw", ()).await), "not so fast");
        ann.ask::<()>("look", ()).await.unwrap();
        bob.ask::<()>("draw", ()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // What is there is not made again.
    let kept = socket.data().get_or_insert_with::<Rate>(|| unreachable!());
    assert!(Arc::ptr_eq(&kept, &socket.data().get::<Rate>().unwrap()));
    // A function that makes a value may use the data itself.
    let made = socket.data().get_or_insert_with(|| u64::from(*socket.data().get_or_insert_with(|| 7_u32)));
    assert_eq!(*made, 7);
}
