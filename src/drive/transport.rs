use core::future::Future;

/// The receiving side of a transport. The modules [`io_0_7`](super::io_0_7) and `tokio` have it for what those crates offer; for anything else
/// implement it yourself.
pub trait Receive {
    /// Why the transport failed.
    type Error: core::error::Error;

    /// Reads at least one byte into `memory`, which is not empty, and returns the number of bytes. 0: the peer has ended the transport.
    ///
    /// `None`: nothing arrived in the time that the transport gives a call (the read timeout of a socket). The driver looks at its deadlines, and reads
    /// again.
    ///
    /// A driver is as cancel-safe as this: if the future is dropped before it is ready, no byte may be lost.
    ///
    /// If bytes are there, the first poll should return them. A call of a driver that begins after its deadline, since the application was busy elsewhere,
    /// polls once and then counts the deadline.
    ///
    /// # Errors
    /// The transport has failed. It is not used again.
    fn read(&mut self, memory: &mut [u8]) -> impl Future<Output = Result<Option<usize>, Self::Error>>;
}

/// The sending side of a transport. See [`Receive`].
pub trait Transmit {
    /// Why the transport failed.
    type Error: core::error::Error;

    /// Takes at least one of `bytes`, which are not empty, and returns how many. `None`: the transport took nothing in the time that it gives a call.
    ///
    /// What was taken must be sent without a later call: a driver has no `flush`. If the future is dropped before it is ready, nothing may have been taken.
    ///
    /// # Errors
    /// The transport has failed. It is not used again.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<Option<usize>, Self::Error>>;

    /// Whether [`write_both`](Self::write_both) takes bytes from both places at once. If so, a server's large messages are sent without a copy of them.
    fn is_vectored(&self) -> bool {
        false
    }

    /// As [`write`](Self::write), for the bytes of `first` and then those of `second`, which are not both empty.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_both(&mut self, first: &[u8], second: &[u8]) -> impl Future<Output = Result<Option<usize>, Self::Error>> {
        async move { self.write(if first.is_empty() { second } else { first }).await }
    }
}

/// A transport that a driver can use: a TCP or TLS connection, a serial line. Implemented for all that [`Receive`] and [`Transmit`].
pub trait Transport: Receive + Transmit<Error = <Self as Receive>::Error> {}

impl<T: Receive + Transmit<Error = <Self as Receive>::Error>> Transport for T {}

/// The error of a transport.
pub type Failed<T> = <T as Receive>::Error;
