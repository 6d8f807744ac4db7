//! Letters: what is said by mail, handed to whatever sends it.

use zeroize::Zeroizing;

use crate::db::console::invitations;
use crate::model::{InvitationId, Moment, OrganizationId};

use super::accounts::LinkMail;
use super::invitations::InvitationMail;
use super::{ServiceError, Services};

/// An invitation whose delivery it is, and when its link was made.
pub type About = (OrganizationId, InvitationId, Moment);

/// A mail to be sent.
pub struct Letter {
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text, with its link.
    pub text: Zeroizing<String>,
    /// What its delivery is noted at.
    pub about: Option<About>,
}

impl Letter {
    /// A link that signs in.
    pub fn sign_in(mail: LinkMail) -> Self {
        let text = format!(
            "Open this link in the browser you asked from, within 10 minutes. It signs you in once.\n\n{}\n\n\
             If you did not ask for it, leave it: nobody can use it but the browser that asked.\n",
            *mail.url
        );
        let subject = "Your link to sign in to Muster".to_owned();
        Self { to: mail.to, subject, text: Zeroizing::new(text), about: None }
    }

    /// An invitation.
    pub fn invitation(organization: OrganizationId, mail: &InvitationMail) -> Self {
        let text = format!(
            "You are invited to join {} in Muster, which decides who may deploy.\n\nOpen this link within 72 hours to \
             join as {}:\n\n{}\n\nIt works once. If you do not know what this is, leave it.\n",
            mail.organization, mail.to, *mail.url
        );
        Self {
            to: mail.to.clone(),
            subject: format!("Join {} in Muster", mail.organization),
            text: Zeroizing::new(text),
            about: Some((organization, mail.id, mail.sent_at)),
        }
    }

    /// What an administrator asked to be told of an organization.
    pub fn notification(to: String, organization: &str, lines: &[String], link: &str) -> Self {
        let subject = match lines {
            [_] => format!("Muster, {organization}: something to look at"),
            lines => format!("Muster, {organization}: {} things to look at", lines.len()),
        };
        let items: String = lines.iter().flat_map(|line| ["* ", line, "\n\n"]).collect();
        let text = format!("{items}{link}\n\nYou are told because you asked to be, as an administrator.\n");
        Self { to, subject, text: Zeroizing::new(text), about: None }
    }
}

/// Takes letters to be sent.
pub trait Carrier: Send + Sync {
    /// Takes one, at once and without an answer.
    fn carry(&self, letter: Letter);

    /// Sends one while the caller waits.
    ///
    /// # Errors
    /// Why it was not sent, for an administrator.
    fn deliver(&self, letter: &Letter) -> Result<(), String>;
}

/// Where letters go; nowhere, where no mail is set up.
#[derive(Default)]
pub struct Post {
    carrier: Option<Box<dyn Carrier>>,
    domains: Vec<String>,
}

impl Post {
    /// By this carrier.
    #[must_use]
    pub fn by(self, carrier: impl Carrier + 'static) -> Self {
        Self { carrier: Some(Box::new(carrier)), ..self }
    }

    /// Invitations go to addresses of these domains only; of all, if there are none.
    #[must_use]
    pub fn only_to(self, domains: impl IntoIterator<Item = String>) -> Self {
        Self { domains: domains.into_iter().map(|domain| domain.to_lowercase()).collect(), ..self }
    }

    /// The domains invitations go to; empty for all.
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// Whether there is anything that sends.
    pub const fn sends(&self) -> bool {
        self.carrier.is_some()
    }

    /// Sends a letter while the caller waits.
    ///
    /// # Errors
    /// Why it was not sent, for an administrator.
    pub fn deliver(&self, letter: &Letter) -> Result<(), String> {
        match &self.carrier {
            Some(carrier) => carrier.deliver(letter),
            None => Err("no mail is set up; set `mail_url` and `mail_from`".to_owned()),
        }
    }

    /// Sends a letter, if there is.
    pub fn send(&self, letter: Letter) {
        if let Some(carrier) = &self.carrier {
            carrier.carry(letter);
        }
    }
}

impl Services {
    /// Notes what became of an invitation's mail. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn note_delivery(&self, (organization, id, sent_at): About, delivery: &str) -> Result<(), ServiceError> {
        Ok(self.live.note(|tx| invitations::set_delivery(tx, organization, id, sent_at, delivery))?)
    }
}
