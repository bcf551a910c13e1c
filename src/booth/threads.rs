//! The box's threads, and the one list of them: which has ended or gives no sign of life is read from
//! it.
//!
//! A new thread is a field and a line here, and a line in the table of lib.rs.

use super::loudspeakers::Loudspeakers;
use crate::clerk::Clerk;
use crate::recorder::chain::Chain;
use crate::rt::Thread;
use crate::sphere::Sphere;

/// Every thread but main, by the part that holds it.
pub(super) struct Threads {
    /// Capture, recorder and writer.
    pub(super) chain: Chain,
    pub(super) clerk: Clerk,
    pub(super) sphere: Loudspeakers,
}

impl Threads {
    /// The list.
    pub(super) fn all(&self) -> impl Iterator<Item = Thread<'_>> {
        let sphere = self.sphere.thread.as_ref().map(Sphere::thread);
        let others = std::iter::once(self.clerk.thread()).chain(sphere);
        others.chain(self.chain.threads())
    }
}
