//! The log: to standard error, for people or as one JSON object a line. Names and numbers only: no token, no body, no
//! query, no e-mail address.

use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// The log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("`{0}` is not a log filter, expected a level such as `info` or pairs such as `info,muster=debug`")]
    Filter(String),
    /// It was started before.
    #[error("the log is already started")]
    Started,
}

/// Starts the log of this process. `filter` is a level (`info`) or pairs of module and level (`info,muster=debug`).
///
/// # Errors
/// [`TelemetryError`].
pub fn start(filter: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let filter = EnvFilter::builder().parse(filter).map_err(|_unreadable| TelemetryError::Filter(filter.to_owned()))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Human => log.with_ansi(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    };
    started.map_err(|_second| TelemetryError::Started)?;
    std::panic::set_hook(Box::new(report));
    Ok(())
}

/// A panic is logged by its place alone: its message may hold the value that led to it.
fn report(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let (thread, place) = (thread.name().unwrap_or("unnamed"), panic.location().map(ToString::to_string));
    tracing::error!(thread, place, "a thread panicked");
}
