use std::{error::Error, fmt};

/// Other nodes of the cluster could not be told something, or did not answer.
#[derive(Debug)]
pub struct AdapterError(Box<dyn Error + Send + Sync>);

impl AdapterError {
    /// An error of an adapter: a message, or another error.
    ///
    /// ```
    /// use sansocket_tokio::server::adapter::AdapterError;
    ///
    /// let error = AdapterError::new("2 of 3 nodes did not answer");
    /// assert_eq!(error.to_string(), "other nodes were not reached: 2 of 3 nodes did not answer");
    /// ```
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for AdapterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "other nodes were not reached: {}", self.0)
    }
}

impl Error for AdapterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}
