//! Leavers: what ends with a person's access, and the proof that nothing is left.

pub mod brake;
pub mod certificate;
pub(in crate::service) mod cut_off;
mod find;
pub mod purges;
mod register;
mod restore;
mod restore_groups;
pub mod watch;

pub use certificate::{certificate, certificate_page};
pub use find::{Named, find};
pub use register::{Departed, Register};

use find::name;
