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

#[allow(dead_code)]
mod socketio_client {
    include!("readme/socketio_client.rs");

    /// Against the server of a board: the reading arrives, the question is answered, and who is sent away ends.
    #[tokio::test]
    async fn it_runs() {
        use sansocket::{
            drive::{Server, ServerMemory},
            endpoint,
            socketio::{ExpectAck, server},
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = async { run(&url).await.unwrap() };
        let serve = async {
            let (mut rx, mut tx, mut acks) = ([0; 512], [0; 512], [AckSlot::EMPTY; 1]);
            let memory = ServerMemory { rx: &mut rx, tx: &mut tx, files: &mut [], acks: &mut acks };
            let random = |bytes: &mut [u8]| bytes.fill(7);
            let socket = listener.accept().await.unwrap().0;
            let mut io = Server::new(Stream::new(socket), Clock::new(), random, &["/"], memory);
            io.accept().await.unwrap();
            let (mut readings, mut is_answered) = (0, false);
            while let Some((step, io)) = io.next().await.unwrap() {
                match step {
                    endpoint::Step::Event(server::Event::Connect { namespace, .. }, _) => {
                        io.accept(namespace).await.unwrap();
                        let expect = ExpectAck { token: 1, deadline: None };
                        io.emit(namespace, "question", &"why?", Some(expect)).await.unwrap();
                    }
                    endpoint::Step::Event(server::Event::Event(e), _) => {
                        assert_eq!((e.is("reading"), e.args().raw()), (true, &b"21.5"[..]));
                        readings += 1;
                    }
                    endpoint::Step::Event(server::Event::Ack(answer), _) => {
                        assert_eq!((answer.token, answer.args().raw()), (Some(1), &b"42"[..]));
                        is_answered = true;
                    }
                    _ => {}
                }
                if readings > 0 && is_answered {
                    io.disconnect(ROOT).await.unwrap();
                    is_answered = false;
                }
            }
            assert!(readings > 0);
        };
        tokio::join!(client, serve);
    }
}

#[test]
fn the_readme_shows_these_programs() {
    for (name, program) in [
        ("websocket", include_str!("readme/websocket.rs")),
        ("socketio_client", include_str!("readme/socketio_client.rs")),
    ] {
        let start = format!("<!-- tests/readme/{name}.rs -->\n```rust,no_run\n");
        let (_, rest) = include_str!("../README.md").split_once(&start).expect(&start);
        let (shown, _) = rest.split_once("```\n").unwrap();
        assert!(shown == program, "README.md shows another {name} than tests/readme/{name}.rs: copy that");
    }
}

/// `docs/picture.md` has the README's pictures as link targets: rustdoc copies no files beside its pages.
#[test]
fn the_pictures_of_the_documentation_are_those_of_the_readme() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let pictures: [(&str, &str, &[u8]); 2] = [
        ("[picture]: data:image/png;base64", "docs/chat.png", include_bytes!("../docs/chat.png")),
        (
            "[plot]: data:image/svg+xml;base64",
            "docs/performance/overview.svg",
            include_bytes!("../docs/performance/overview.svg"),
        ),
    ];
    let links: Vec<_> = include_str!("../docs/picture.md").lines().collect();
    assert_eq!(links.len(), pictures.len());
    for (link, (head, path, picture)) in links.into_iter().zip(pictures) {
        let (link, encoded) = link.split_once(',').unwrap();
        assert_eq!(link, head);
        assert!(STANDARD.decode(encoded).unwrap() == picture, "encode {path} again");
    }
}
