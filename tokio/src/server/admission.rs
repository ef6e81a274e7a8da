//! How a client comes into a namespace: it is checked, told, and then handlers are called.

use super::{Socket, listeners::Listeners, session::Session, space::Seat};
use crate::handler::{Arrived, Called, Refusal, start};
use sansocket::{
    json::Value,
    socketio::{Attachments, Namespace},
};
use std::sync::Arc;

/// A client that was checked.
#[derive(Debug)]
pub(crate) struct Judged {
    socket: Socket,
    refusal: Option<Refusal>,
}

impl Session {
    /// A client asks for a namespace.
    pub(crate) fn connect(self: &Arc<Self>, namespace: Namespace, auth: Option<Value<'_>>, seat: Option<Seat>) {
        let Some(seat) = seat else { return };
        let auth = auth.map_or(&[][..], |auth| auth.raw());
        let socket = Socket::new(self, seat, namespace, auth);
        let listeners = socket.space().listeners();
        if listeners.before_connect.is_empty() {
            return self.enter(&socket, &listeners);
        }
        let session = self.clone();
        self.call_while_open(|| {
            start(async move {
                let mut refusal = None;
                for check in &listeners.before_connect {
                    let arrived = Arrived { json: socket.auth_json(), files: Attachments::NONE };
                    if let Err(refused) = check(&socket, arrived).await {
                        refusal = Some(refused);
                        break;
                    }
                }
                // Told by the task of the session, so that no event of the client comes before the handlers of its connection.
                session.lock().rare().judged.push(Judged { socket, refusal });
                session.stir();
            })
        });
    }

    /// Tells a client that was checked.
    pub(crate) fn judge(self: &Arc<Self>, Judged { socket, refusal }: Judged) {
        match refusal {
            None => self.enter(&socket, &socket.space().listeners()),
            Some(Refusal { message, data }) => {
                let data = data.as_deref().and_then(|data| Value::parse(data).ok());
                // The client may have left.
                let _ = self.say(|io, out| io.refuse(socket.number(), &message, data, out));
            }
        }
    }

    /// The client is in: it is told so in front of everything else, can be reached by others, and then handlers are called.
    fn enter(self: &Arc<Self>, socket: &Socket, listeners: &Listeners) {
        let (namespace, sid) = (socket.number(), socket.id());
        let entered = self.say_then(
            |io, out| io.accept(namespace, sid, out),
            |stack| {
                socket.accepted();
                stack.sockets.push(socket.clone());
            },
        );
        if entered.is_err() {
            // The client left while it was checked.
            return;
        }
        socket.enter_registry();
        let arrived = Arrived { json: socket.auth_json(), files: Attachments::NONE };
        for handler in &listeners.connect {
            if let Some(Called::Refused(error)) = self.call(|| handler(socket, arrived, None)) {
                socket.failed(listeners, "connection", &error);
            }
        }
    }
}
