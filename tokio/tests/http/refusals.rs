//! What is refused is refused alike behind every HTTP server, and as the JavaScript server does.

use crate::{
    host::Host,
    raw::{Raw, handshake},
};
use sansocket_tokio::server::Config;

/// Status, and those of the fields and the body that are the server's own.
async fn answer(address: std::net::SocketAddr, request: &str) -> (u16, Vec<String>, String) {
    let mut raw = Raw::connect(address).await;
    raw.send(request).await;
    let response = raw.response_to(request.split(' ').next().unwrap()).await;
    let of = ["content-type", "allow", "upgrade", "sec-websocket-version", "vary", "set-cookie"];
    let is_ours = |line: &&str| {
        let line = line.to_lowercase();
        of.iter().any(|name| line.starts_with(name)) || line.starts_with("access-control-")
    };
    let mut fields: Vec<String> = response.head.lines().filter(is_ours).map(str::to_lowercase).collect();
    fields.sort();
    (response.status(), fields, response.body)
}

fn request(method: &str, query: &str, fields: &str) -> String {
    format!("{method} /socket.io/?{query} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

fn cases() -> Vec<(u16, String)> {
    let open = "EIO=4&transport=websocket";
    let gone = "EIO=4&transport=polling&sid=none";
    let post = "Content-Length: 3\r\n";
    vec![
        (400, handshake("GET", "EIO=3&transport=websocket", &[])),
        (400, handshake("GET", "EIO=4&transport=websocket&sid=none", &[])),
        (426, handshake("GET", open, &[("Sec-WebSocket-Version", "12")])),
        (400, handshake("GET", open, &[("Sec-WebSocket-Key", "x")])),
        (400, handshake("GET", "EIO=4&transport=polling", &[])),
        (400, request("GET", "EIO=4", "")),
        (400, request("PUT", "EIO=4&transport=polling", "")),
        (405, handshake("POST", open, &[])),
        (405, handshake("POST", "EIO=4&transport=websocket&sid=none", &[])),
        (400, handshake("GET", "EIO=3&transport=websocket", &[("Upgrade", "websocket, h2c")])),
        (400, handshake("GET", open, &[("Upgrade", "h2c")])),
        (400, handshake("GET", open, &[("Connection", "keep-alive")])),
        (400, handshake("GET", open, &[("Content-Length", "3")]) + "abc"),
        (400, request("GET", "EIO=4&transport=polling", post) + "abc"),
        (400, request("POST", "EIO=4&transport=polling", post) + "abc"),
        (400, request("POST", gone, post) + "abc"),
        (400, request("DELETE", gone, "")),
        (400, request("GET", "EIO=4&transport=webtransport", "")),
        (400, request("GET", "", "")),
        (400, request("HEAD", "EIO=4&transport=polling", "")),
        (400, handshake("GET", open, &[("Origin", "https://evil.example")])),
        (400, handshake("GET", open, &[("Origin", "null")])),
        (400, request("OPTIONS", "EIO=4&transport=polling", "Origin: https://evil.example\r\n")),
    ]
}

#[tokio::test]
async fn every_host_refuses_alike() {
    let own = Host::Own.serve(Config::new()).await;
    let others = [
        #[cfg(feature = "hyper")]
        Host::Hyper,
        #[cfg(feature = "axum")]
        Host::Axum,
    ];
    let mut servers = Vec::new();
    for host in others {
        servers.push((host, host.serve(Config::new()).await));
    }
    for (status, case) in cases() {
        let expected = answer(own.address, &case).await;
        assert_eq!(expected.0, status, "{case}");
        for (host, served) in &servers {
            assert_eq!(answer(served.address, &case).await, expected, "{host:?}: {case}");
        }
    }
    assert_eq!(own.io.counters().sessions_opened, 0);
}

crate::host::for_each_host! {
    pages_of_other_origins_may_use_what_the_configuration_says
    a_server_that_is_full_says_so
    the_path_is_that_of_the_configuration
}

async fn pages_of_other_origins_may_use_what_the_configuration_says(host: Host) {
    let get = |origin: &str| request("GET", "EIO=4&transport=polling", &format!("Origin: {origin}\r\n"));
    let websocket = |fields: &[(&str, &str)]| handshake("GET", "EIO=4&transport=websocket", fields);
    let preflight = "Origin: https://a.example\r\nAccess-Control-Request-Headers: x-b\r\n";
    let preflight = request("OPTIONS", "EIO=4&transport=polling", preflight);

    let own = host.serve(Config::new()).await;
    assert_eq!(answer(own.address, &get("https://a.example")).await.1, ["content-type: text/plain; charset=utf-8"]);
    for (status, fields) in [
        (101, &[("Origin", "")][..]),
        (101, &[("Origin", "http://localhost")]),
        (101, &[("Origin", "https://LOCALHOST")]),
        (400, &[("Origin", "http://localhost:8080")]),
        (101, &[("Origin", "http://localhost:8080"), ("Host", "localhost:8080")]),
        (400, &[("Origin", "http://localhost.evil.example")]),
        (400, &[("Origin", "localhost")]),
        (400, &[("Origin", "null")]),
        // Behind a proxy that asks under another name.
        (101, &[("Origin", "https://chat.example"), ("X-Forwarded-Host", "chat.example")]),
    ] {
        let answered = answer(own.address, &websocket(fields)).await;
        assert_eq!(answered.0, status, "{fields:?}");
        if status == 400 {
            assert_eq!(answered.2, "this origin may not connect");
        }
    }

    let any = host.serve(Config::new().any_origin()).await;
    assert!(answer(any.address, &get("https://a.example")).await.1.contains(&"access-control-allow-origin: *".into()));
    assert_eq!(answer(any.address, &websocket(&[("Origin", "null")])).await.0, 101);
    let (status, fields, _) = answer(any.address, &preflight).await;
    assert_eq!(status, 204);
    for field in [
        "access-control-allow-origin: *",
        "access-control-allow-methods: get,head,put,patch,post,delete",
        "access-control-allow-headers: x-b",
        "vary: access-control-request-headers",
    ] {
        assert!(fields.contains(&field.into()), "{field}: {fields:?}");
    }

    let list = host.serve(Config::new().origin("https://a.example").origin("https://b.example").credentials()).await;
    let fields = answer(list.address, &get("https://b.example")).await.1;
    for field in
        ["access-control-allow-origin: https://b.example", "access-control-allow-credentials: true", "vary: origin"]
    {
        assert!(fields.contains(&field.into()), "{field}: {fields:?}");
    }
    let fields = answer(list.address, &get("https://c.example")).await.1;
    assert!(!fields.iter().any(|field| field.starts_with("access-control-allow-origin")), "{fields:?}");
    for (status, origin) in [(101, "https://a.example"), (101, "http://localhost"), (400, "https://c.example")] {
        assert_eq!(answer(list.address, &websocket(&[("Origin", origin)])).await.0, status, "{origin}");
    }
    // Errors too can be read by the pages that may.
    let refused = answer(list.address, &request("GET", "EIO=4", "Origin: https://a.example\r\n")).await;
    assert!(refused.1.contains(&"access-control-allow-origin: https://a.example".into()));
}

async fn a_server_that_is_full_says_so(host: Host) {
    let served = host.serve(Config::new().max_sessions(1)).await;
    Raw::connect(served.address).await.open().await;
    let refused = answer(served.address, &request("GET", "EIO=4&transport=polling", "")).await;
    assert_eq!(refused.0, 503);
    assert_eq!(answer(served.address, &handshake("GET", "EIO=4&transport=websocket", &[])).await.0, 503);
}

async fn the_path_is_that_of_the_configuration(host: Host) {
    let served = host.serve(Config::new().path("/real{time}/").engine_path("engine.io")).await;
    for (status, path) in [
        (200, "/real{time}/"),
        (200, "/real{time}"),
        (200, "/engine.io"),
        (404, "/realtimes/"),
        (404, "/socket.io/"),
        (404, "/engine.io-admin/"),
        (404, "/"),
    ] {
        let request = format!("GET {path}?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(answer(served.address, &request).await.0, status, "{path}");
    }
}
