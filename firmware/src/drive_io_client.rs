//! A Socket.IO client over the driver, that of `examples/reading`: sends a reading each second, answers questions, connects again.

use crate::{
    board::{Clock, dial, fill, run, sha1},
    host::send,
};
use core::pin::pin;
use sansocket::{
    drive::{Client, ClientMemory, io_0_7::Async},
    endpoint::client::{Config, Emit, Step},
    socketio::{
        AckSlot, Namespace,
        client::{Event, SocketSlot},
    },
};

const ROOT: Namespace = Namespace(0);

async fn client() {
    let Ok(config) = Config::parse_with(core::hint::black_box("ws://192.168.0.7:3000/"), sha1) else { return };
    let attempt = pin!(None);
    let memory = ClientMemory {
        rx: &mut [0; 1024],
        tx: &mut [0; 512],
        files: &mut [],
        acks: &mut [AckSlot::EMPTY; 2],
        sockets: &mut [SocketSlot::EMPTY; 1],
        backlog: &mut [0; 512],
        attempt,
    };
    let dial = || async { dial().await.map(Async).ok_or(()) };
    let mut client = Client::new(&config, &["/"], memory, dial, Clock, fill);
    if client.connect(ROOT).is_err() {
        return;
    }
    let (mut number, mut due) = (0_u32, client.io().now());
    loop {
        match client.next_until(due).await {
            Ok(None) => {
                number = number.wrapping_add(1);
                due = client.io().now().after_millis(1000);
                let asked = Emit::new().ask(number, Some(due.after_millis(5000)));
                let _ = client.io().emit_with(ROOT, "reading", &number, asked);
            }
            Ok(Some((Step::Event(Event::Event(e), _), io))) if e.is("question") => {
                if let Some(request) = e.ack {
                    let _ = io.ack(request, &number);
                }
            }
            Ok(Some((Step::Event(Event::Ack(ack), _), _))) => send(&ack.token.unwrap_or_default().to_le_bytes()),
            Ok(Some((Step::Over(_), _))) | Err(_) => return,
            Ok(Some(_)) => {}
        }
    }
}

pub fn path() {
    run(client());
}

#[cfg(feature = "sizes")]
mod sizes {
    use super::*;
    use crate::board::{Socket, size_of_future};
    use core::future::Future;
    use sansocket::time::Instant;

    const fn next<A: 'static + Future<Output = Result<Async<Socket>, ()>>>(_: &impl Fn() -> A) -> usize {
        size_of_future(&|client: &'static mut Client<'static, Async<Socket>, fn() -> A, A, Clock, fn(&mut [u8])>| {
            client.next_until(Instant::FAR_FUTURE)
        })
    }
    const fn client_size<A: 'static>(_: &impl Fn() -> A) -> usize {
        size_of::<Client<'static, Async<Socket>, fn() -> A, A, Clock, fn(&mut [u8])>>()
    }
    #[used]
    static SIZE_FUTURE_IO_NEXT: [u8; next(&|| async { dial().await.map(Async).ok_or(()) })] = [0; _];
    #[used]
    static SIZE_DRIVE_IO_CLIENT: [u8; client_size(&|| async { dial().await.map(Async).ok_or(()) })] = [0; _];
    #[used]
    static SIZE_FUTURE_IO_PROGRAM: [u8; size_of_future(&|(): ()| client())] = [0; _];
}
