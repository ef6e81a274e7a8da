//! `wss`: whom a client trusts, and what it is told.
#![cfg(feature = "rustls")]

mod support;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use sansocket_tokio::{
    net::{
        DialError, Tls,
        rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
    },
    websocket::{self, ConnectError, Connector, Message, WebSocket},
};
use std::sync::Arc;
use support::Result;
use tokio::{io::AsyncWriteExt, net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

struct Server {
    port: u16,
    /// Its certificate, PEM and DER.
    pem: String,
    der: Vec<u8>,
    /// Echoes, and ends at the first client that is closed or lost.
    task: JoinHandle<Result>,
}

/// Serves one client after the other, with a certificate for `name`.
async fn serve(name: &str) -> Result<Server> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let task = tokio::spawn(async move {
        loop {
            // A client that does not trust the certificate ends the handshake.
            let Ok(stream) = acceptor.accept(listener.accept().await?.0).await else { continue };
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
            let mut ws = websocket::accept(stream).await?;
            while let Some(message) = ws.next().await? {
                ws.send(message).await?;
            }
        }
    });
    Ok(Server { port, pem: cert.pem(), der: cert.der().to_vec(), task })
}

async fn talk(mut ws: WebSocket) -> Result {
    for size in [0, 5, 20_000, 1 << 20] {
        let message = Message::from(vec![7; size]);
        ws.send(message.clone()).await?;
        assert!(ws.next().await? == Some(message));
    }
    // Halves: both directions at once.
    let (mut sender, mut receiver) = ws.split();
    let sending = tokio::spawn(async move {
        for n in 0..50_u32 {
            sender.send(vec![n as u8; 30_000]).await?;
        }
        sender.close().await
    });
    for n in 0..50_u32 {
        assert!(receiver.next().await? == Some(vec![n as u8; 30_000].into()));
    }
    assert_eq!(receiver.next().await?, None);
    sending.await??;
    assert!(receiver.closed().is_some_and(|c| c.is_clean));
    Ok(())
}

#[tokio::test]
async fn a_client_trusts_an_added_certificate_by_pem_by_der_or_by_settings_of_its_own() -> Result {
    let server = serve("localhost").await?;
    let mut roots = RootCertStore::empty();
    roots.add(server.der.clone().into())?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut config = config;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let trusts =
        [Tls::new().root_pem(&server.pem)?, Tls::new().root(server.der.clone())?, Tls::with_config(Arc::new(config))];
    for tls in trusts {
        let connector = Connector::new(format!("wss://localhost:{}/", server.port)).tls(tls);
        talk(connector.connect().await?).await?;
    }
    assert!(!server.task.is_finished());
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_or_for_another_name_is_refused() -> Result {
    let server = serve("example.org").await?;
    let url = format!("wss://localhost:{}/", server.port);
    for tls in [Tls::new(), Tls::new().root_pem(&server.pem)?] {
        match Connector::new(&*url).tls(tls).connect().await {
            Err(ConnectError::Dial(DialError::Certificate { host, .. })) => assert_eq!(host, "localhost"),
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("wss://localhost:{}/", listener.local_addr()?.port());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await?;
        std::future::pending::<Result>().await
    });
    let error = websocket::connect(url).await.unwrap_err();
    assert!(matches!(error, ConnectError::Dial(DialError::Tls { .. })), "{error:?}");
    Ok(())
}

#[test]
fn what_is_no_certificate_is_refused() {
    for bad in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(matches!(Tls::new().root_pem(bad), Err(DialError::Root { .. })), "{bad}");
    }
    assert!(matches!(Tls::new().root(vec![1, 2, 3]), Err(DialError::Root { .. })));
}
