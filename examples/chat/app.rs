//! What the room makes of events, and its page.

use crate::{
    host::{App, Host, Link, sid},
    hub::{Hub, NAMES, ROOT, Said},
};
use sansocket::socketio::{
    Attachments, EventPacket, Reason,
    server::{Event, rooms::Member},
};
use std::rc::Rc;
use tracing::debug;

impl App for Hub {
    type Names = [&'static str; 1];
    type Guest = Option<Member>;

    fn names(&self) -> Self::Names {
        NAMES
    }

    fn start(host: &Rc<Host<Self>>) {
        let host = host.clone();
        tokio::task::spawn_local(async move { host.app.announce().await });
    }

    fn page(&self, path: &[u8]) -> Option<(&'static [u8], &'static str)> {
        Some(match path {
            b"/" => (b"text/html; charset=utf-8", include_str!("page/index.html")),
            b"/style.css" => (b"text/css; charset=utf-8", include_str!("page/style.css")),
            b"/client.js" => (b"text/javascript; charset=utf-8", include_str!("page/client.js")),
            b"/chat.js" => (b"text/javascript; charset=utf-8", include_str!("page/chat.js")),
            b"/icon.svg" => (b"image/svg+xml", include_str!("page/icon.svg")),
            _ => return None,
        })
    }

    fn react(&self, link: &mut Link<'_, Self>, event: Event<'_>, attachments: Attachments<'_>) {
        match event {
            Event::Connect { .. } => {
                // The answer stands in front of what the room says.
                link.accept(ROOT, sid());
                *link.guest = Some(self.enter(link.peer));
            }
            Event::UnknownNamespace { name } => {
                debug!(name = ?String::from_utf8_lossy(name), "unknown namespace");
                link.say(|io, out| io.refuse_unknown(name, out));
            }
            Event::Event(event) => {
                let is_good = attachments.is_empty() && self.handle(link, event);
                if !is_good {
                    debug!(event = ?event.name().map(|n| String::from_utf8_lossy(n.raw()).into_owned()), "ignored");
                }
                if let Some(request) = event.ack {
                    link.say(|io, out| io.ack(request, &is_good, out));
                }
            }
            Event::Disconnected { .. } => self.go(link),
            _ => {}
        }
    }

    fn closed(&self, link: &mut Link<'_, Self>, _: Reason) {
        self.go(link);
    }
}

impl Hub {
    fn go(&self, link: &mut Link<'_, Self>) {
        if let Some(member) = link.guest.take() {
            self.leave(member);
        }
    }

    /// The chat's own events; `false` for those that are ignored.
    fn handle(&self, link: &mut Link<'_, Self>, event: EventPacket<'_>) -> bool {
        let (Some(member), Some(arg)) = (*link.guest, event.args().next()) else { return false };
        let mut memory = vec![0; arg.raw().len()];
        if event.is("sendMessage") {
            let Ok(said) = arg.deserialize::<Said>(&mut memory) else { return false };
            let is_said = self.say(said);
            if !is_said {
                self.notice(link.peer, "That message is empty or too long.");
            }
            is_said
        } else if event.is("user-name") {
            arg.deserialize::<String>(&mut memory).is_ok_and(|name| self.name(member, &name))
        } else if event.is("typing") {
            arg.as_bool().map(|typing| self.typing(member, typing)).is_some()
        } else {
            false
        }
    }
}
