//! The client over TLS: `https` and `wss`, on both transports.
#![cfg(feature = "rustls")]

use rcgen::{CertifiedKey, generate_simple_self_signed};
use sansocket_tokio::{
    Bytes,
    args::Raw,
    client::{Client, ConnectError, Transport},
    net::{
        DialError, Tls,
        rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
    },
    server::{self, Config, Server},
};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{net::TcpListener, time::timeout};
use tokio_rustls::TlsAcceptor;

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

async fn soon<T>(future: impl IntoFuture<Output = T>) -> T {
    timeout(Duration::from_secs(30), future.into_future()).await.expect("it happens within 30 s")
}

/// A server that sends back what it gets: its port and its certificate.
async fn serve() -> Result<(u16, String)> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let io = Server::new(Config::new().queue(8 << 20, server::Policy::Close));
    io.on("echo", |_: server::Socket, args: Raw| args);
    io.on("transport", |socket: server::Socket| socket.transport());
    tokio::spawn(async move {
        loop {
            let Ok((socket, address)) = listener.accept().await else { return };
            let (acceptor, io) = (acceptor.clone(), io.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate ends the handshake.
                if let Ok(stream) = acceptor.accept(socket).await {
                    io.serve(stream, Some(address)).await;
                }
            });
        }
    });
    Ok((port, cert.pem()))
}

#[tokio::test]
async fn all_transports_work_over_tls() -> Result {
    let (port, pem) = serve().await?;
    for (scheme, transports) in [
        ("https", &[Transport::Polling][..]),
        ("https", &[Transport::Polling, Transport::WebSocket]),
        ("wss", &[Transport::WebSocket]),
    ] {
        let client = Client::builder(format!("{scheme}://localhost:{port}")).transports(transports);
        let client = soon(client.tls(Tls::new().root_pem(&pem)?).connect()).await?;
        for size in [1, 10_000, 700_000] {
            let file = Bytes::from(vec![7; size]);
            assert!(soon(client.ask::<Bytes>("echo", &file)).await? == file, "{transports:?} {size}");
        }
        let transport: String = soon(client.ask("transport", ())).await?;
        assert_eq!(transport, transports.last().unwrap().as_str());
        soon(client.disconnect()).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_named() -> Result {
    let (port, _) = serve().await?;
    let error = soon(Client::connect(format!("https://localhost:{port}"))).await.unwrap_err();
    let ConnectError::Dial(error) = error else { panic!("{error}") };
    assert!(matches!(&*error, DialError::Certificate { host, .. } if host == "localhost"), "{error}");
    Ok(())
}
