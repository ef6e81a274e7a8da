use embedded_tls::{
    Aes128GcmSha256, Certificate, CryptoProvider, CryptoRng, TlsClock, TlsError, TlsVerifier, pki::CertVerifier,
};
use rand_core::{CryptoRngCore, RngCore};

/// The random bytes and the trusted certificates that embedded-tls needs. `Clock` tells it the date, against which certificates are checked; with `NoClock` they are valid
/// for ever. `N`: the bytes of the longest certificate.
pub struct Provider<'a, Clock: TlsClock, const N: usize = 2048> {
    random: Random,
    verifier: CertVerifier<'a, Aes128GcmSha256, Clock, N>,
}

impl<'a, Clock: TlsClock, const N: usize> Provider<'a, Clock, N> {
    /// `random` fills memory with bytes from a cryptographically secure generator. `authority` has signed the server's certificate.
    pub fn new(random: fn(&mut [u8]), authority: Certificate<&'a [u8]>) -> Self {
        Self { random: Random(random), verifier: CertVerifier::new(authority) }
    }
}

impl<Clock: TlsClock, const N: usize> CryptoProvider for Provider<'_, Clock, N> {
    type CipherSuite = Aes128GcmSha256;
    type Signature = &'static [u8];

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut self.random
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Self::CipherSuite>, TlsError> {
        Ok(&mut self.verifier)
    }
}

/// A function as a generator.
struct Random(fn(&mut [u8]));

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        (self.0)(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        (self.0)(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        (self.0)(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        (self.0)(bytes);
        Ok(())
    }
}

impl CryptoRng for Random {}
