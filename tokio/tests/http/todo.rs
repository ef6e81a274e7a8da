//! The example: to-do lists.

#[allow(dead_code)]
#[path = "../../examples/todo.rs"]
mod example;

use crate::raw::{Raw, text};
use tokio::net::TcpListener;

#[tokio::test]
async fn people_of_a_list_see_what_the_others_add_and_that_they_leave() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, example::app()).await });
    let mut alice = Raw::websocket(address).await;
    let mut bob = Raw::websocket(address).await;
    let mut eve = Raw::websocket(address).await;
    alice.send(text(r#"421["join","home"]"#)).await;
    alice.until_text("431[[]]").await;
    eve.send(text(r#"421["join","work"]"#)).await;
    eve.until_text("431[[]]").await;

    bob.send(text(r#"421["join","home"]"#)).await;
    bob.until_text("431[[]]").await;
    bob.send(text(r#"422["add",{"list":"home","text":"milk"}]"#)).await;
    bob.until_text("432[1]").await;
    alice.until_text(r#"42["added",{"list":"home","text":"milk"}]"#).await;
    assert_eq!(Raw::connect(address).await.ask("GET /count HTTP/1.1\r\nHost: a\r\n\r\n").await.body, "1");
    // Whoever joins later gets what is there.
    eve.send(text(r#"423["join","home"]"#)).await;
    eve.until_text(r#"433[[{"list":"home","text":"milk"}]]"#).await;

    bob.send(text(r#"424["add",{"list":"home","text":""}]"#)).await;
    bob.until_text(r#"434[{"error":"a todo has a text"}]"#).await;
    bob.send(text(r#"425["add",{"list":"home"}]"#)).await;
    bob.until_text(r#"435[{"error":"#).await;
    assert!(bob.texts().iter().any(|text| text.starts_with("435") && text.contains("`text`")));

    drop(bob);
    alice.until_text(r#"42["left","#).await;
    eve.until_text(r#"42["left","#).await;
    assert!(!eve.texts().iter().any(|text| text.starts_with(r#"42["added"#)));
}
