use super::{
    Elements, Error,
    scan::{Whole, scan},
    write_str,
};
use crate::bytes::Writer;

/// Arguments of an event: JSON values that are written straight into the output.
///
/// `()` is none, a tuple is one after the other.
pub trait Args {
    /// Writes the values with commas between them, without brackets; possibly none.
    fn write(&self, out: &mut Writer<'_>);
}

/// JSON values that stand ready, with commas between, as inside the brackets of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'m>(&'m [u8]);

impl<'m> Raw<'m> {
    /// Judges `values`: zero or more values with commas between.
    ///
    /// # Errors
    /// [`Error`] with what is wrong and where.
    pub fn new(values: &'m [u8]) -> Result<Self, Error> {
        scan::<()>(values, Whole::Elements).map(|_| Self(values))
    }

    /// Takes `values` as they are. When they are not what [`new`](Self::new) takes, receivers refuse the packet and may end the
    /// connection; values that strangers wrote must be judged.
    #[must_use]
    pub const fn trusted(values: &'m [u8]) -> Self {
        Self(values)
    }
}

impl<'m> From<Elements<'m>> for Raw<'m> {
    fn from(elements: Elements<'m>) -> Self {
        Self(elements.0)
    }
}

impl Args for Raw<'_> {
    #[inline]
    fn write(&self, out: &mut Writer<'_>) {
        out.push(self.0);
    }
}

impl Args for Elements<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        out.push(self.0);
    }
}

/// One string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'t>(pub &'t str);

impl Args for Text<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        write_str(out, self.0);
    }
}

/// One value of any serialisable type, by serde-json-core. When memory is short, the need that is reported is the least that
/// helps, since that writer stops at the first byte that has no room. It panics on what has no form in JSON: maps whose keys
/// are no strings, and types whose `Serialize` reports errors of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: serde::Serialize> Args for Json<T> {
    fn write(&self, out: &mut Writer<'_>) {
        super::typed::serialize(&self.0, out)
    }
}

impl Args for () {
    fn write(&self, _: &mut Writer<'_>) {}
}

macro_rules! tuple {
    ($first:ident $(, $next:ident)*) => {
        impl<$first: Args $(, $next: Args)*> Args for ($first, $($next,)*) {
            #[allow(non_snake_case)]
            fn write(&self, out: &mut Writer<'_>)  {
                let ($first, $($next,)*) = self;
                let start = out.len();
                $first.write(out);
                $(comma(out, start, $next);)*
                let _ = start;
                    }
        }
    };
}

tuple!(A);
tuple!(A, B);
tuple!(A, B, C);
tuple!(A, B, C, D);
tuple!(A, B, C, D, E);
tuple!(A, B, C, D, E, F);

/// `next` behind what was written since `start`, with a comma if both are something.
fn comma(out: &mut Writer<'_>, start: usize, next: &impl Args) {
    if out.len() == start {
        return next.write(out);
    }
    out.byte(b',');
    let before = out.len();
    next.write(out);
    if out.len() == before {
        out.take_back(1);
    }
}
