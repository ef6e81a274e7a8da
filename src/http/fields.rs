use super::octets::visible;

/// The fields of a head in order, judged good.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'h>(pub(super) &'h [u8]);

impl<'h> Iterator for Fields<'h> {
    /// The name, and the value without white space around it.
    type Item = (&'h [u8], &'h [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (line, rest) = self.0.split_at_checked(visible(self.0))?;
        // Behind the line stand CR and LF; behind the last one a second pair, and nothing is in front of it.
        self.0 = rest.get(2..)?;
        let colon = line.iter().position(|&b| b == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        Some((name, value.get(1..).unwrap_or_default().trim_ascii()))
    }
}

impl<'h> Fields<'h> {
    /// The values of all fields named `name`, in order. Names ignore case (RFC 9110 section 5.1).
    pub fn all(self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.filter(move |(n, _)| n.len() == name.len() && n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The value of the first field named `name`.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'h [u8]> {
        self.all(name).next()
    }

    /// The members of the list that all fields named `name` make together (RFC 9110 section 5.3), empty ones left out (section
    /// 5.6.1). A comma in a quoted string does not split.
    pub fn list(self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.all(name).flat_map(Members::of)
    }
}

/// The members of one list.
#[derive(Clone, Copy, Debug)]
pub struct Members<'h>(&'h [u8]);

impl<'h> Members<'h> {
    /// The members of the list that one value is.
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
            let (member, rest) = self.0.split_at_checked(end.unwrap_or(self.0.len())).unwrap_or_default();
            self.0 = rest.get(1..).unwrap_or_default();
            let member = member.trim_ascii();
            if !member.is_empty() {
                return Some(member);
            }
        }
        None
    }
}
