use crate::args;
use serde::Serialize;
use std::{fmt, future::Future, pin::Pin, sync::Arc};

/// Credentials as JSON, or why there are none.
pub(super) type Credentials = Result<Vec<u8>, String>;
pub(super) type Fetch = Pin<Box<dyn Future<Output = Credentials> + Send>>;

/// What goes with each CONNECT of a namespace.
#[derive(Clone, Default)]
pub(super) enum Auth {
    #[default]
    None,
    Value(Arc<Credentials>),
    Function(Arc<dyn Fn() -> Fetch + Send + Sync>),
}

impl Auth {
    pub(super) fn value(value: &impl Serialize) -> Self {
        Self::Value(Arc::new(args::to_json(value).map_err(|e| e.to_string())))
    }

    pub(super) fn function<F, U, T, E>(function: F) -> Self
    where
        F: Fn() -> U + Send + Sync + 'static,
        U: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize,
        E: fmt::Display,
    {
        Self::Function(Arc::new(move || {
            let future = function();
            Box::pin(async move {
                let value = future.await.map_err(|e| e.to_string())?;
                args::to_json(&value).map_err(|e| e.to_string())
            })
        }))
    }
}

/// Leaves out the credentials.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Value(_) => "Value(..)",
            Self::Function(_) => "Function(..)",
        })
    }
}
