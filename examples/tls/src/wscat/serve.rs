use crate::{
    Interrupts,
    dial::{MEMORY, Socket, deadlines},
    failure::Failure,
    input::Input,
    options::Options,
    output::Output,
    talk::talk,
};
use sansocket::{
    drive::{
        WebSocket, sha1,
        tokio::{Clock, Stream},
    },
    http::Status,
    ws::Limits,
};
use sansocket_tls::server_config;
use std::sync::Arc;
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

/// Serves one connection after another. The lines go to the one that is there.
pub async fn serve(
    address: &str,
    options: &Options,
    interrupts: &mut Interrupts,
    output: &mut Output,
) -> Result<(), Failure> {
    let config = match options.cert.as_deref().zip(options.key.as_deref()) {
        None => None,
        Some((certificate, key)) => Some(server_config(certificate, key).map_err(|e| Failure::usage(e.to_string()))?),
    };
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|e| Failure::usage(format!("cannot listen on '{address}': {e}")))?;
    let scheme = if config.is_some() { "wss" } else { "ws" };
    let port = listener.local_addr().map_err(|e| Failure::connection(e.to_string()))?;
    output.listening(&format!("{scheme}://{port}/"));
    let mut input = Input::new(options);
    loop {
        let (socket, from) = select! {
            accepted = listener.accept() => accepted.map_err(|e| Failure::connection(format!("cannot accept: {e}")))?,
            () = interrupts.next() => return Ok(()),
        };
        let end = match timeout(options.timeout, encrypt(socket, config.clone())).await {
            Err(_) => Err(Failure::connection("no TLS in time".into())),
            Ok(Err(e)) => Err(Failure::connection(format!("TLS failed: {e}"))),
            Ok(Ok(socket)) => {
                if !options.execute.is_empty() {
                    input = Input::new(options);
                }
                converse(socket, &from.to_string(), options, &mut input, interrupts, output).await
            }
        };
        match end {
            end if interrupts.was_pressed => return end,
            Err(Failure { code: 1, why, .. }) => output.notice(&format!("{from}: {why}")),
            Err(failure) => return Err(failure),
            Ok(()) if options.execute.is_empty() && input.is_done() => return Ok(()),
            Ok(()) => {}
        }
    }
}

async fn encrypt(socket: TcpStream, config: Option<Arc<ServerConfig>>) -> std::io::Result<Box<dyn Socket>> {
    socket.set_nodelay(true)?;
    Ok(match config {
        None => Box::new(socket),
        Some(config) => Box::new(TlsAcceptor::from(config).accept(socket).await?),
    })
}

async fn converse(
    socket: Box<dyn Socket>,
    from: &str,
    options: &Options,
    input: &mut Input,
    interrupts: &mut Interrupts,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut ws = WebSocket::server(Stream::new(socket), Clock::new(), vec![0; MEMORY], vec![0; MEMORY])
        .with_limits(Limits::new().message(options.max_message).frame(options.max_message))
        .with_deadlines(deadlines());
    let mut protocol = None;
    let accepted = ws.accept_with(sha1, &[], |_, accept| {
        let ours = options.subprotocol.iter().find(|ours| accept.protocols().any(|p| p == ours.as_bytes()));
        protocol = ours.cloned();
        Ok(match ours {
            Some(ours) => accept.protocol(ours.as_bytes()).map_err(|_| Status(500))?,
            None => accept,
        })
    });
    if let Err(e) = accepted.await {
        return Err(Failure::connection(e.to_string()));
    }
    output.open(from, protocol.as_deref());
    talk(ws, options, input, interrupts, output).await
}
