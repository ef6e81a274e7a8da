//! The page of the chat.

use sansocket_tokio::server::Page;

/// Everything the page needs comes from here, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self' ws: wss:; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub fn at(path: &str) -> Option<Page> {
    let (content_type, body) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("page/index.html")),
        "/style.css" => ("text/css; charset=utf-8", include_str!("page/style.css")),
        "/client.js" => ("text/javascript; charset=utf-8", include_str!("page/client.js")),
        "/chat.js" => ("text/javascript; charset=utf-8", include_str!("page/chat.js")),
        "/icon.svg" => ("image/svg+xml", include_str!("page/icon.svg")),
        _ => return None,
    };
    let page = Page::new(content_type, body).field("Content-Security-Policy", POLICY);
    Some(page.field("Referrer-Policy", "no-referrer").field("Cache-Control", "no-cache"))
}
