/// A namespace, by its place in the caller's list of names ([`Namespaces`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(pub u16);

/// The namespaces that there are; their names belong to the caller, sessions keep numbers.
///
/// A name begins with a slash, on the wire and here.
pub trait Namespaces {
    /// The namespace with the name `name`, as it stands on the wire.
    fn find(&self, name: &[u8]) -> Option<Namespace>;

    /// The name as it stands on the wire, with its slash.
    fn name(&self, namespace: Namespace) -> Option<&[u8]>;
}

impl Namespaces for [&str] {
    fn find(&self, name: &[u8]) -> Option<Namespace> {
        let at = self.iter().position(|n| n.as_bytes() == name)?;
        u16::try_from(at).ok().map(Namespace)
    }

    fn name(&self, namespace: Namespace) -> Option<&[u8]> {
        self.get(usize::from(namespace.0)).map(|name| name.as_bytes())
    }
}

impl<const N: usize> Namespaces for [&str; N] {
    fn find(&self, name: &[u8]) -> Option<Namespace> {
        self.as_slice().find(name)
    }

    fn name(&self, namespace: Namespace) -> Option<&[u8]> {
        self.as_slice().name(namespace)
    }
}

impl<N: Namespaces + ?Sized> Namespaces for &N {
    fn find(&self, name: &[u8]) -> Option<Namespace> {
        (**self).find(name)
    }

    fn name(&self, namespace: Namespace) -> Option<&[u8]> {
        (**self).name(namespace)
    }
}
