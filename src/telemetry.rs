//! The log: to standard error, for people or as one JSON object a line. Names and numbers only: no token, no body, no
//! query, no e-mail address.

use std::panic::PanicHookInfo;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// Said of the HTTP library before anything else, so that a filter may still say otherwise: it reports every malformed
/// request as an error, and anybody can send those.
const QUIET: &str = "actix_http=off,actix_server=warn";

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
    let log = subscriber(filter, format, std::io::stderr)?;
    tracing::subscriber::set_global_default(log).map_err(|_second| TelemetryError::Started)?;
    std::panic::set_hook(Box::new(report));
    Ok(())
}

fn subscriber<W>(
    filter: &str,
    format: LogFormat,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(format!("{QUIET},{filter}"))
        .map_err(|_unreadable| TelemetryError::Filter(filter.to_owned()))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match format {
        LogFormat::Human => Box::new(log.with_ansi(false).finish()),
        LogFormat::Json => {
            Box::new(log.json().flatten_event(true).with_current_span(true).with_span_list(false).finish())
        }
    })
}

/// A panic is logged by its place alone: its message may hold the value that led to it.
fn report(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let (thread, place) = (thread.name().unwrap_or("unnamed"), panic.location().map(ToString::to_string));
    tracing::error!(thread, place, "a thread panicked");
}

/// Runs `work` with a log of its own and returns what was written to it.
#[cfg(test)]
pub(crate) fn logged(filter: &str, format: LogFormat, work: impl FnOnce()) -> String {
    use std::io::{Seek, SeekFrom};
    use std::sync::Arc;

    let file = Arc::new(tempfile::tempfile().unwrap());
    tracing::subscriber::with_default(subscriber(filter, format, Arc::clone(&file)).unwrap(), work);
    (&*file).seek(SeekFrom::Start(0)).unwrap();
    std::io::read_to_string(&*file).unwrap()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    // Attack D6
    #[test]
    fn a_value_stays_within_its_line_whatever_it_holds() {
        let hostile = "a\u{1b}[2J\nb\r\u{2028}\",\"level\":\"ERROR";
        let write = || tracing::warn!(error = hostile, "refused");
        let json = logged("info", LogFormat::Json, write);
        assert_eq!(json.lines().count(), 1, "{json}");
        let line: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((line["level"].as_str(), line["error"].as_str()), (Some("WARN"), Some(hostile)));
        let human = logged("info", LogFormat::Human, write);
        assert_eq!(human.lines().count(), 1, "{human}");
        assert!(!human.contains('\u{1b}'), "{human}");
    }

    #[test]
    fn malformed_requests_are_not_errors_of_the_server_unless_asked_for() {
        let report = || tracing::error!(target: "actix_http::h1::dispatcher", "stream error");
        assert_eq!(logged("info", LogFormat::Human, report), "");
        assert_eq!(logged("info,actix_http=error", LogFormat::Human, report).lines().count(), 1);
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        let error = subscriber("muster=loud", LogFormat::Human, std::io::sink).err().unwrap();
        assert!(error.to_string().starts_with("`muster=loud` is not a log filter"), "{error}");
    }
}
