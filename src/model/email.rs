//! E-mail addresses people are invited and signed in by.

use std::fmt;
use std::str::FromStr;

use super::fold;
use super::limits::EMAIL_CHARACTERS;

/// The text is no address that mail is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// No `@`, or more than one.
    #[error("expected one `@`")]
    At,
    /// Nothing before the `@`, or something that cannot stand there.
    #[error("what stands before the `@` cannot be used")]
    Mailbox,
    /// Nothing after the `@`, or something that is no name of a host.
    #[error("what stands after the `@` is no domain such as `example.com`")]
    Domain,
    /// Too long.
    #[error("longer than {EMAIL_CHARACTERS} characters")]
    Long,
}

/// An address: one `@`, a plain mailbox, a domain with a dot. Quoted mailboxes, comments and literal domains are refused:
/// programs disagree on where such mail goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The text, as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of one address share.
    pub fn key(&self) -> String {
        fold(&self.0)
    }

    /// What stands after the `@`, in lower case.
    pub fn domain(&self) -> String {
        self.0.rsplit('@').next().unwrap_or_default().to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.chars().count() > EMAIL_CHARACTERS || text.len() > EMAIL_CHARACTERS {
            return Err(EmailError::Long);
        }
        let (mailbox, domain) = text.split_once('@').ok_or(EmailError::At)?;
        if domain.contains('@') {
            return Err(EmailError::At);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let dots = |text: &str| text.starts_with('.') || text.ends_with('.') || text.contains("..");
        if mailbox.is_empty() || mailbox.len() > 64 || dots(mailbox) || !mailbox.chars().all(plain) {
            return Err(EmailError::Mailbox);
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || (!c.is_ascii() && c.is_alphanumeric()))
        };
        let named = domain.contains('.') && domain.split('.').all(label);
        let top = domain.rsplit('.').next().unwrap_or_default();
        if !named || top.chars().all(|c| c.is_ascii_digit()) {
            return Err(EmailError::Domain);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_addresses_are_taken_as_they_stand() {
        for text in ["ana@example.com", "o'neil+ci@mail.example.co.uk", "a@xn--bcher-kva.example", "a@bücher.example"]
        {
            assert_eq!(text.parse::<EmailAddress>().unwrap().as_str(), text);
        }
        assert_eq!(" Ana@Example.com ".parse::<EmailAddress>().unwrap().key(), "ana@example.com");
    }

    #[test]
    fn what_programs_read_in_two_ways_is_refused() {
        for text in [
            "",
            "ana",
            "ana@",
            "@example.com",
            "a@evil@corp.com",
            "\"a b\"@example.com",
            "a(comment)@example.com",
            "a@example.com.",
            "a@[10.0.0.1]",
            "a@10.0.0.1",
            "a@localhost",
            "a\r\nBcc: b@example.com@example.com",
            "a\0@example.com",
            "mıke@example.com",
            "a..b@example.com",
            "a@-example.com",
            "a@exam ple.com",
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text}");
        }
        assert_eq!(format!("{}@example.com", "a".repeat(65)).parse::<EmailAddress>(), Err(EmailError::Mailbox));
        assert_eq!(format!("a@{}.com", "b.".repeat(200)).parse::<EmailAddress>(), Err(EmailError::Long));
    }
}
