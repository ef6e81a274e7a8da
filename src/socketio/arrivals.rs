use super::{AckSlot, Attachment, Namespace, PeerError, acks::Acks};

/// Counts the attachments of the last packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrivals {
    attachments: u8,
    arrived: u8,
    /// The total size of those that have arrived.
    received: u32,
    /// The id of the acknowledgement whose attachments are arriving, or `NO_ID`.
    arriving: u32,
}

const NO_ID: u32 = u32::MAX;

impl Arrivals {
    pub(super) const NONE: Self = Self { attachments: 0, arrived: 0, received: 0, arriving: NO_ID };

    /// The attachments of a packet.
    pub(super) const fn of(attachments: u8) -> Self {
        Self { attachments, ..Self::NONE }
    }

    /// As [`of`](Self::of), for the acknowledgement `id`, which a request waits for. It counts as answered when all its attachments have arrived.
    pub(super) fn of_ack(attachments: u8, id: u64) -> Self {
        Self { attachments, arriving: u32::try_from(id).unwrap_or(NO_ID), ..Self::NONE }
    }

    /// Whether attachments are missing.
    pub(super) const fn are_missing(&self) -> bool {
        self.arrived < self.attachments
    }

    /// A binary message arrived. Returns the attachment, and the acknowledgement that is complete with it.
    pub(super) fn next<'m, A: AsMut<[AckSlot]> + AsRef<[AckSlot]>>(
        &mut self,
        bytes: &'m [u8],
        limit: u32,
        acks: &Acks<A>,
    ) -> Result<(Attachment<'m>, Option<(Namespace, u64)>), PeerError> {
        if self.arrived >= self.attachments {
            return Err(PeerError::UnexpectedBinary);
        }
        self.received = self.received.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        if self.received > limit {
            return Err(PeerError::AttachmentsTooLarge);
        }
        let index = self.arrived;
        self.arrived = self.arrived.saturating_add(1);
        let waits = if self.arriving == NO_ID { None } else { acks.namespace(self.arriving) };
        let is_late = self.arriving != NO_ID && waits.is_none();
        let complete = waits.filter(|_| !self.are_missing()).map(|namespace| (namespace, u64::from(self.arriving)));
        Ok((Attachment { index, of: self.attachments, bytes, is_late }, complete))
    }
}
