//! A board that speaks a compressed WebSocket in the smallest memory: each second it says its readings, and it sends back what it gets. 2 KiB compress with a window
//! of 256 bytes. 1.5 KiB unpack messages of up to 1 KiB with a window of 512 bytes: most peers cannot compress with a smaller one.

#![no_std]
#![no_main]

use board::{Heard, Modem, entry, memory, now, print, print_number, random, stack_used};
use sansocket::{
    bytes::Writer,
    deflate::Tier,
    http::{HeadScanner, Limits as HeadLimits, ResponseHead, Url},
    time::Instant,
    ws::{
        Agreed, Client, Compression, Connect, Connection, Deflater, Inbox, Incoming, Inflating, KeepAlive, Kind,
        Limits, Outbox, ReceiveError, Timeouts, WithDeflater,
    },
};

/// The server.
const URL: &str = match option_env!("CLIENT_URL") {
    Some(url) => url,
    None => "ws://127.0.0.1:3000/",
};

/// What this board can do: the tier `TINY` has a window of 8 bits.
const TERMS: Compression = Compression::new().send_window_bits(8).receive_window_bits(9);

/// Between two calls, and between two readings, in milliseconds.
const PAUSE: u64 = 1000;

type Memory = &'static mut [u8];
type Receiving = Inbox<Inflating<Memory, Memory>>;
type Sending = Outbox<Memory, WithDeflater<fn() -> [u8; 4], Memory>>;

enum Phase {
    /// The next call is due then.
    Waiting(Instant),
    Dialed,
    /// The request was sent, with this nonce.
    Asked([u8; 16], HeadScanner),
    Open(Connection<Client>),
}

/// Reads the answer to the handshake. `Ok(None)`: the rest has not come yet. The error: it does not open the connection.
fn opened(
    url: &Url<'_>,
    nonce: [u8; 16],
    head: &mut HeadScanner,
    inbox: &mut Receiving,
) -> Result<Option<Option<Agreed>>, ()> {
    let connect = Connect::for_url(url, nonce).compress(TERMS);
    loop {
        let Some(n) = head.scan(inbox.bytes()).map_err(drop)? else { return Ok(None) };
        let response = ResponseHead::parse(inbox.bytes().get_mut(..n).unwrap_or_default()).map_err(drop)?;
        let told = connect.check_with(board::sha1, &response).map_err(drop)?.map(|opened| opened.compression());
        inbox.consume(n);
        if told.is_some() {
            return Ok(told);
        }
        *head = HeadScanner::response(HeadLimits::new()); // it was an interim response
    }
}

/// The readings as JSON. Each is much like the one before, so its window makes it short.
fn reading(number: u32, out: &mut Writer<'_>) {
    out.push(br#"{"reading":"#);
    out.decimal(u64::from(number));
    out.push(br#","sensors":["#);
    for (i, name) in ["temperature", "humidity", "pressure", "voltage"].into_iter().enumerate() {
        out.push(if i == 0 { br#"{"name":""# } else { br#",{"name":""# });
        out.push(name.as_bytes());
        out.push(br#"","value":"#);
        out.decimal(u64::from(number.wrapping_mul(7).wrapping_add(i as u32) % 100));
        out.byte(b'}');
    }
    out.push(b"]}");
}

/// One event of an open connection. `false`: nothing has come.
fn answer(ws: &mut Connection<Client>, inbox: &mut Receiving, outbox: &mut Sending, keep: &mut KeepAlive) -> bool {
    match inbox.poll_message(ws) {
        Ok(Some(Incoming::Message(message))) if message.as_bytes() == b"stack" => {
            let mut digits = [0; 10];
            let mut text = Writer::new(&mut digits);
            text.decimal(u64::from(stack_used()));
            if let Ok(text) = text.finish() {
                let _ = ws.send(Kind::Text, text, &mut ws.out(outbox));
            }
        }
        Ok(Some(Incoming::Message(message))) => {
            if ws.send(message.kind(), message.as_bytes(), &mut ws.out(outbox)).is_err() {
                print("no room to answer\n");
            }
        }
        Ok(Some(Incoming::Pong(pong))) => keep.handle_pong(&pong),
        Ok(Some(_)) => {}
        Ok(None) => return false,
        Err(ReceiveError::Capacity(e)) => {
            print("too large: ");
            print_number(e.needed as u32);
            print(" bytes are needed\n");
            inbox.skip_message(ws);
        }
        Err(_) => {} // the peer broke the protocol: the close frame is owed
    }
    true
}

/// Memory for what arrives, and memory to unpack in.
#[inline(never)]
fn receiving(raw: Memory, unpacked: Memory) -> Receiving {
    match Inflating::new(raw, unpacked, None) {
        Ok(storage) => Inbox::new(storage),
        Err(_) => board::exit(3),
    }
}

#[entry]
fn main() -> ! {
    board::start();
    // The state of what unpacks is 1.4 KiB, and is moved into its place. Here the stack has room for that; the rest of the program is not on it yet.
    let mut inbox = receiving(&mut memory!(512)[..], &mut memory!(512 + 1024)[..]);
    run(&mut inbox)
}

#[inline(never)]
fn run(inbox: &mut Receiving) -> ! {
    let Ok(url) = Url::parse(URL) else {
        print("the URL is invalid\n");
        board::exit(2)
    };
    let Ok(deflater) = Deflater::new(Tier::TINY, &mut memory!(Tier::TINY.bytes())[..]) else { board::exit(3) };
    let keys: fn() -> [u8; 4] = random::<4>;
    let mut outbox = Outbox::with_keys(&mut memory!(1152)[..], keys).with_deflater(deflater.with_threshold(64));
    let mut modem = Modem::new();
    let mut keep = KeepAlive::new(Timeouts::new(), now());
    let (mut phase, mut number, mut next) = (Phase::Waiting(now()), 0_u32, now());
    loop {
        let now = now();
        let (mut is_idle, mut is_over) = (false, false);

        // 1. What has come.
        match &mut phase {
            Phase::Waiting(at) if *at <= now => {
                inbox.reset();
                keep = KeepAlive::new(Timeouts::new(), now);
                modem.dial();
                phase = Phase::Dialed;
            }
            Phase::Waiting(_) | Phase::Dialed => is_idle = true,
            Phase::Asked(nonce, head) => match opened(&url, *nonce, head, inbox) {
                Ok(None) => is_idle = true,
                Ok(Some(agreed)) if inbox.agree(agreed).is_ok() => {
                    outbox.keys().agree(agreed.as_ref());
                    keep.opened(now);
                    next = now;
                    phase = Phase::Open(Connection::client(Limits::new()).with_compression(agreed));
                    print(if agreed.is_some() { "connected, compressed\n" } else { "connected, plain\n" });
                }
                _ => is_over = true,
            },
            Phase::Open(ws) => is_idle = !answer(ws, inbox, &mut outbox, &mut keep),
        }

        // 2. What is due, and what is to be sent.
        if let Phase::Open(ws) = &mut phase {
            if now >= next && outbox.is_empty() {
                let mut memory = [0; 256];
                let mut text = Writer::new(&mut memory);
                reading(number, &mut text);
                if let Ok(text) = text.finish() {
                    let _ = ws.send(Kind::Text, text, &mut ws.out(&mut outbox));
                }
                (number, next) = (number.wrapping_add(1), now.after_millis(PAUSE));
            }
            is_over |= keep.handle_timeout(now, ws).is_some();
            let mut out = ws.out(&mut outbox);
            while let Ok(true) = keep.poll_transmit(ws, &mut out) {}
            while let Ok(true) = ws.poll_transmit(&mut out) {}
            is_over |= ws.is_closed();
        } else if let Phase::Dialed | Phase::Asked(..) = phase {
            is_over |= keep.poll_timeout().is_some_and(|due| due <= now);
        }
        modem.send(outbox.written());
        outbox.consume(usize::MAX);

        // 3. What comes. If all was done, sleep until something comes or is due.
        match inbox.space() {
            Ok(space) => match modem.listen(space) {
                Heard::Bytes(n) => {
                    inbox.commit(n);
                    keep.handle_input(now);
                }
                Heard::Connected => {
                    let (nonce, mut memory) = (random(), [0; 256]);
                    match Connect::for_url(&url, nonce).compress(TERMS).write(&mut memory) {
                        Ok(n) => modem.send(memory.get(..n).unwrap_or_default()),
                        Err(_) => is_over = true,
                    }
                    phase = Phase::Asked(nonce, HeadScanner::response(HeadLimits::new()));
                }
                Heard::Ended => is_over = true,
                Heard::Nothing if is_idle && !is_over => {
                    let due = match phase {
                        Phase::Waiting(at) => Some(at),
                        Phase::Open(_) => keep.poll_timeout().into_iter().chain([next]).min(),
                        _ => keep.poll_timeout(),
                    };
                    if let Some(due) = due {
                        board::sleep_until(due);
                    }
                }
                Heard::Nothing => {}
            },
            // The answer to the handshake is too long.
            Err(_) => is_over |= !matches!(phase, Phase::Open(_)),
        }
        if is_over {
            print("closed\n");
            modem.hang_up();
            phase = Phase::Waiting(now.after_millis(PAUSE));
        }
    }
}
