//! Letters: what the console has to say by mail, handed to whatever sends it.

use crate::model::{InvitationId, Moment, OrganizationId};
use crate::service::accounts::LinkMail;
use zeroize::Zeroizing;

/// A mail to be sent.
pub struct Letter {
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text, with its link.
    pub text: Zeroizing<String>,
    /// The invitation whose delivery it is, and when its link was made.
    pub about: Option<(OrganizationId, InvitationId, Moment)>,
}

impl Letter {
    /// A link that signs in.
    pub fn sign_in(mail: LinkMail) -> Self {
        let text = format!(
            "Open this link in the browser you asked from, within 10 minutes. It signs you in once.\n\n{}\n\n\
             If you did not ask for it, leave it: nobody can use it but the browser that asked.\n",
            *mail.url
        );
        Self {
            to: mail.to,
            subject: "Your link to sign in to Muster".to_owned(),
            text: Zeroizing::new(text),
            about: None,
        }
    }
}

/// Takes letters to be sent, at once and without an answer.
pub trait Carrier: Send + Sync {
    /// Takes one.
    fn carry(&self, letter: Letter);
}

/// Where letters go; nowhere, where no mail is set up.
#[derive(Default)]
pub struct Post(Option<Box<dyn Carrier>>);

impl Post {
    /// By this carrier.
    pub fn by(carrier: impl Carrier + 'static) -> Self {
        Self(Some(Box::new(carrier)))
    }

    /// Whether there is anything that sends.
    pub const fn sends(&self) -> bool {
        self.0.is_some()
    }

    /// Sends a letter, if there is.
    pub fn send(&self, letter: Letter) {
        if let Some(carrier) = &self.0 {
            carrier.carry(letter);
        }
    }
}
