//! What a caller may say of an act and is believed: the allow-list of a credential.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What is believed where nothing else is said. Never who somebody is: roles, groups and attributes of people come from
/// the organization alone.
const USUAL: [&str; 6] = ["approvals", "artifact_digest", "branch", "commit", "commit_authors", "run"];

/// What decides who somebody is, and is believed of nobody.
const NEVER: [&str; 8] = ["active", "admin", "entitlements", "group", "groups", "is_author", "role", "roles"];

/// How many names a list may hold.
const MOST: usize = super::limits::BELIEVED;

/// What something is said of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The act and its circumstances: `context`, and the properties of `action`.
    Circumstance,
    /// The resource.
    Resource,
    /// The subject.
    Subject,
}

impl Said {
    /// What stands before a name in lists and on record.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Circumstance => "",
            Self::Resource => "resource.",
            Self::Subject => "subject.",
        }
    }
}

/// An allow-list: names of circumstances (`branch`), of resources' attributes (`resource.status`) and of subjects'
/// (`subject.device_trust`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Believed {
    /// These.
    Names(BTreeSet<String>),
    /// Everything, roles too: only in an organization made for certification, whose subjects are answered by name.
    Everything,
}

/// A text is no allow-list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BelievedError {
    /// Not the name of an attribute.
    #[error("`{0}` cannot be believed, expected a name such as `branch`, `resource.status` or `subject.device_trust`")]
    Name(String),
    /// Says who somebody is.
    #[error("`{0}` is never believed of a caller; who somebody is comes from the organization")]
    Never(String),
    /// Too long.
    #[error("at most {MOST} names can be believed, and these are {0}")]
    TooMany(usize),
}

impl Believed {
    /// Whether an attribute is believed.
    pub fn holds(&self, said: Said, name: &str) -> bool {
        match (self, said) {
            (Self::Everything, _) => is_name(name),
            (Self::Names(names), Said::Circumstance) => names.contains(name) && is_name(name),
            (Self::Names(names), _) => names.iter().any(|one| one.strip_prefix(said.prefix()) == Some(name)),
        }
    }

    /// The names it holds of `said`, as a caller says them; `None` for everything.
    pub fn listed(&self, said: Said) -> Option<impl Iterator<Item = &str>> {
        let Self::Names(names) = self else { return None };
        Some(names.iter().filter_map(move |name| name.strip_prefix(said.prefix())).filter(|name| is_name(name)))
    }

    /// Whether it is the list of an organization made for certification.
    pub const fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }

    /// Its names, in order; `*` for everything.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Names(names) => names.iter().map(String::as_str).collect(),
            Self::Everything => vec!["*"],
        }
    }
}

impl Default for Believed {
    fn default() -> Self {
        Self::Names(USUAL.into_iter().map(str::to_owned).collect())
    }
}

impl fmt::Display for Believed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(","))
    }
}

/// As it is kept, names separated by commas. `*` is not read here: nobody can ask for it.
impl FromStr for Believed {
    type Err = BelievedError;

    fn from_str(text: &str) -> Result<Self, BelievedError> {
        let names: BTreeSet<String> =
            text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.len() > MOST {
            return Err(BelievedError::TooMany(names.len()));
        }
        for name in &names {
            let of_subject = name.strip_prefix(Said::Subject.prefix());
            let bare = of_subject.or_else(|| name.strip_prefix(Said::Resource.prefix())).unwrap_or(name);
            if !is_name(bare) {
                return Err(BelievedError::Name(name.chars().take(80).collect()));
            }
            if of_subject.is_some() && NEVER.contains(&bare) {
                return Err(BelievedError::Never(name.clone()));
            }
        }
        Ok(Self::Names(names))
    }
}

fn is_name(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain && name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.len() <= 63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_what_it_names_of_what_it_names_it() {
        let believed: Believed = "branch, resource.status,subject.device".parse().unwrap();
        assert!(believed.holds(Said::Circumstance, "branch") && !believed.holds(Said::Resource, "branch"));
        assert!(believed.holds(Said::Resource, "status") && !believed.holds(Said::Subject, "status"));
        assert!(believed.holds(Said::Subject, "device") && !believed.holds(Said::Circumstance, "device"));
        assert!(!believed.holds(Said::Circumstance, "subject.device") && !believed.holds(Said::Circumstance, "commit"));
        assert_eq!(believed.to_string(), "branch,resource.status,subject.device");
        assert_eq!(believed.to_string().parse(), Ok(believed));
        assert_eq!("".parse(), Ok(Believed::Names(BTreeSet::new())));
    }

    #[test]
    fn what_is_listed_of_something_is_what_is_held_of_it() {
        let believed: Believed = "branch,commit,resource.status,subject.device".parse().unwrap();
        let all = ["branch", "commit", "status", "device", "resource.status", "subject.device"];
        for said in [Said::Circumstance, Said::Resource, Said::Subject] {
            let listed: Vec<&str> = believed.listed(said).unwrap().collect();
            let held: Vec<&str> = all.into_iter().filter(|name| believed.holds(said, name)).collect();
            assert_eq!(listed, held, "{said:?}");
        }
        assert!(Believed::Everything.listed(Said::Subject).is_none());
    }

    #[test]
    fn nothing_that_says_who_somebody_is_can_be_believed() {
        for name in NEVER {
            assert_eq!(
                format!("subject.{name}").parse::<Believed>(),
                Err(BelievedError::Never(format!("subject.{name}")))
            );
            assert!(!Believed::default().holds(Said::Subject, name));
        }
        for text in ["*", "a b", "subject.", "resource.a.b", "subject.subject.role", "1a", "é"] {
            assert!(matches!(text.parse::<Believed>(), Err(BelievedError::Name(_))), "{text}");
        }
        let many: Vec<String> = (0..=MOST).map(|number| format!("a{number}")).collect();
        assert_eq!(many.join(",").parse::<Believed>(), Err(BelievedError::TooMany(MOST + 1)));
    }
}
