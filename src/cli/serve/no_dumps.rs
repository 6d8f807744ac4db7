//! No copy of the server's memory on disk: what has passed through it are tokens.

use rustix::process::{Resource, Rlimit, setrlimit};

/// From now on a crash leaves no core file, and on Linux no other process of the same user may read this one's memory or
/// environment. Where the system refuses, the server runs all the same and says so.
pub(super) fn forbid() {
    let forbidden = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let forbidden =
        forbidden.and_then(|()| rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable));
    if let Err(error) = forbidden {
        tracing::warn!(error = %error, "memory dumps of this server cannot be forbidden; they would hold tokens");
    }
}
