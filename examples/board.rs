//! What a board does that serves one browser: a Socket.IO server of one client at a time, over `std::net`, in 3 KB of memory. `cargo run --example board --
//! 127.0.0.1:3000`. In the browser: `io("http://127.0.0.1:3000", { transports: ["websocket"] })`.

use sansocket::{
    drive::{
        Error, ServerMemory,
        blocking::{Clock, Server, ServerIo, Stream},
    },
    endpoint::Step,
    engineio::server::Config,
    socketio::{AckSlot, Attachments, Binary, ExpectAck, Namespace, server::Event},
};
use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    process::ExitCode,
};

const ROOT: Namespace = Namespace(0);

fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let Ok(listener) = TcpListener::bind(&address) else {
        eprintln!("board: cannot listen on '{address}'; say it as 127.0.0.1:3000");
        return ExitCode::from(2);
    };
    println!("board: listening on http://{}/", listener.local_addr().map_or(address, |a| a.to_string()));
    match serve(&listener) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("board: {e}");
            ExitCode::FAILURE
        }
    }
}

/// One client after another, in the same memory.
fn serve(listener: &TcpListener) -> io::Result<()> {
    let (mut rx, mut tx, mut files, mut acks) = ([0; 1024], [0; 1024], [0; 512], [AckSlot::EMPTY; 4]);
    let memory = ServerMemory { rx: &mut rx, tx: &mut tx, files: &mut files, acks: &mut acks };
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
    let socket = || Stream::tcp(listener.accept()?.0);
    let mut server = Server::new(socket()?, Clock::new(), random, &["/", "/locked"], memory)
        .with_config(Config::new().ping_interval(5000).ping_timeout(5000).max_payload(1000));
    loop {
        match talk(&mut server) {
            Ok(()) => {}
            Err(e) => eprintln!("board: {e}"),
        }
        // The client must not wait for its end until the next one comes.
        let _ = server.io().transport().get_mut().shutdown(Shutdown::Both);
        drop(server.renew(socket()?));
    }
}

type Io<'s, 'm, F> = ServerIo<'s, 'm, Stream<TcpStream>, Clock, F>;

fn talk<F: FnMut(&mut [u8])>(server: &mut Server<'_, Stream<TcpStream>, Clock, F>) -> Result<(), Error<io::Error>> {
    server.accept()?;
    while let Some((step, io)) = server.next()? {
        match step {
            Step::Event(event, files) => answer(event, files, io)?,
            Step::Closed(reason) => eprintln!("board: the client is gone: {reason}"),
            _ => {}
        }
    }
    Ok(())
}

fn answer<F: FnMut(&mut [u8])>(
    event: Event<'_>,
    files: Attachments<'_>,
    mut io: Io<'_, '_, F>,
) -> Result<(), Error<io::Error>> {
    match event {
        Event::Connect { namespace: ROOT, .. } => {
            io.accept(ROOT)?;
            let expect = ExpectAck { token: 1, deadline: Some(io.now().after_millis(2000)) };
            io.emit(ROOT, "who are you?", &(), Some(expect))
        }
        Event::Connect { namespace, .. } => io.refuse(namespace, "the door is locked", None),
        Event::UnknownNamespace { name } => io.refuse_unknown(name),
        Event::Ack(answer) => io.emit(ROOT, "hello", &answer.args(), None),
        Event::AckFailed { .. } => io.emit(ROOT, "hello", &"stranger", None),
        // The arguments come back, with their attachments.
        Event::Event(e) => match e.ack {
            Some(request) => io.ack(request, &Binary(e.args(), files)),
            None => io.emit(ROOT, "echo", &Binary(e.args(), files), None),
        },
        _ => Ok(()),
    }
}
