//! Leavers: what ends with a person's access, and the proof that nothing is left.

pub mod brake;
pub mod certificate;
pub(in crate::service) mod cut_off;
mod find;
mod register;
mod restore;
pub mod watch;

pub use certificate::{certificate, certificate_page};
pub use find::{Named, find};
pub use register::{Departed, Register};

use find::name;
