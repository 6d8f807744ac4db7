//! Ready guardrails, switched on by name with parameters.

use std::collections::BTreeSet;

use crate::model::{GuardrailId, Moment, Permission, Reason, RoleName, ScopePath};

use super::values;
use super::vocabulary::cedar_type;

/// A ready guardrail with its parameters. [`Self::text`] writes it as the Cedar policy that is saved and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// Two roles one person may not hold at one scope: who holds both may do nothing either of them is for.
    SeparationOfDuties {
        /// One role.
        role: RoleName,
        /// The other.
        other: RoleName,
        /// What is barred to who holds both.
        permissions: BTreeSet<Permission>,
    },
    /// Who wrote what is to be deployed neither deploys nor approves it. A request that does not name the authors
    /// (`commit_authors`) is denied.
    AuthorMayNotDeploy {
        /// What is barred to authors: by default `deploy:run` and `deploy:approve`.
        permissions: BTreeSet<Permission>,
        /// Where.
        scope: ScopePath,
    },
    /// People whose attribute has none of these values may not. Nor may people without the attribute; services are
    /// not meant.
    AttributeLimit {
        /// The attribute: `userType`, `department`, `country`, …
        attribute: String,
        /// Its values that pass, compared exactly.
        values: BTreeSet<String>,
        /// What is limited.
        permissions: BTreeSet<Permission>,
        /// Where.
        scope: ScopePath,
    },
    /// Nobody may from one moment up to another, some roles excepted.
    FreezeWindow {
        /// The beginning.
        from: Moment,
        /// The end.
        until: Moment,
        /// What is frozen.
        permissions: BTreeSet<Permission>,
        /// Where.
        scope: ScopePath,
        /// Roles that may all the same.
        except: BTreeSet<RoleName>,
    },
    /// Nobody may on these days of the week, some roles excepted.
    FreezeDays {
        /// 1 for Mondays to 7 for Sundays, in UTC.
        days: BTreeSet<u8>,
        /// From this minute of the day on, in UTC.
        from_minute: u16,
        /// What is frozen.
        permissions: BTreeSet<Permission>,
        /// Where.
        scope: ScopePath,
        /// Roles that may all the same.
        except: BTreeSet<RoleName>,
    },
    /// People need a clearance that has not run out. A date means its first moment in UTC.
    Clearance {
        /// The attribute that holds the date it ends: a declared one of kind [`super::FactKind::Moment`].
        attribute: String,
        /// What needs it.
        permissions: BTreeSet<Permission>,
        /// Where.
        scope: ScopePath,
    },
    /// A shell in a running build is for some roles only, and never in production.
    BuildShell {
        /// Those roles.
        roles: BTreeSet<RoleName>,
    },
}

/// Parameters make no guardrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// A list is empty.
    #[error("the list of {0} is empty, expected one at least")]
    Empty(&'static str),
    /// A role apart from itself.
    #[error("a role cannot be kept apart from itself, expected two roles")]
    SameRole,
    /// Ends before it begins.
    #[error("the window ends before it begins, expected a later end")]
    EndsBeforeItBegins,
    /// Not a day or a minute.
    #[error("expected days from 1 (Monday) to 7 (Sunday) and a minute of the day below 1440")]
    Clock,
    /// Not an attribute.
    #[error("expected the name of an attribute: letters, digits and `_`")]
    Attribute,
}

impl Ready {
    /// The name under which documents and the surface know it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SeparationOfDuties { .. } => "separation-of-duties",
            Self::AuthorMayNotDeploy { .. } => "author-may-not-deploy",
            Self::AttributeLimit { .. } => "attribute-limit",
            Self::FreezeWindow { .. } => "freeze-window",
            Self::FreezeDays { .. } => "freeze-days",
            Self::Clearance { .. } => "clearance",
            Self::BuildShell { .. } => "build-shell",
        }
    }

    /// The guardrail as Cedar text.
    ///
    /// # Errors
    /// [`LibraryError`] when parameters make no sense together.
    pub fn text(&self, id: &GuardrailId, reason: &Reason, control: &Reason) -> Result<String, LibraryError> {
        let head = format!(
            "@id({})\n@reason({})\n@control({})\nforbid (",
            quoted(id.as_str()),
            quoted(reason.as_str()),
            quoted(control.as_str())
        );
        let body = match self {
            Self::SeparationOfDuties { role, other, permissions } => {
                if role == other {
                    return Err(LibraryError::SameRole);
                }
                let both = list([role.as_str(), other.as_str()]);
                let head = header("principal", permissions, &ScopePath::root())?;
                format!("{head} when {{ principal.roles.containsAll({both}) }};")
            }
            Self::AuthorMayNotDeploy { permissions, scope } => {
                let head = header("principal", permissions, scope)?;
                format!("{head} when {{ principal.is_author }};")
            }
            Self::AttributeLimit { attribute, values, permissions, scope } => {
                let (attribute, values) = (attribute_name(attribute)?, non_empty(values, "values")?);
                let head = header("principal is User", permissions, scope)?;
                format!(
                    "{head} unless {{ {}.contains(principal.{attribute}) }};",
                    list(values.iter().map(String::as_str))
                )
            }
            Self::FreezeWindow { from, until, permissions, scope, except } => {
                if until <= from {
                    return Err(LibraryError::EndsBeforeItBegins);
                }
                let (from, until) = (values::written_moment(*from), values::written_moment(*until));
                let head = header("principal", permissions, scope)?;
                let during = format!("context.now >= datetime(\"{from}\") && context.now < datetime(\"{until}\")");
                format!("{head} when {{ {during} }}{};", unless(except))
            }
            Self::FreezeDays { days, from_minute, permissions, scope, except } => {
                let days = non_empty(days, "days")?;
                if *from_minute >= 1_440 || days.iter().any(|day| !(1..=7).contains(day)) {
                    return Err(LibraryError::Clock);
                }
                let days: Vec<String> = days.iter().map(u8::to_string).collect();
                let head = header("principal", permissions, scope)?;
                let on = format!(
                    "[{}].contains(context.weekday) && context.minute_of_day >= {from_minute}",
                    days.join(", ")
                );
                format!("{head} when {{ {on} }}{};", unless(except))
            }
            Self::Clearance { attribute, permissions, scope } => {
                let attribute = attribute_name(attribute)?;
                let head = header("principal is User", permissions, scope)?;
                format!("{head} unless {{ context.now < principal.{attribute} }};")
            }
            Self::BuildShell { roles } => {
                let roles = list(non_empty(roles, "roles")?.iter().map(RoleName::as_str));
                format!(
                    "principal, action == Action::\"build:ssh\", resource)\nwhen {{ resource.production || \
                     !principal.roles.containsAny({roles}) }};"
                )
            }
        };
        Ok(format!("{head}{body}\n"))
    }
}

fn header(principal: &str, permissions: &BTreeSet<Permission>, scope: &ScopePath) -> Result<String, LibraryError> {
    let permissions = non_empty(permissions, "permissions")?;
    let actions: Vec<String> = permissions.iter().map(|one| format!("Action::{}", quoted(one.as_str()))).collect();
    let resource = if *scope == ScopePath::root() {
        "resource".to_owned()
    } else {
        format!("resource in {}::{}", cedar_type(scope.kind().as_str()), quoted(scope.as_str()))
    };
    Ok(format!("{principal}, action in [{}], {resource})\n", actions.join(", ")).trim_end().to_owned())
}

fn unless(except: &BTreeSet<RoleName>) -> String {
    if except.is_empty() {
        return String::new();
    }
    format!(" unless {{ principal.roles.containsAny({}) }}", list(except.iter().map(RoleName::as_str)))
}

fn non_empty<'a, T>(set: &'a BTreeSet<T>, what: &'static str) -> Result<&'a BTreeSet<T>, LibraryError> {
    if set.is_empty() { Err(LibraryError::Empty(what)) } else { Ok(set) }
}

fn attribute_name(name: &str) -> Result<&str, LibraryError> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if plain && begins { Ok(name) } else { Err(LibraryError::Attribute) }
}

fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", quoted.join(", "))
}

/// A text as a Cedar string literal, whatever is in it.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if c.is_control() => format!("\\u{{{:x}}}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}
