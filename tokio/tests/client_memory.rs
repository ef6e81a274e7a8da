//! What a client takes it gives back: after each reconnection, and at its end.

mod client_server;

use client_server::{Result, TestServer, builder, soon};
use sansocket_tokio::{Bytes, client::Socket};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// The bytes that are allocated now.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// The only test of this file: others would allocate beside it.
#[tokio::test]
async fn reconnections_and_clients_leave_nothing() -> Result {
    let server = TestServer::start().await;
    let client = builder(server.url()).reconnection_delay(Duration::from_millis(1));
    let client = soon(client.on("echo", |_: Socket, n: u32| n).connect()).await?;
    let mut at = Vec::new();
    for n in 0..50 {
        // Large messages make the buffers grow, also the backlog while the client is away.
        let file = Bytes::from(vec![7; 200_000]);
        assert_eq!(soon(client.ask::<Bytes>("echo", &file)).await?, file);
        server.cut();
        client.emit("echo", n)?;
        client.emit("kept", &file)?;
        server.wait_for("connect", n + 2).await;
        soon(client.connected()).await?;
        assert_eq!(soon(client.ask::<usize>("echo", n)).await?, n);
        at.push(live());
    }
    let growth = at[49].saturating_sub(at[9]);
    println!("{growth} bytes more after 40 reconnections, of {}", at[49]);
    // The server's log grows by about 6,000.
    assert!(growth < 40_000, "{growth} {at:?}");
    // Without what an outage and large messages needed.
    let before = live();
    let idle = soon(builder(server.url()).connect()).await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    println!("{} bytes for both ends of a connection that is idle", live() - before - (3 << 20)); // the server's three buffers
    let socket: Socket = (*idle).clone();
    drop(idle);
    while !socket.is_over() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(socket);
    server.wait_for("left", 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(live() < before + 4000, "{} {before}", live());
    Ok(())
}
