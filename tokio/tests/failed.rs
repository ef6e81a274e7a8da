//! What a handler returns as an error is what the one who asked is told, whatever answer it hoped for.
use sansocket_tokio::{
    AskError,
    args::Raw,
    client::{self, ConnectError},
    server::{Answers, Config, Refusal, Server, Socket},
    testing,
};
use serde_json::{Value, json};
use std::fmt::Debug;

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
