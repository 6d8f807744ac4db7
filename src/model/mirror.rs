//! Mirrors: groups that stand at a far side, kept as groups of a connection here.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::limits::NAME_CHARACTERS;

/// A group as the far side has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirroredGroup {
    /// What stays the same when it is renamed.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Who is in it: accounts by their identifier, with what they are called.
    pub accounts: BTreeMap<String, String>,
}

/// What stands for the name of an account in a [`SubjectTemplate`].
const LOGIN: &str = "{login}";

/// The userName of an account's owner, in which `{login}` stands for what the account is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectTemplate(String);

/// Why a text is no [`SubjectTemplate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subject must be a userName in which `{LOGIN}` stands once, of at most {NAME_CHARACTERS} characters")]
pub struct SubjectTemplateError;

impl SubjectTemplate {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The userName of the owner of an account that is called so.
    pub fn user_name(&self, login: &str) -> String {
        self.0.replacen(LOGIN, login, 1)
    }
}

impl FromStr for SubjectTemplate {
    type Err = SubjectTemplateError;

    fn from_str(text: &str) -> Result<Self, SubjectTemplateError> {
        let fits = text.chars().count() <= NAME_CHARACTERS && !text.chars().any(char::is_control);
        if fits && text.matches(LOGIN).count() == 1 { Ok(Self(text.to_owned())) } else { Err(SubjectTemplateError) }
    }
}

impl fmt::Display for SubjectTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a refresh would take away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loss {
    /// Memberships there are.
    pub memberships: usize,
    /// How many of them would end.
    pub ending: usize,
}

/// Nobody is asked about fewer memberships than this.
const LEAST_ENDING: usize = 10;

impl Loss {
    /// Whether more than half of all would end: what is seen with a token that lost its rights looks like this, too.
    pub const fn is_drastic(self) -> bool {
        self.ending >= LEAST_ENDING && self.ending.saturating_mul(2) > self.memberships
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_the_login_once() {
        let template: SubjectTemplate = "{login}@example.com".parse().unwrap();
        assert_eq!(template.user_name("ada"), "ada@example.com");
        assert_eq!(template.user_name("{login}"), "{login}@example.com", "what is put in is not read again");
        for bad in
            ["", "ada", "{login}{login}", "{Login}", "{login}\n", &format!("{{login}}{}", "a".repeat(NAME_CHARACTERS))]
        {
            assert!(bad.parse::<SubjectTemplate>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_the_end_of_most_memberships_is_drastic() {
        let loss = |memberships, ending| Loss { memberships, ending }.is_drastic();
        assert!(loss(10, 10) && loss(19, 10));
        assert!(!loss(20, 10) && !loss(9, 9) && !loss(0, 0) && !loss(1_000, 400));
    }
}
