//! `cargo run --release --locked -- [ROLE] [SIZE] [WINDOW]`: an echo through the driver on Tokio beside tokio-tungstenite, tokio-websockets and
//! fastwebsockets, over loopback TCP. `ROLE` is `server` or `client`, `SIZE` the bytes of a message, `WINDOW` the number of messages in flight.
//! `-- ROLE SIZE WINDOW CANDIDATE MESSAGES` runs one candidate alone, for a profiler.
//!
//! The other end is the same for all: it knows no WebSocket, writes frames made beforehand, and counts what comes back. Both ends run on one thread; the
//! figure is that thread's processor time for each message. All candidates take turns in each round. Answers are compared before anything is timed.

mod echoes;
mod load;

use echoes::{CANDIDATES, Role};
use load::Load;
use rustix::time::{ClockId, clock_gettime};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of a socket's memory.
const SOCKET: usize = 200 * 1024;
const ROUNDS: usize = 31;
/// Bytes of the messages of one round, at most.
const ROUND: usize = 24 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let given = |i: usize, text: &str| args.get(i).is_none_or(|a| a == text);
    if let [_, size, window, candidate, messages] = &args[..] {
        let number = |text: &str| text.parse().expect("a number");
        let role = [Role::Server, Role::Client][usize::from(given(0, "client"))];
        let mut load = open(candidate, role, number(size), number(window)).await;
        load.run(number(messages)).await;
        return;
    }
    println!(
        "| echo as | bytes | in flight | candidate | ns a message, median | least | sansocket / it |\n|---|---|---|---|---|---|---|"
    );
    for (role, name) in [(Role::Server, "server"), (Role::Client, "client")] {
        for size in [64, 64 * 1024] {
            for window in [1, 32] {
                if given(0, name) && given(1, &size.to_string()) && given(2, &window.to_string()) {
                    compare(role, name, size, window).await;
                }
            }
        }
    }
}

async fn compare(role: Role, role_name: &str, size: usize, window: usize) {
    for name in CANDIDATES {
        let mut load = open(name, role, size, window).await;
        load.check(4 * window).await.unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let messages = (ROUND / size).clamp(256, if window == 1 { 2_000 } else { 8_000 });
    let mut times = vec![Vec::new(); CANDIDATES.len()];
    for round in 0..ROUNDS {
        for i in 0..CANDIDATES.len() {
            let i = (i + round) % CANDIDATES.len();
            // A connection of its own: the system fits the memory of a socket to its past.
            let mut load = open(CANDIDATES[i], role, size, window).await;
            load.run(messages / 4).await;
            let start = processor_time();
            load.run(messages).await;
            times[i].push((processor_time() - start) / messages as f64);
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    let ours = times[0][ROUNDS / 2];
    for (name, times) in CANDIDATES.iter().zip(&times) {
        let (median, least) = (times[ROUNDS / 2], times[0]);
        println!("| {role_name} | {size} | {window} | {name} | {median:.0} | {least:.0} | {:.2} |", ours / median);
    }
}

/// A connection whose one end is the candidate's echo.
async fn open(candidate: &str, role: Role, size: usize, window: usize) -> Load {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let connect = TcpStream::connect(listener.local_addr().expect("an address"));
    let (accepted, connected) = tokio::join!(listener.accept(), connect);
    let (near, far) = (accepted.expect("a connection").0, connected.expect("a connection"));
    for stream in [&near, &far] {
        stream.set_nodelay(true).expect("a socket");
        // Some others pace what they send, which measures their timers.
        let _ = rustix::net::sockopt::set_tcp_congestion(stream, "reno");
        // Of the same size for all, and all through.
        rustix::net::sockopt::set_socket_recv_buffer_size(stream, SOCKET).expect("a socket");
        rustix::net::sockopt::set_socket_send_buffer_size(stream, SOCKET).expect("a socket");
    }
    echoes::spawn(candidate, role, near);
    Load::new(far, role, size, window)
}

fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
