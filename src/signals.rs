//! SIGNALS, pure: security events (RFC 8417) in the words of CAEP, RISC and RFC 9967, and whom they are about.

pub mod event;
pub mod receiver;
pub mod subject;

pub use event::{Details, EventType, occurrence};
pub use receiver::{DefaultSubjects, Method, Receiver, Status};
pub use subject::{Subject, SubjectFormat};
