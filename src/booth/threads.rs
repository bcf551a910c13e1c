//! The one list of threads: who has ended or gives no sign of life is read from it.
//!
//! A new thread is a line here and one in the table of lib.rs.

use super::loudspeakers::Loudspeakers;
use crate::clerk::Clerk;
use crate::recorder::chain::Chain;
use crate::recorder::sealer::Sealer;
use crate::rt::Thread;
use crate::sphere::Sphere;

/// Every thread but main.
pub(super) fn of<'a>(
    chain: &'a Chain,
    clerk: &'a Clerk,
    sealer: &'a Sealer,
    sphere: &'a Loudspeakers,
) -> impl Iterator<Item = Thread<'a>> {
    let sphere = sphere.thread.as_ref().map(Sphere::thread);
    let others = [clerk.thread(), sealer.thread()];
    others.into_iter().chain(sphere).chain(chain.threads())
}
