//! Mail, by SMTP: over TLS from the start (`smtps://`), by STARTTLS (`smtp://…?tls=required`), or in clear to this machine.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use lettre::message::{Mailbox, header::ContentType};
use lettre::{Address, Message, SmtpTransport, Transport as _};

use crate::service::Services;
use crate::service::post::{Carrier, Letter};

/// Letters that may wait.
const QUEUE: usize = 2_048;
/// How long the mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Characters kept of what a mail server says.
const SAID: usize = 200;

/// Settings that cannot be used. Texts never repeat the address, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The address of the mail server.
    #[error("`mail_url` cannot be used, expected `smtps://user:password@host` or `smtp://host:587?tls=required`")]
    Url,
    /// It would send passwords and links in clear.
    #[error("`mail_url` would send mail in clear; add `?tls=required`, or use `smtps://`")]
    InClear,
    /// The sender.
    #[error("`mail_from` is no address such as `Muster <muster@example.com>`")]
    From,
    /// No thread to be had.
    #[error("cannot start a thread for mail")]
    Thread,
}

/// Sends letters one after another, on a thread of its own.
pub struct Mail {
    letters: SyncSender<Letter>,
    transport: SmtpTransport,
    from: Mailbox,
}

impl Mail {
    /// Starts it; it ends when it is dropped and what waits is sent.
    ///
    /// # Errors
    /// [`MailError`].
    pub fn start(url: &str, from: &str, services: Services) -> Result<Self, MailError> {
        let transport = transport(url)?;
        let from: Mailbox = from.parse().map_err(|_not_a_mailbox| MailError::From)?;
        let (letters, waiting) = sync_channel(QUEUE);
        let (by, sender) = (transport.clone(), from.clone());
        let run = move || run(&waiting, &by, &sender, &services);
        let thread = std::thread::Builder::new().name("mail".to_owned()).spawn(run);
        thread.map(|_detached| Self { letters, transport, from }).map_err(|_no_thread| MailError::Thread)
    }
}

impl Carrier for Mail {
    fn carry(&self, letter: Letter) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.letters.try_send(letter) {
            tracing::error!("a mail was not sent: too many wait");
        }
    }

    fn deliver(&self, letter: &Letter) -> Result<(), String> {
        send(&self.transport, &self.from, letter).map_err(|problem| short(&problem))
    }
}

/// What a mail server says, short enough to be kept.
fn short(problem: &str) -> String {
    problem.chars().filter(|c| !c.is_control()).take(SAID).collect()
}

fn transport(text: &str) -> Result<SmtpTransport, MailError> {
    let url = url::Url::parse(text).map_err(|_not_a_url| MailError::Url)?;
    let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    let is_here = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        // Schemes that are not HTTP's leave addresses as text.
        Some(url::Host::Domain(name)) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => return Err(MailError::Url),
    };
    match (url.scheme(), tls.as_deref()) {
        ("smtps", None) | ("smtp", Some("required")) => {}
        ("smtp", None) if is_here => {}
        ("smtp", _) => return Err(MailError::InClear),
        _ => return Err(MailError::Url),
    }
    let builder = SmtpTransport::from_url(text).map_err(|_unusable| MailError::Url)?;
    Ok(builder.timeout(Some(PATIENCE)).build())
}

fn run(waiting: &Receiver<Letter>, transport: &SmtpTransport, from: &Mailbox, services: &Services) {
    while let Ok(letter) = waiting.recv() {
        let delivery = match send(transport, from, &letter) {
            Ok(()) => "sent".to_owned(),
            Err(problem) => {
                tracing::warn!(error = %problem, "a mail was not sent");
                short(&problem)
            }
        };
        if let Some(about) = letter.about
            && let Err(error) = services.note_delivery(about, &delivery)
        {
            tracing::warn!(error = %error, "what became of a mail was not noted");
        }
    }
}

fn send(transport: &SmtpTransport, from: &Mailbox, letter: &Letter) -> Result<(), String> {
    let to: Address = letter.to.parse().map_err(|_not_an_address| "the address cannot be mailed to".to_owned())?;
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(letter.subject.clone())
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text.to_string())
        .map_err(|error| error.to_string())?;
    transport.send(&message).map(|_said| ()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_goes_in_clear_to_this_machine_only() {
        for good in ["smtps://u:p@mail.example.com", "smtp://mail.example.com:587?tls=required", "smtp://127.0.0.1:25"]
        {
            assert!(transport(good).is_ok(), "{good}");
        }
        for clear in ["smtp://mail.example.com", "smtp://mail.example.com?tls=opportunistic", "smtp://10.0.0.1:25"] {
            assert_eq!(transport(clear).err(), Some(MailError::InClear), "{clear}");
        }
        for wrong in ["", "mail.example.com", "http://mail.example.com", "smtps://"] {
            assert_eq!(transport(wrong).err(), Some(MailError::Url), "{wrong}");
        }
    }
}
