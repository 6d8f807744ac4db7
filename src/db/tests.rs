//! What tests beside the code need of a database: throw-away ones, and errors on demand.

pub(crate) mod faults;
pub(crate) mod fresh;
