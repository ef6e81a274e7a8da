//! A WebSocket client over the driver: connects, sends a text each second, answers pings, connects again.

use crate::board::{Clock, Socket, dial, fill, run, select, sha1};
use core::{convert::Infallible, pin::pin};
use sansocket::{
    drive::{Error, Timer, WebSocket, io_0_7::Async},
    http::Url,
};

type Ws<'m, F> = WebSocket<Async<Socket>, Clock, sansocket::drive::AsClient<F>, &'m mut [u8; 512], &'m mut [u8; 256]>;

async fn session<F: FnMut(&mut [u8])>(ws: &mut Ws<'_, F>, url: &Url<'_>) -> Result<(), Error<Infallible>> {
    ws.connect_with(sha1, url, |connect| connect).await?;
    let mut due = Clock.now().after_millis(1000);
    loop {
        let is_due = match select(pin!(ws.next()), pin!(Clock.sleep_until(due))).await {
            Ok(Ok(Some(_))) => false,
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(e)) => return Err(e),
            Err(()) => true,
        };
        if is_due {
            due = due.after_millis(1000);
            ws.send_text("21.5").await?;
        }
    }
}

async fn client() {
    let Ok(url) = Url::parse(core::hint::black_box("ws://192.168.0.7:3000/")) else { return };
    let (mut rx, mut tx) = ([0; 512], [0; 256]);
    loop {
        if let Some(socket) = dial().await {
            let mut ws = WebSocket::client(Async(socket), Clock, fill, &mut rx, &mut tx);
            let _ = session(&mut ws, &url).await;
        }
        Clock.sleep_until(Clock.now().after_millis(5000)).await;
    }
}

pub fn path() {
    run(client());
}

#[cfg(feature = "sizes")]
mod sizes {
    use super::*;
    use crate::board::size_of_future;
    use sansocket::{
        drive::AsServer,
        ws::{CloseCode, Kind},
    };

    type Client = Ws<'static, fn(&mut [u8])>;
    type Server = WebSocket<Async<Socket>, Clock, AsServer, [u8; 512], [u8; 256]>;
    macro_rules! size {
        ($name:ident, $call:expr) => {
            #[used]
            static $name: [u8; size_of_future(&$call)] = [0; _];
        };
    }
    size!(SIZE_FUTURE_NEXT, |ws: &'static mut Client| ws.next());
    size!(SIZE_FUTURE_SEND, |ws: &'static mut Client| ws.send(Kind::Text, b""));
    size!(SIZE_FUTURE_FEED, |ws: &'static mut Client| ws.reply().feed(Kind::Text, b""));
    size!(SIZE_FUTURE_FLUSH, |ws: &'static mut Client| ws.reply().flush());
    size!(SIZE_FUTURE_CLOSE, |ws: &'static mut Client| ws.close(CloseCode::NORMAL, ""));
    size!(SIZE_FUTURE_CONNECT, |(ws, url): (&'static mut Client, &'static Url<'static>)| ws.connect_with(
        sha1,
        url,
        |c| c
    ));
    size!(SIZE_FUTURE_ACCEPT, |ws: &'static mut Server| ws.accept_with(sha1, &[], |_, a| Ok(a)));
    size!(SIZE_FUTURE_SESSION, |(ws, url): (&'static mut Client, &'static Url<'static>)| session(ws, url));
    size!(SIZE_FUTURE_READ, |(s, m): (&'static mut Socket, &'static mut [u8])| embedded_io_async::Read::read(s, m));
    size!(SIZE_FUTURE_WRITE, |(s, m): (&'static mut Socket, &'static [u8])| embedded_io_async::Write::write(s, m));
    size!(SIZE_FUTURE_SLEEP, |at: sansocket::time::Instant| async move { Clock.sleep_until(at).await });
    size!(SIZE_FUTURE_CLIENT, |(): ()| client());
    #[used]
    static SIZE_DRIVE_WEBSOCKET_WITHOUT_MEMORY: [u8; size_of::<
        WebSocket<
            Async<Socket>,
            Clock,
            sansocket::drive::AsClient<fn(&mut [u8])>,
            &'static mut [u8; 512],
            &'static mut [u8; 256],
        >,
    >()] = [0; _];
}
