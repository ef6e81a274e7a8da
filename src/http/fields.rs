use super::octets::find;
use core::fmt;

/// The header fields of a valid head, in order. An iterator over names and values.
///
/// `Debug` prints only the names, because values can be cookies and credentials.
///
/// ```
/// use sansocket::http::Request;
///
/// let request = Request::parse(b"GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 x\r\nVia: 1.1 y, 1.1 z\r\n\r\n")?;
/// let fields = request.fields(); // a `Fields`, which is `Copy`
/// assert_eq!(fields.get("host"), Some(&b"a"[..]));
/// assert_eq!((fields.all("via").count(), fields.list("via").count()), (2, 3));
/// assert_eq!(fields.into_iter().last(), Some((&b"Via"[..], &b"1.1 y, 1.1 z"[..])));
/// # Ok::<(), sansocket::http::HeadError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Fields<'h>(pub(super) &'h [u8]);

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for (name, _) in *self {
            list.entry(&format_args!("{}", name.escape_ascii()));
        }
        list.finish()
    }
}

impl<'h> Iterator for Fields<'h> {
    /// The name, and the value without white space around it.
    type Item = (&'h [u8], &'h [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // The head is valid: each line has a colon and ends with CR and LF, and the last is followed by an empty one.
        let (name, [b':', rest @ ..]) = self.0.split_at_checked(find(self.0, b':'))? else { return None };
        let (value, [b'\r', b'\n', rest @ ..]) = rest.split_at_checked(find(rest, b'\r'))? else { return None };
        self.0 = rest;
        Some((name, value.trim_ascii()))
    }
}

impl<'h> Fields<'h> {
    /// The values of all fields with this name, in order. The case of letters in names has no meaning (RFC 9110 section 5.1).
    pub fn all(self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.filter(move |(n, _)| n.len() == name.len() && n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The value of the first field with this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'h [u8]> {
        self.all(name).next()
    }

    /// The members of a comma-separated list. Several fields with this name form one list (RFC 9110 section 5.3). Empty members are left out
    /// (section 5.6.1). A comma inside a quoted string does not separate.
    ///
    /// For lists whose grammar has no quoted strings, such as `Connection`, use [`tokens`](Self::tokens).
    pub fn list(self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.all(name).flat_map(Members::of)
    }

    /// As [`list`](Self::list), for lists of tokens: quotes have no meaning, so every comma separates. `Connection`, `Upgrade` (RFC 9110 sections
    /// 7.6.1 and 7.8) and `Sec-WebSocket-Protocol` are such lists. It is not checked that each member is a token.
    pub fn tokens(self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.all(name).flat_map(tokens)
    }
}

/// The members of a list of tokens, without empty members.
pub(crate) fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    let members = core::iter::from_fn(move || {
        let (member, behind) = rest.and_then(|rest| rest.split_at_checked(find(rest, b',')))?;
        rest = behind.get(1..);
        Some(member.trim_ascii())
    });
    members.filter(|member| !member.is_empty())
}

/// Iterates over the members of a field value that is a comma-separated list, without empty members. A comma inside a quoted string does not
/// separate.
///
/// ```
/// use sansocket::http::Members;
///
/// let members = Members::of(br#"a, "b, c",, d"#);
/// assert!(members.eq([&b"a"[..], br#""b, c""#, b"d"]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Members<'h>(&'h [u8]);

impl<'h> Members<'h> {
    /// The members of `value`.
    #[must_use]
    pub const fn of(value: &'h [u8]) -> Self {
        Self(value)
    }
}

impl<'h> Iterator for Members<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        while !self.0.is_empty() {
            let mut is_quoted = false;
            let mut is_escaped = false;
            let end = self.0.iter().position(|&b| {
                match b {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if is_quoted => is_escaped = true,
                    b'"' => is_quoted = !is_quoted,
                    b',' if !is_quoted => return true,
                    _ => {}
                }
                false
            });
            let (member, rest) = self.0.split_at_checked(end.unwrap_or(self.0.len()))?;
            self.0 = rest.get(1..).unwrap_or_default();
            let member = member.trim_ascii();
            if !member.is_empty() {
                return Some(member);
            }
        }
        None
    }
}
