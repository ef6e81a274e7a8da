use super::Endpoint;
use crate::{
    EmitError,
    args::{self, EncodeError},
};
use bytes::Bytes;
use serde::Serialize;
use std::{
    cell::Cell,
    fmt::{self, Display},
};

/// Memory above which a thread gives it back after use.
const KEPT: usize = 64 * 1024;

thread_local! {
    /// Where a thread writes acknowledgements. Whoever needs it meanwhile, such as a `Serialize` that itself acknowledges, gets other memory.
    static JSON: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The acknowledgement of one event, for handlers that send it by themselves. If the peer did not ask for one, sending it does nothing.
pub struct Ack<S: Endpoint> {
    socket: S,
    request: Option<S::Request>,
}

/// How a failure is acknowledged.
#[derive(Serialize)]
struct Failure<'e> {
    error: &'e str,
}

impl<S: Endpoint> Ack<S> {
    pub(crate) const fn new(socket: S, request: Option<S::Request>) -> Self {
        Self { socket, request }
    }

    /// Whether the peer asked for an acknowledgement.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.request.is_some()
    }

    /// Acknowledges the event with `args`: a tuple is several arguments, `()` none.
    ///
    /// # Errors
    /// [`EmitError`]: the arguments cannot be written as JSON, or the peer is gone.
    pub fn send(mut self, args: impl Serialize) -> Result<(), EmitError> {
        self.answer(|json, files| args::encode(&args, json, files))
    }

    /// Acknowledges the event with `{"error": "…"}`, as handlers do that return an `Err`.
    pub fn fail(mut self, error: impl Display) {
        // The peer may be gone, which is told elsewhere.
        let failure = Failure { error: &error.to_string() };
        let _ = self.answer(|json, files| args::encode(&failure, json, files));
    }

    fn answer(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>, &mut Vec<Bytes>) -> Result<(), EncodeError>,
    ) -> Result<(), EmitError> {
        let Some(request) = self.request.take() else { return Ok(()) };
        let (mut json, mut files) = (JSON.take(), Vec::new());
        json.clear();
        if let Err(error) = encode(&mut json, &mut files) {
            self.request = Some(request);
            return Err(error.into());
        }
        let acknowledged = self.socket.acknowledge(request, &json, &files);
        if json.capacity() <= KEPT {
            JSON.set(json);
        }
        acknowledged
    }

    /// Acknowledges with a handler's value. That it has no form in JSON is the handler's fault, and the peer is told so.
    pub(super) fn give(mut self, value: &impl Serialize) {
        if let Err(EmitError::Encode(error)) = self.answer(|json, files| args::encode_answer(value, json, files)) {
            tracing::warn!("not acknowledged: {error}");
            self.fail("the answer cannot be written");
        }
    }
}

impl<S: Endpoint> fmt::Debug for Ack<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("is_wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}
