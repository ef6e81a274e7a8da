use core::cell::RefCell;
use embedded_io_async::{ErrorType, Read, Write};

/// One half of a socket.
pub trait Socket: ErrorType {}
impl<T: ErrorType> Socket for T {}

/// A socket out of its two halves that can be copied, as embedded-tls wants it for a connection that is split.
#[derive(Debug)]
pub struct Both<'s, R, W> {
    reader: &'s RefCell<R>,
    writer: &'s RefCell<W>,
}

impl<'s, R, W> Both<'s, R, W> {
    /// Out of the halves, such as `embassy_net::tcp::{TcpReader, TcpWriter}`.
    pub const fn new(reader: &'s RefCell<R>, writer: &'s RefCell<W>) -> Self {
        Self { reader, writer }
    }
}

impl<R, W> Clone for Both<'_, R, W> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<R: ErrorType, W: ErrorType<Error = R::Error>> ErrorType for Both<'_, R, W> {
    type Error = R::Error;
}

// Only one reads and only one writes, so nobody meets a cell that is borrowed.
#[allow(clippy::await_holding_refcell_ref)]
impl<R: Read, W: Write<Error = R::Error>> Read for Both<'_, R, W> {
    async fn read(&mut self, memory: &mut [u8]) -> Result<usize, R::Error> {
        self.reader.borrow_mut().read(memory).await
    }
}

#[allow(clippy::await_holding_refcell_ref)]
impl<R: Read, W: Write<Error = R::Error>> Write for Both<'_, R, W> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, R::Error> {
        self.writer.borrow_mut().write(bytes).await
    }

    async fn flush(&mut self) -> Result<(), R::Error> {
        self.writer.borrow_mut().flush().await
    }
}
