use super::{DeserializeError, Value, de::Deserializer};

impl<'m> Value<'m> {
    /// Reads the value into a type that implements [`serde::Deserialize`].
    ///
    /// Strings without escapes borrow from the value. Strings with escapes are unescaped into `memory`; `&str` fields then borrow from
    /// there. [`raw`](Self::raw)`().len()` bytes of memory are always enough. None is needed if no string that is read has an escape.
    ///
    /// The rules are those of serde_json: map keys may be strings, integers, floats, `bool` or `char`, bytes are arrays of numbers or strings,
    /// an enum is a string or an object with one member, a struct is an object or an array of its fields. Integers are exact. A float is the
    /// nearest one, and never infinite. `null` is only read by options and units. Fields that the type does not have are skipped without
    /// recursion, so the stack is bounded by the type and by [`DEPTH`](super::DEPTH).
    ///
    /// # Errors
    /// [`DeserializeError`] with the reason and the offset. For [`Capacity`](super::DeserializeErrorKind::Capacity) lend more memory and call again.
    ///
    /// ```
    /// use sansocket::json::{DeserializeErrorKind, Value};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Said<'a> {
    ///     name: &'a str,
    ///     text: &'a str,
    /// }
    ///
    /// let value = Value::parse(br#"{"name":"alice","text":"a \"quote\"","at":[1,2]}"#)?;
    /// let mut memory = [0; 64];
    /// let said: Said = value.deserialize(&mut memory)?;
    /// assert_eq!((said.name, said.text), ("alice", "a \"quote\""));
    ///
    /// let error = Value::parse(br#"{"name":"bob"}"#)?.deserialize::<Said>(&mut []).err();
    /// assert!(error.is_some_and(|e| e.kind == DeserializeErrorKind::MissingField("text")));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn deserialize<T: serde::Deserialize<'m>>(&self, memory: &'m mut [u8]) -> Result<T, DeserializeError> {
        T::deserialize(&mut Deserializer::new(self.0, memory)).map_err(|e| e.placed(0))
    }
}
