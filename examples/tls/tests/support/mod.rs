//! Certificates made for a test, and servers that use them.
#![allow(dead_code)]

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use sansocket::{
    drive::{
        AsServer, WebSocket,
        tokio::{Clock, Stream},
    },
    ws::Incoming,
};
use std::{
    error::Error,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server::TlsStream};

/// An authority, and a server's certificate of it for `localhost` and 127.0.0.1, as files in a folder of their own.
pub struct Certificates {
    folder: Folder,
    pub authority: Vec<u8>,
}

impl Certificates {
    pub fn new() -> Self {
        static FOLDERS: AtomicU32 = AtomicU32::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sansocket-tls-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of a test");
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        let key = KeyPair::generate().unwrap();
        let own = params.signed_by(&key, &issuer).unwrap();
        fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
        fs::write(folder.join("cert.pem"), own.pem()).unwrap();
        fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
        Self { folder: Folder(folder), authority: authority.der().to_vec() }
    }

    /// A server's certificate that is signed by itself, and its own authority, as `openssl req -x509` makes them.
    pub fn alone() -> Self {
        let all = Self::new();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        fs::write(all.ca(), own.pem()).unwrap();
        fs::write(all.cert(), own.pem()).unwrap();
        fs::write(all.key(), key.serialize_pem()).unwrap();
        Self { authority: own.der().to_vec(), ..all }
    }

    pub fn ca(&self) -> PathBuf {
        self.folder.0.join("ca.pem")
    }

    pub fn cert(&self) -> PathBuf {
        self.folder.0.join("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.0.join("key.pem")
    }

    pub fn server(&self) -> Arc<ServerConfig> {
        sansocket_tls::server_config(&self.cert(), &self.key()).unwrap()
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub type Served = WebSocket<Stream<TlsStream<TcpStream>>, Clock, AsServer, Vec<u8>, Vec<u8>>;
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// A TLS server, which does `work` with each WebSocket. Returns its port.
pub async fn serve<F>(config: Arc<ServerConfig>, work: fn(Served) -> F) -> u16
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = TlsAcceptor::from(config.clone());
            tokio::spawn(async move {
                let tls = acceptor.accept(socket).await?;
                let mut ws = WebSocket::server(Stream::new(tls), Clock::new(), vec![0; 4096], vec![0; 8192]);
                ws.accept().await?;
                work(ws).await
            });
        }
    });
    port
}

/// Says back each message, in frames as they come.
pub async fn echo(mut ws: Served) -> Outcome {
    while let Some((incoming, reply)) = ws.next_part().await? {
        if let Incoming::Part(part) = incoming {
            reply.feed_part(part.kind(), part.as_bytes(), part.is_last()).await?;
        }
    }
    let _ = tokio::io::AsyncWriteExt::shutdown(ws.reply().transport().get_mut()).await;
    Ok(())
}
