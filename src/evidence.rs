//! PROOFS, pure: what is put on record about people, sealed so that it can be forgotten, and bundles that anyone can
//! verify with nothing but a public key.

pub mod bundle;
pub mod canonical;
pub mod certificate;
pub mod decisions;
pub mod digest;
pub mod key;
pub mod page;
pub mod seal;
