use crate::Pipes;
use core::{
    convert::Infallible,
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};
use embedded_io_async::{Read, Write};
use embedded_tls::{TlsCipherSuite, TlsError, TlsReader, TlsWriter};
use sansocket::drive::{Receive, Transmit};

/// Runs a TLS connection: moves what it receives into the pipes, and sends what is in them. It never ends, and must not be dropped before the connection.
pub async fn pump<S, C>(reader: TlsReader<'_, S, C>, writer: TlsWriter<'_, S, C>, pipes: &Pipes<'_>) -> Infallible
where
    S: Read + Write,
    C: TlsCipherSuite + 'static,
{
    let (mut receive, mut send) = (pin!(receive(reader, pipes)), pin!(send(writer, pipes)));
    poll_fn(|cx| {
        let _: Poll<Infallible> = receive.as_mut().poll(cx);
        send.as_mut().poll(cx)
    })
    .await
}

async fn receive<S, C>(mut reader: TlsReader<'_, S, C>, pipes: &Pipes<'_>) -> Infallible
where
    S: Read + Write,
    C: TlsCipherSuite + 'static,
{
    loop {
        match reader.read_buffered().await {
            Ok(mut record) => {
                poll_fn(|_| {
                    let n = record.len();
                    let taken = pipes.push(record.peek(n));
                    record.pop(taken);
                    if taken == n { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
            Err(e) => {
                pipes.set_end(e);
                return pending().await;
            }
        }
    }
}

// Until `set_sent` nobody else wants the cell.
#[allow(clippy::await_holding_refcell_ref)]
async fn send<S, C>(mut writer: TlsWriter<'_, S, C>, pipes: &Pipes<'_>) -> Infallible
where
    S: Read + Write,
    C: TlsCipherSuite + 'static,
{
    loop {
        let mut result = Ok(());
        {
            let bytes = pipes.wait().await;
            let mut rest = &*bytes;
            while !rest.is_empty() && result.is_ok() {
                match writer.write(rest).await {
                    Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                    Err(e) => result = Err(e),
                }
            }
        }
        if result.is_ok() {
            result = writer.flush().await;
        }
        match result {
            Ok(()) => pipes.set_sent(),
            Err(e) => {
                pipes.set_end(e);
                return pending().await;
            }
        }
    }
}

/// The transport of a driver over TLS. `P` is the future of [`pump`].
pub struct Secure<'c, 'm, P> {
    pump: Pin<&'c mut P>,
    pipes: &'c Pipes<'m>,
    /// So many bytes of the last write are not sent yet. The same bytes come again with the next call.
    taken: usize,
}

impl<'c, 'm, P: Future<Output = Infallible>> Secure<'c, 'm, P> {
    pub fn new(pump: Pin<&'c mut P>, pipes: &'c Pipes<'m>) -> Self {
        Self { pump, pipes, taken: 0 }
    }
}

impl<P: Future<Output = Infallible>> Receive for Secure<'_, '_, P> {
    type Error = TlsError;

    fn read(&mut self, memory: &mut [u8]) -> impl Future<Output = Result<Option<usize>, TlsError>> {
        poll_fn(|cx| {
            let _: Poll<Infallible> = self.pump.as_mut().poll(cx);
            match (self.pipes.pull(memory), self.pipes.end()) {
                (n @ 1.., _) => Poll::Ready(Ok(Some(n))),
                (0, None) => Poll::Pending,
                (0, Some(TlsError::ConnectionClosed)) => Poll::Ready(Ok(Some(0))),
                (0, Some(e)) => Poll::Ready(Err(e)),
            }
        })
    }
}

impl<P: Future<Output = Infallible>> Transmit for Secure<'_, '_, P> {
    type Error = TlsError;

    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<Option<usize>, TlsError>> {
        poll_fn(|cx| {
            if self.taken == 0 {
                self.taken = self.pipes.hand_over(bytes);
            }
            let _: Poll<Infallible> = self.pump.as_mut().poll(cx);
            if self.pipes.is_sent() {
                return Poll::Ready(Ok(Some(core::mem::take(&mut self.taken))));
            }
            match self.pipes.end() {
                None => Poll::Pending,
                Some(e) => Poll::Ready(Err(e)),
            }
        })
    }
}
