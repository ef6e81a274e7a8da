//! What the boards with Wi-Fi serve: Socket.IO, by which clients switch the LED and ask for the time. In the browser or in Node:
//!
//! ```js
//! const board = io("http://ADDRESS", { transports: ["websocket"] });
//! board.on("hello", (ms) => console.log(`the board is up for ${ms} ms`));
//! await board.emitWithAck("led", true);
//! ```

use embassy_net::{Stack, tcp::TcpSocket};
use embassy_sync::{blocking_mutex::raw::CriticalSectionRawMutex, signal::Signal};
use sansocket::{
    drive::{Error, Failed, Server, ServerIo, ServerMemory, Timer, Transport, embassy::Clock, io_0_7::Async},
    endpoint::Step,
    engineio::server::Config,
    socketio::server::Event,
};

/// Clients at a time. Each has a task with its own memory.
pub const CLIENTS: usize = 2;

/// What the LED is to show. The task that has the LED waits for it.
pub static LED: Signal<CriticalSectionRawMutex, bool> = Signal::new();

/// Serves one client after another, in the same memory.
pub async fn serve(stack: Stack<'static>, random: fn(&mut [u8])) -> ! {
    let (mut tcp_rx, mut tcp_tx) = ([0; 1024], [0; 1024]);
    let (mut rx, mut tx) = ([0; 1024], [0; 512]);
    loop {
        let mut socket = TcpSocket::new(stack, &mut tcp_rx, &mut tcp_tx);
        if socket.accept(80).await.is_err() {
            continue;
        }
        let memory = ServerMemory { rx: &mut rx, tx: &mut tx, files: &mut [], acks: &mut [] };
        let mut server = Server::new(Async(&mut socket), Clock, random, &["/"], memory)
            .with_config(Config::new().ping_interval(10_000).ping_timeout(10_000).max_payload(1000));
        // However it ends, the next one is served.
        let _ = talk(&mut server).await;
        drop(server);
        socket.close();
        let _ = socket.flush().await;
    }
}

async fn talk<T: Transport, C: Timer, F: FnMut(&mut [u8])>(
    server: &mut Server<'_, T, C, F>,
) -> Result<(), Error<Failed<T>>> {
    server.accept().await?;
    while let Some((step, io)) = server.next().await? {
        if let Step::Event(event, _) = step {
            answer(event, io).await?;
        }
    }
    Ok(())
}

async fn answer<T: Transport, C: Timer, F: FnMut(&mut [u8])>(
    event: Event<'_>,
    io: &mut ServerIo<'_, T, C, F>,
) -> Result<(), Error<Failed<T>>> {
    let now = io.now().as_millis();
    match event {
        Event::Connect { namespace, .. } => {
            io.accept(namespace).await?;
            io.emit(namespace, "hello", &now, None).await
        }
        Event::UnknownNamespace { name } => io.refuse_unknown(name).await,
        Event::Event(event) => {
            let led = event.args().next().and_then(|is_on| is_on.as_bool()).filter(|_| event.is("led"));
            if let Some(is_on) = led {
                LED.signal(is_on);
            }
            match event.ack {
                Some(request) if event.is("time") => io.ack(request, &now).await,
                Some(request) => io.ack(request, &led.is_some()).await,
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
