//! PROOFS, pure: what is put on record about people, sealed so that it can be forgotten.

pub mod seal;
