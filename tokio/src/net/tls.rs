//! TLS for clients, by rustls. Without the feature `rustls` there is none.

use super::{DialError, Stream};
use tokio::net::TcpStream;

/// The certificates that a client accepts for `https` and `wss`. By default those that Mozilla trusts (the crate `webpki-roots`).
///
/// Needs the feature `rustls`. Without it a connection to such a URL fails with [`DialError::NoTls`], and this type has nothing to set.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    #[cfg(feature = "rustls")]
    trust: with_rustls::Trust,
}

impl Tls {
    /// The certificates of Mozilla.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[cfg(not(feature = "rustls"))]
impl Tls {
    pub(super) const IS_AVAILABLE: bool = false;

    #[allow(clippy::unused_async, reason = "as the one with rustls")]
    pub(super) async fn connect(&self, host: &str, _: TcpStream) -> Result<Stream, DialError> {
        Err(DialError::NoTls { host: host.to_owned() })
    }
}

#[cfg(feature = "rustls")]
mod with_rustls {
    use super::{DialError, Stream, TcpStream, Tls};
    use rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    };
    use std::{
        io,
        sync::{Arc, OnceLock},
        time::Duration,
    };
    use tokio::time::timeout;
    use tokio_rustls::TlsConnector;

    /// How long the TLS handshake may take.
    const HANDSHAKE: Duration = Duration::from_secs(10);

    #[derive(Clone, Debug, Default)]
    pub(super) enum Trust {
        #[default]
        Web,
        Roots(Arc<RootCertStore>, Arc<ClientConfig>),
        Own(Arc<ClientConfig>),
    }

    impl Tls {
        pub(in crate::net) const IS_AVAILABLE: bool = true;

        /// Your own settings of rustls: client certificates, another verifier, another provider. The list of protocols in them (ALPN) must be empty or hold
        /// `http/1.1` alone, since that is what is spoken.
        ///
        /// ```
        /// use sansocket_tokio::net::{Tls, rustls::{ClientConfig, RootCertStore, crypto::ring}};
        ///
        /// let provider = ring::default_provider();
        /// let config = ClientConfig::builder_with_provider(provider.into())
        ///     .with_safe_default_protocol_versions()?
        ///     .with_root_certificates(RootCertStore::empty())
        ///     .with_no_client_auth();
        /// let tls = Tls::with_config(config.into());
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[must_use]
        pub const fn with_config(config: Arc<ClientConfig>) -> Self {
            Self { trust: Trust::Own(config) }
        }

        /// Trusts this certificate (DER) as well, for example that of a private issuer.
        ///
        /// # Errors
        /// [`DialError::Root`] if it is no certificate, or if these are your own settings ([`with_config`](Self::with_config)): trust it there.
        pub fn root(self, certificate: impl Into<Vec<u8>>) -> Result<Self, DialError> {
            self.trusting([CertificateDer::from(certificate.into())])
        }

        /// As [`root`](Self::root), for the text of a PEM file, which may hold several.
        ///
        /// # Errors
        /// As [`root`](Self::root). [`DialError::Root`] also if there is no certificate in the text.
        ///
        /// ```
        /// use sansocket_tokio::net::Tls;
        ///
        /// let error = Tls::new().root_pem("the wrong file").unwrap_err();
        /// assert!(error.to_string().contains("no certificate in the text"));
        /// ```
        pub fn root_pem(self, pem: impl AsRef<[u8]>) -> Result<Self, DialError> {
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_ref()).collect();
            match found {
                Ok(found) if !found.is_empty() => self.trusting(found),
                Ok(_) => Err(unreadable("there is no certificate in the text")),
                Err(e) => Err(unreadable(e)),
            }
        }

        fn trusting(self, certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Self, DialError> {
            let mut roots = match self.trust {
                Trust::Roots(roots, _) => Arc::unwrap_or_clone(roots),
                Trust::Web => web_roots(),
                Trust::Own(_) => return Err(unreadable("trust it in your own settings of rustls instead")),
            };
            for certificate in certificates {
                roots.add(certificate).map_err(unreadable)?;
            }
            let roots = Arc::new(roots);
            let config = config(Arc::clone(&roots)).map_err(unreadable)?;
            Ok(Self { trust: Trust::Roots(roots, config) })
        }

        fn config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
            static WEB: OnceLock<Arc<ClientConfig>> = OnceLock::new();
            match &self.trust {
                Trust::Web => match WEB.get() {
                    Some(config) => Ok(Arc::clone(config)),
                    None => {
                        let config = config(Arc::new(web_roots()))?;
                        Ok(Arc::clone(WEB.get_or_init(|| config)))
                    }
                },
                Trust::Roots(_, config) | Trust::Own(config) => Ok(Arc::clone(config)),
            }
        }

        pub(in crate::net) async fn connect(&self, host: &str, socket: TcpStream) -> Result<Stream, DialError> {
            let failed = |source: io::Error| {
                let is_certificate = source
                    .get_ref()
                    .and_then(|e| e.downcast_ref::<rustls::Error>())
                    .is_some_and(|e| matches!(e, rustls::Error::InvalidCertificate(_)));
                let host = host.to_owned();
                if is_certificate { DialError::Certificate { host, source } } else { DialError::Tls { host, source } }
            };
            let name = ServerName::try_from(host.to_owned())
                .map_err(|e| failed(io::Error::new(io::ErrorKind::InvalidInput, e)))?;
            let config = self.config().map_err(|e| failed(io::Error::other(e)))?;
            let stream = timeout(HANDSHAKE, TlsConnector::from(config).connect(name, socket))
                .await
                .map_err(|_| DialError::Timeout { host: host.to_owned(), during: "the TLS handshake" })?
                .map_err(failed)?;
            Ok(Box::new(stream))
        }
    }

    fn unreadable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DialError {
        DialError::Root { source: io::Error::new(io::ErrorKind::InvalidInput, why) }
    }

    fn web_roots() -> RootCertStore {
        RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
    }

    fn config(roots: Arc<RootCertStore>) -> Result<Arc<ClientConfig>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
