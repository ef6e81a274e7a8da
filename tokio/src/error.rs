use crate::{
    args::{DecodeError, EncodeError, Raw},
    server::adapter::AdapterError,
};
use sansocket::socketio::{AckError, SendError, StateError};
use serde::{Deserialize, de::DeserializeOwned};
use std::fmt;

/// An event or acknowledgement that was not sent. Nothing was written.
#[non_exhaustive]
#[derive(Debug)]
pub enum EmitError {
    /// The arguments have no form in JSON, or too many attachments: the application's fault.
    Encode(EncodeError),
    /// The name of the event belongs to the protocol, such as `connect` or `disconnect`.
    ReservedName,
    /// The peer has left the namespace, or the connection is over.
    Disconnected,
    /// As many acknowledgements are awaited from this peer as the limit allows.
    TooManyAcks,
    /// More waits for the peer than the limit allows.
    Full,
    /// The other nodes of the cluster cannot be told. The sockets of this server may have got the event.
    Adapter(AdapterError),
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encode(error) => return error.fmt(f),
            Self::ReservedName => "the name of the event is reserved by the protocol",
            Self::Disconnected => "the peer is not connected any more",
            Self::TooManyAcks => "too many acknowledgements are awaited from this peer",
            Self::Full => "too much waits for this peer already",
            Self::Adapter(error) => return error.fmt(f),
        })
    }
}

impl std::error::Error for EmitError {}

impl From<EncodeError> for EmitError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<AdapterError> for EmitError {
    fn from(error: AdapterError) -> Self {
        Self::Adapter(error)
    }
}

impl EmitError {
    /// What the core says of a packet that it did not write.
    pub(crate) fn of(error: SendError) -> Self {
        match error {
            SendError::State(StateError::ReservedName) => Self::ReservedName,
            SendError::State(StateError::TooManyAcks) | SendError::Acks(_) => Self::TooManyAcks,
            SendError::State(StateError::TooManyAttachments) => Self::Encode(EncodeError::too_many_attachments()),
            SendError::State(_) => Self::Disconnected,
            // The arguments were written before, and memory grows.
            _ => Self::Full,
        }
    }
}

/// A question that got no answer.
///
/// ```
/// use sansocket_tokio::{AskError, server::{Config, Server, Socket}, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let io = Server::new(Config::new());
/// io.on("withdraw", |_: Socket, amount: u32| if amount <= 100 { Ok(100 - amount) } else { Err("not so much") });
///
/// let (client, _) = testing::connect(&io, "/").await?;
/// match client.ask::<u32>("withdraw", 200).await {
///     Ok(rest) => println!("{rest} are left"),
///     Err(AskError::Refused(why)) => assert_eq!(why, "not so much"),
///     Err(error) => println!("try again later: {error}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug)]
pub enum AskError {
    /// It was not sent.
    Emit(EmitError),
    /// The answer did not come in time.
    TimedOut,
    /// The peer left, or the connection was lost, before the answer came.
    Disconnected,
    /// The peer refused: it acknowledged `{"error":"…"}`, as handlers do that return an `Err`. This is its text. A type that can hold that object, such as
    /// [`serde_json::Value`] or [`Raw`], gets it instead.
    Refused(String),
    /// The answer is not of the type that was asked for.
    Decode(DecodeError),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Emit(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the acknowledgement did not arrive in time"),
            Self::Disconnected => f.write_str("the peer left before it acknowledged"),
            Self::Refused(message) => write!(f, "the peer refused: {message}"),
            Self::Decode(error) => write!(f, "unexpected acknowledgement: {error}"),
        }
    }
}

impl std::error::Error for AskError {}

/// What a handler that failed acknowledges.
#[derive(Deserialize)]
struct Failed {
    error: String,
}

/// Reads the acknowledgement that came for a question.
pub(crate) fn answer<T: DeserializeOwned>(raw: &Raw) -> Result<T, AskError> {
    let value = raw.parse();
    // `()` takes everything, and a refusal must not look like success.
    let is_taken = value.is_ok() && size_of::<T>() > 0;
    if !is_taken
        && raw.json.first() == Some(&b'{')
        && let Ok(failed) = raw.parse::<Failed>()
    {
        return Err(AskError::Refused(failed.error));
    }
    Ok(value?)
}

impl From<EmitError> for AskError {
    fn from(error: EmitError) -> Self {
        Self::Emit(error)
    }
}

impl From<DecodeError> for AskError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<AckError> for AskError {
    fn from(error: AckError) -> Self {
        if error == AckError::TimedOut { Self::TimedOut } else { Self::Disconnected }
    }
}
