//! The program of `drive_client` over the machines, as one writes it by hand. Without deadlines, or with those of the driver
//! (`loop-deadlines`): handshake, pong, an idle peer, writing.

use crate::board::{Clock, Socket, dial, fill, run, select, sha1};
use core::pin::pin;
use embedded_io_async::{Read, Write};
use sansocket::{
    drive::Timer,
    http::{HeadScanner, Limits as HeadLimits, ResponseHead, Url},
    time::Instant,
    ws::{Connect, Connection, Inbox, Incoming, Kind, Limits, Outbox, ReceiveError},
};

#[cfg(feature = "loop-deadlines")]
use sansocket::ws::{KeepAlive, Timeouts};

const KEY: fn() -> [u8; 4] = || {
    let mut key = [0; 4];
    fill(&mut key);
    key
};

async fn write_all(socket: &mut Socket, mut bytes: &[u8]) -> Result<(), ()> {
    while !bytes.is_empty() {
        #[cfg(feature = "loop-deadlines")]
        let written = {
            let limit = Clock.now().after_millis(20_000);
            select(pin!(socket.write(bytes)), pin!(Clock.sleep_until(limit))).await.map_err(drop)?
        };
        #[cfg(not(feature = "loop-deadlines"))]
        let written = socket.write(bytes).await;
        match written {
            Ok(n) if n > 0 => bytes = bytes.get(n..).unwrap_or_default(),
            _ => return Err(()),
        }
    }
    Ok(())
}

/// Reads, or returns `None` when `due` has come.
async fn read(socket: &mut Socket, inbox: &mut Inbox<[u8; 512]>, due: Option<Instant>) -> Result<Option<usize>, ()> {
    let space = inbox.space().map_err(drop)?;
    let due = due.unwrap_or(Instant::FAR_FUTURE);
    let read = select(pin!(socket.read(space)), pin!(Clock.sleep_until(due))).await;
    if let Ok(Ok(n)) = read {
        inbox.commit(n);
    }
    match read {
        Ok(Ok(n)) => Ok(Some(n)),
        Ok(Err(_)) => Err(()),
        Err(()) => Ok(None),
    }
}

async fn session(
    socket: &mut Socket,
    url: &Url<'_>,
    inbox: &mut Inbox<[u8; 512]>,
    tx: &mut [u8; 256],
) -> Result<(), ()> {
    let mut nonce = [0; 16];
    fill(&mut nonce);
    let connect = Connect::for_url(url, nonce);
    let n = connect.write(tx).map_err(drop)?;
    write_all(socket, tx.get(..n).unwrap_or_default()).await?;
    #[cfg(feature = "loop-deadlines")]
    let mut keep = KeepAlive::new(Timeouts::new().idle(60_000), Clock.now());
    let mut head = HeadScanner::response(HeadLimits::new());
    loop {
        match head.scan(inbox.bytes()) {
            Ok(None) => {
                #[cfg(feature = "loop-deadlines")]
                let due = keep.poll_timeout();
                #[cfg(not(feature = "loop-deadlines"))]
                let due = None;
                match read(socket, inbox, due).await? {
                    Some(0) | None => return Err(()),
                    Some(_) => {}
                }
            }
            Ok(Some(n)) => {
                let response = ResponseHead::parse(inbox.bytes().get_mut(..n).unwrap_or_default()).map_err(drop)?;
                let opened = connect.check_with(sha1, &response).map_err(drop)?.is_some();
                inbox.consume(n);
                if opened {
                    break;
                }
                head = HeadScanner::response(HeadLimits::new());
            }
            Err(_) => return Err(()),
        }
    }
    #[cfg(feature = "loop-deadlines")]
    keep.opened(Clock.now());
    let mut ws = Connection::client(Limits::new());
    let mut outbox = Outbox::with_keys(tx, KEY);
    let mut due = Clock.now().after_millis(1000);
    loop {
        let mut is_over = false;
        loop {
            match inbox.poll_message(&mut ws) {
                Ok(None) => break,
                Ok(Some(Incoming::Message(_))) => {}
                #[cfg(feature = "loop-deadlines")]
                Ok(Some(Incoming::Pong(pong))) => drop(keep.handle_pong(&pong)),
                Ok(Some(_)) => {}
                Err(ReceiveError::Capacity(_)) => return Err(()),
                Err(_) => {
                    is_over = true;
                    break;
                }
            }
        }
        #[cfg(feature = "loop-deadlines")]
        {
            is_over |= keep.handle_timeout(Clock.now(), &mut ws).is_some();
            let mut out = ws.out(&mut outbox);
            while keep.poll_transmit(&mut ws, &mut out).map_err(drop)? {}
        }
        while ws.poll_transmit(&mut ws.out(&mut outbox)).map_err(drop)? {}
        write_all(socket, outbox.written()).await?;
        outbox.consume(usize::MAX);
        if is_over || ws.is_closed() {
            return Ok(());
        }
        #[cfg(feature = "loop-deadlines")]
        let wake = keep.poll_timeout().map_or(due, |at| at.min(due));
        #[cfg(not(feature = "loop-deadlines"))]
        let wake = due;
        match read(socket, inbox, Some(wake)).await? {
            Some(0) => return Ok(()),
            #[cfg(feature = "loop-deadlines")]
            Some(_) => keep.handle_input(Clock.now()),
            #[cfg(not(feature = "loop-deadlines"))]
            Some(_) => {}
            None => {}
        }
        if Clock.now() >= due {
            due = due.after_millis(1000);
            ws.send(Kind::Text, b"21.5", &mut ws.out(&mut outbox)).map_err(drop)?;
        }
    }
}

async fn client() {
    let Ok(url) = Url::parse(core::hint::black_box("ws://192.168.0.7:3000/")) else { return };
    let (mut inbox, mut tx) = (Inbox::new([0; 512]), [0; 256]);
    loop {
        if let Some(mut socket) = dial().await {
            let _ = session(&mut socket, &url, &mut inbox, &mut tx).await;
            inbox.reset();
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
    #[used]
    static SIZE_FUTURE_SESSION: [u8; size_of_future(&|(s, u, i, t): (
        &'static mut Socket,
        &'static Url<'static>,
        &'static mut Inbox<[u8; 512]>,
        &'static mut [u8; 256],
    )| session(s, u, i, t))] = [0; _];
    #[used]
    static SIZE_FUTURE_CLIENT: [u8; size_of_future(&|(): ()| client())] = [0; _];
}
