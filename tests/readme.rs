//! The README: its programs run, and it shows them as they are.

#[allow(dead_code)]
mod websocket {
    include!("readme/websocket.rs");

    #[tokio::test]
    async fn it_runs() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
        assert_eq!(ask(&url, "h\u{e9}llo").await.unwrap(), "h\u{e9}llo");
        server.await.unwrap().unwrap();
    }
}

#[test]
fn the_readme_shows_these_programs() {
    for (name, program) in [("websocket", include_str!("readme/websocket.rs"))] {
        let start = format!("<!-- tests/readme/{name}.rs -->\n```rust,no_run\n");
        let (_, rest) = include_str!("../README.md").split_once(&start).expect(&start);
        let (shown, _) = rest.split_once("```\n").unwrap();
        assert!(shown == program, "README.md shows another {name} than tests/readme/{name}.rs: copy that");
    }
}

/// `docs/picture.md` is `docs/chat.png` as a link target: rustdoc copies no files beside its pages.
#[test]
fn the_picture_of_the_documentation_is_that_of_the_readme() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let (link, encoded) = include_str!("../docs/picture.md").trim_end().split_once(',').unwrap();
    assert_eq!(link, "[picture]: data:image/png;base64");
    let mut picture = vec![0; encoded.len()];
    let len = STANDARD.decode_slice(encoded, &mut picture).unwrap();
    assert!(picture[..len] == include_bytes!("../docs/chat.png")[..], "encode docs/chat.png again");
}
