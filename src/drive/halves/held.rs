//! The output while somebody writes.

use super::{
    Lock, Shared,
    shared::{Output, State},
    wakers::Woken,
};
use crate::{
    drive::{Error, Side, Transmit},
    ws::Outbox,
};
use core::future::pending;

/// Takes the lock for `f`. Afterwards calls the wakers that `f` has taken out.
pub(super) fn locked<L: Lock, X, E>(
    lock: &L,
    f: impl FnOnce(&mut L::Value, &mut Woken) -> Result<X, Error<E>>,
) -> Result<X, Error<E>> {
    let mut woken = Woken::default();
    let result = lock.with(|shared| f(shared, &mut woken));
    woken.wake();
    result.unwrap_or(Err(Error::Lock))
}

/// Gives the output back when it is dropped, with what is left in it.
pub(super) struct Held<'l, L, W, D, B>
where
    L: Lock<Value = Shared<W, D, B>>,
    D: Side,
    B: AsMut<[u8]>,
{
    lock: &'l L,
    output: Option<Output<W, D, B>>,
    is_receiver: bool,
}

impl<'l, L, W, D, B> Held<'l, L, W, D, B>
where
    L: Lock<Value = Shared<W, D, B>>,
    D: Side,
    B: AsMut<[u8]>,
{
    pub(super) const fn of_sender(lock: &'l L, output: Output<W, D, B>) -> Self {
        Self { lock, output: Some(output), is_receiver: false }
    }

    pub(super) const fn of_receiver(lock: &'l L, output: Output<W, D, B>) -> Self {
        Self { lock, output: Some(output), is_receiver: true }
    }

    /// One write. What was taken leaves the outbox in the same poll.
    pub(super) async fn write(&mut self) -> Result<Option<usize>, W::Error>
    where
        W: Transmit,
    {
        let Some(Output { writer, outbox }) = &mut self.output else { return pending().await };
        let written = writer.write(outbox.written()).await;
        if let Ok(Some(n)) = written {
            outbox.consume(n);
        }
        written
    }

    pub(super) fn replace(&mut self, storage: B) -> Result<B, B> {
        match &mut self.output {
            Some(output) => output.outbox.replace(storage),
            None => Err(storage),
        }
    }

    /// Takes the lock for `f`. If it returns true or an error, the output is given back at once.
    pub(super) fn with<E>(
        &mut self,
        f: impl FnOnce(&mut State<D::Role>, &mut Outbox<B, D::Keys>, &mut Woken) -> Result<bool, Error<E>>,
    ) -> Result<bool, Error<E>> {
        let (held, is_receiver) = (&mut self.output, self.is_receiver);
        locked(self.lock, |shared, woken| {
            let Some(output) = held else { return Err(Error::Lock) };
            let result = f(&mut shared.state, &mut output.outbox, woken);
            if !matches!(result, Ok(false))
                && let Some(output) = held.take()
            {
                shared.put_back(output, is_receiver, woken);
            }
            result
        })
    }
}

impl<L, W, D, B> Drop for Held<'_, L, W, D, B>
where
    L: Lock<Value = Shared<W, D, B>>,
    D: Side,
    B: AsMut<[u8]>,
{
    fn drop(&mut self) {
        if let Some(output) = self.output.take() {
            let _ = locked::<_, (), ()>(self.lock, |shared, woken| {
                shared.put_back(output, self.is_receiver, woken);
                Ok(())
            });
        }
    }
}
