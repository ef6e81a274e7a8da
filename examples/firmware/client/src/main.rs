//! A board in a Socket.IO room. It says its reading each second and asks for an acknowledgement, answers the questions of the server, takes files, and connects
//! again when the connection is lost. `app.rs` is what it says; here is what keeps it connected.

#![no_std]
#![no_main]

mod app;

use app::{App, Outgoing, ROOM};
use board::{Heard, Modem, entry, memory, now, print, print_number, random};
use sansocket::{
    endpoint::client::{Config, Line, Link, Task, WebSocketLink},
    socketio::{
        AckSlot,
        client::{Backoff, Event, Session, SocketSlot},
    },
    ws::{Inbox, Outbox},
};

/// What prints the lines of `defmt`, and the time in front of each.
#[cfg(feature = "defmt")]
mod lines {
    use cortex_m as _;
    use defmt_semihosting as _;

    defmt::timestamp!("{=u64:ms}", board::now().as_millis());
}

/// The server. The path names the namespace.
const URL: &str = match option_env!("CLIENT_URL") {
    Some(url) => url,
    None => "ws://127.0.0.1:3000/",
};

/// The line of a client that speaks WebSocket only.
const LINE: Line = Line::WebSocket;

#[entry]
fn main() -> ! {
    board::start();
    let Ok(config) = Config::parse_with(URL, board::sha1) else {
        print("the URL is invalid\n");
        board::exit(2)
    };
    let mut modem = Modem::new();
    let mut inbox = Inbox::new(&mut memory!(1024)[..]);
    let mut outbox = Outbox::with_keys(&mut memory!(256)[..], random::<4>);
    let mut link = WebSocketLink::new(&config);
    let mut io = Session::new([config.namespace()], [AckSlot::EMPTY; 1], [SocketSlot::EMPTY; 1]).with_auth();
    let mut app = App::new();
    let mut backoff = Backoff::new().delay(500).max(30_000);
    // When to connect, or to ask again to be let in. `None`: that is done.
    let mut start = Some(now());
    loop {
        let now = now();
        if start.is_some_and(|at| at <= now) && io.connect(ROOM).is_ok() {
            start = None;
            if link.is_over() {
                link.start(now);
            }
        }
        app.handle_timeout(now);

        // 1. One event: what was received, or what is due.
        let event = match link.advance(LINE, &mut inbox, now, &mut |_| {}) {
            Ok(true) => link.take(LINE, &mut inbox, now),
            Ok(false) => link.handle_timeout(now),
            Err(grow) => {
                print("too large: ");
                print_number(grow.to as u32);
                print(" bytes are needed\n");
                if !link.skip_message(LINE, &mut inbox) {
                    link.close(now);
                }
                continue;
            }
        };
        let event = match event {
            Some(event) => io.handle_event(event).map(Some),
            None => Ok(io.handle_timeout(now)),
        };
        let is_idle = matches!(event, Ok(None));
        let mut is_out = false;
        match event {
            Ok(None) => {}
            Ok(Some(Event::Connected { .. })) => {
                backoff.reset();
                print("connected\n");
            }
            Ok(Some(Event::Refused { .. })) => {
                print("refused\n");
                is_out = true;
            }
            Ok(Some(Event::Disconnected { reason, .. })) => {
                print("disconnected: ");
                print(reason.as_str());
                print("\n");
                is_out = link.is_open();
            }
            Ok(Some(Event::Closed(reason))) => {
                print("closed: ");
                print(reason.as_str());
                print("\n");
                is_out = true;
            }
            Ok(Some(event)) => app.handle_event(event),
            Err(_) => link.close(now),
        }
        if is_out {
            let wait = backoff.next(u32::from_le_bytes(random())).unwrap_or_default();
            start = Some(now.after_millis(wait));
        }

        // 2. What is to be sent, and what the link wants of the modem.
        let mut outgoing = Outgoing { io: &mut io, app: &mut app, now };
        if link.transmit(LINE, &mut outbox, &mut outgoing, now, &mut |_| {}).is_err() {
            link.close(now); // the outbox is too small
        }
        modem.send(outbox.written());
        outbox.consume(usize::MAX);
        while let Some(task) = link.poll_task() {
            match task {
                Task::Open(_) => modem.dial(),
                Task::Close(_) => {
                    modem.hang_up();
                    inbox.reset(); // what it holds is told or of no use, and may fill it
                }
            }
        }

        // 3. What comes. If all was done, sleep until something comes or is due.
        let Ok(space) = inbox.space() else { continue };
        match modem.listen(space) {
            Heard::Bytes(n) => inbox.commit(n),
            Heard::Connected => link.opened(LINE, &mut inbox, &mut outbox, random()),
            Heard::Ended => link.handle_eof(LINE, now),
            Heard::Nothing if is_idle => {
                let due = [link.poll_timeout(), io.poll_timeout(), start, Some(app.poll_timeout())];
                if let Some(due) = due.into_iter().flatten().min() {
                    board::sleep_until(due);
                }
            }
            Heard::Nothing => {}
        }
    }
}
