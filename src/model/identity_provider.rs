//! The identity provider an organization's people sign in by (OpenID Connect), and how it is told who they are.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::reserved::stands_for_nobody;

/// Characters of an issuer, a client id, a claim.
const TEXT_CHARACTERS: usize = 1_024;
/// Characters of the name of a claim.
const NAME_CHARACTERS: usize = 100;
/// Claims that may be required.
const MOST_REQUIRED: usize = 10;

/// Which attribute of a user a claim must equal when somebody signs in for the first time. From then on issuer and subject
/// alone say who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinedBy {
    /// `externalId`, as the connection sends it.
    ExternalId,
    /// `userName`, in any letter case.
    UserName,
    /// An e-mail address, in any letter case; only one that the identity provider says is verified.
    Email,
}

impl JoinedBy {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::ExternalId, Self::UserName, Self::Email];

    /// The name in the database, over HTTP and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExternalId => "external-id",
            Self::UserName => "user-name",
            Self::Email => "email",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// The claim that is compared where none is named.
    pub const fn usual_claim(self) -> &'static str {
        match self {
            Self::ExternalId => "sub",
            Self::UserName => "preferred_username",
            Self::Email => "email",
        }
    }
}

/// An identity provider, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its issuer identifier (OpenID Connect Discovery §3).
    pub issuer: String,
    /// As whom Muster is registered there.
    pub client_id: String,
    /// How somebody is found who signs in for the first time.
    pub joined_by: JoinedBy,
    /// By which claim.
    pub claim: String,
    /// What the ID token must say besides: which tenant, which domain.
    pub required: BTreeMap<String, String>,
    /// Whether users sign in by it alone; the recovery administrator keeps its links.
    pub is_only: bool,
}

/// Settings that do not make an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityProviderError {
    /// Not an issuer.
    #[error("the issuer must be the URL its ID tokens bear as `iss`, without query and fragment")]
    Issuer,
    /// Empty, too long, or with control characters.
    #[error("the {0} has 1 to {1} characters and no control characters")]
    Text(&'static str, usize),
    /// An address that need not be anybody's.
    #[error("an e-mail address is taken from the claim `email` alone, which says whether it is verified")]
    EmailClaim,
    /// Too many.
    #[error("at most {MOST_REQUIRED} claims can be required")]
    Required,
    /// Not `name=value`.
    #[error("`{0}` is no claim; write `name=value`, one a line")]
    Claim(String),
}

impl IdentityProvider {
    /// Checks what can be checked without asking anybody.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    pub fn check(&self) -> Result<(), IdentityProviderError> {
        let issuer = url::Url::parse(&self.issuer).map_err(|_not_a_url| IdentityProviderError::Issuer)?;
        let is_plain = matches!(issuer.scheme(), "https" | "http") && issuer.query().is_none();
        if !is_plain || issuer.fragment().is_some() || self.issuer.trim() != self.issuer {
            return Err(IdentityProviderError::Issuer);
        }
        text("issuer", &self.issuer, TEXT_CHARACTERS)?;
        text("client id", &self.client_id, TEXT_CHARACTERS)?;
        text("claim", &self.claim, NAME_CHARACTERS)?;
        if self.joined_by == JoinedBy::Email && self.claim != "email" {
            return Err(IdentityProviderError::EmailClaim);
        }
        if self.required.len() > MOST_REQUIRED {
            return Err(IdentityProviderError::Required);
        }
        for (name, value) in &self.required {
            text("name of a required claim", name, NAME_CHARACTERS)?;
            text("value of a required claim", value, TEXT_CHARACTERS)?;
        }
        Ok(())
    }

    /// The required claims as they are kept.
    pub fn required_text(&self) -> String {
        let members = self.required.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        serde_json::Value::Object(members.collect()).to_string()
    }

    /// Reads required claims written `name=value`.
    ///
    /// # Errors
    /// [`IdentityProviderError::Claim`].
    pub fn required_of<'a>(
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, String>, IdentityProviderError> {
        let read = |text: &str| match text.split_once('=') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(IdentityProviderError::Claim(text.chars().take(80).collect())),
        };
        texts.into_iter().map(str::trim).filter(|text| !text.is_empty()).map(read).collect()
    }
}

fn text(what: &'static str, given: &str, most: usize) -> Result<(), IdentityProviderError> {
    let fits = !given.trim().is_empty() && given.chars().count() <= most && !given.contains(char::is_control);
    if fits { Ok(()) } else { Err(IdentityProviderError::Text(what, most)) }
}

/// Characters of a subject (OpenID Connect Core §2).
const SUBJECT_CHARACTERS: usize = 255;

/// Whom an issuer means, as it calls them: never empty, never a name for nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideSubject(String);

/// The text is no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a subject, expected 1 to {SUBJECT_CHARACTERS} characters that stand for somebody")]
pub struct SubjectError;

impl OutsideSubject {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OutsideSubject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let is_somebody = !stands_for_nobody(text);
        let fits = text.len() <= SUBJECT_CHARACTERS && text.trim() == text && !text.contains(char::is_control);
        if is_somebody && fits { Ok(Self(text.to_owned())) } else { Err(SubjectError) }
    }
}

impl fmt::Display for OutsideSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> IdentityProvider {
        IdentityProvider {
            issuer: "https://idp.example/realms/acme".to_owned(),
            client_id: "muster".to_owned(),
            joined_by: JoinedBy::ExternalId,
            claim: "sub".to_owned(),
            required: BTreeMap::new(),
            is_only: false,
        }
    }

    #[test]
    fn an_issuer_is_a_url_without_query_or_fragment() {
        assert_eq!(provider().check(), Ok(()));
        for issuer in ["", "idp", "ftp://idp.example", "https://idp.example?x", "https://idp.example#x", " https://x/"]
        {
            let wrong = IdentityProvider { issuer: issuer.to_owned(), ..provider() };
            assert_eq!(wrong.check(), Err(IdentityProviderError::Issuer), "{issuer}");
        }
    }

    #[test]
    fn nobody_is_found_by_an_address_that_need_not_be_verified() {
        let wrong = IdentityProvider { joined_by: JoinedBy::Email, claim: "upn".to_owned(), ..provider() };
        assert_eq!(wrong.check(), Err(IdentityProviderError::EmailClaim));
    }

    #[test]
    fn required_claims_are_read_a_line_each() {
        let read = IdentityProvider::required_of(["hd=example.com", "", " tid = a=b "]).unwrap();
        assert_eq!(read.get("tid").map(String::as_str), Some("a=b"));
        assert_eq!(read.len(), 2);
        assert!(IdentityProvider::required_of(["hd"]).is_err());
    }

    #[test]
    fn a_subject_that_stands_for_nobody_is_none() {
        for text in [
            "",
            " ",
            "null",
            "NULL",
            "0",
            "system",
            "Anonymous",
            "nobody",
            "ｎｕｌｌ",
            " ana",
            "ana\n",
            &"a".repeat(256),
        ] {
            assert!(text.parse::<OutsideSubject>().is_err(), "{text:?}");
        }
        for text in ["00u1a2b3c4", "ana@example.com", "ä", "00"] {
            assert_eq!(text.parse::<OutsideSubject>().unwrap().as_str(), text);
        }
    }
}
