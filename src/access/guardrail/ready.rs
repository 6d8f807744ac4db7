//! Ready guardrails as documents name them: by name, with parameters as texts.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::Deserialize;

use crate::model::{Moment, ScopePath};

use super::library::{LibraryError, Ready};

/// A ready guardrail with its parameters, as it stands in a document. Each takes those that mean something to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadyParameters {
    /// Which: `separation-of-duties`, `author-may-not-deploy`, `attribute-limit`, `freeze-window`, `freeze-days`,
    /// `clearance` or `build-shell`.
    pub ready: String,
    /// Its name in the organization.
    pub name: String,
    /// Why it is there.
    pub reason: String,
    /// The control it implements.
    pub control: String,
    /// Two roles, or those that may.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Roles that may all the same.
    #[serde(default)]
    pub except: Vec<String>,
    /// What is forbidden.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Where: everywhere if nothing is said.
    pub scope: Option<String>,
    /// The attribute that is read.
    pub attribute: Option<String>,
    /// Its values that pass.
    #[serde(default)]
    pub values: BTreeSet<String>,
    /// The beginning of a window.
    pub from: Option<String>,
    /// Its end.
    pub until: Option<String>,
    /// 1 for Mondays to 7 for Sundays.
    #[serde(default)]
    pub days: BTreeSet<u8>,
    /// From this minute of the day on, in UTC.
    #[serde(default)]
    pub from_minute: u16,
}

/// Parameters make no guardrail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadyError {
    /// No such one.
    #[error(
        "there is no ready guardrail `{0}`, expected `separation-of-duties`, `author-may-not-deploy`, \
         `attribute-limit`, `freeze-window`, `freeze-days`, `clearance` or `build-shell`"
    )]
    Unknown(String),
    /// A parameter is missing.
    #[error("the ready guardrail `{ready}` needs `{parameter}`")]
    Missing {
        /// Which guardrail.
        ready: String,
        /// Which parameter.
        parameter: &'static str,
    },
    /// A parameter cannot be read.
    #[error("`{parameter}`: {problem}")]
    Parameter {
        /// Which.
        parameter: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// They make no sense together.
    #[error(transparent)]
    Library(#[from] LibraryError),
}

fn read<T: FromStr<Err: std::fmt::Display>>(text: &str, parameter: &'static str) -> Result<T, ReadyError> {
    text.parse().map_err(|error: T::Err| ReadyError::Parameter { parameter, problem: error.to_string() })
}

fn read_all<T: FromStr<Err: std::fmt::Display> + Ord>(
    texts: &[String],
    parameter: &'static str,
) -> Result<BTreeSet<T>, ReadyError> {
    texts.iter().map(|text| read(text, parameter)).collect()
}

impl ReadyParameters {
    /// The Cedar policy.
    ///
    /// # Errors
    /// [`ReadyError`].
    pub fn text(&self) -> Result<String, ReadyError> {
        let ready = self.ready()?;
        let (id, reason) = (read(&self.name, "name")?, read(&self.reason, "reason")?);
        Ok(ready.text(&id, &reason, &read(&self.control, "control")?)?)
    }

    fn ready(&self) -> Result<Ready, ReadyError> {
        let permissions = || read_all(&self.permissions, "permissions");
        let scope = || self.scope.as_deref().map_or_else(|| Ok(ScopePath::root()), |text| read(text, "scope"));
        let except = || read_all(&self.except, "except");
        let moment =
            |text: &Option<String>, parameter| read::<Moment>(self.needed(text.as_ref(), parameter)?, parameter);
        let attribute = || self.needed(self.attribute.as_ref(), "attribute").map(str::to_owned);
        Ok(match self.ready.as_str() {
            "separation-of-duties" => {
                let [role, other] = self.roles.as_slice() else { return Err(self.missing("roles")) };
                Ready::SeparationOfDuties {
                    role: read(role, "roles")?,
                    other: read(other, "roles")?,
                    permissions: permissions()?,
                }
            }
            "author-may-not-deploy" => {
                let usual = || read_all(&["deploy:run".to_owned(), "deploy:approve".to_owned()], "permissions");
                let permissions = if self.permissions.is_empty() { usual()? } else { permissions()? };
                Ready::AuthorMayNotDeploy { permissions, scope: scope()? }
            }
            "attribute-limit" => Ready::AttributeLimit {
                attribute: attribute()?,
                values: self.values.clone(),
                permissions: permissions()?,
                scope: scope()?,
            },
            "freeze-window" => Ready::FreezeWindow {
                from: moment(&self.from, "from")?,
                until: moment(&self.until, "until")?,
                permissions: permissions()?,
                scope: scope()?,
                except: except()?,
            },
            "freeze-days" => Ready::FreezeDays {
                days: self.days.clone(),
                from_minute: self.from_minute,
                permissions: permissions()?,
                scope: scope()?,
                except: except()?,
            },
            "clearance" => Ready::Clearance { attribute: attribute()?, permissions: permissions()?, scope: scope()? },
            "build-shell" => Ready::BuildShell { roles: read_all(&self.roles, "roles")? },
            other => return Err(ReadyError::Unknown(other.chars().take(63).collect())),
        })
    }

    fn needed<'a>(&self, given: Option<&'a String>, parameter: &'static str) -> Result<&'a str, ReadyError> {
        given.map(String::as_str).ok_or_else(|| self.missing(parameter))
    }

    fn missing(&self, parameter: &'static str) -> ReadyError {
        ReadyError::Missing { ready: self.ready.clone(), parameter }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(ready: &str) -> ReadyParameters {
        let text = |text: &str| text.to_owned();
        ReadyParameters {
            ready: text(ready),
            name: text("rule"),
            reason: text("because"),
            control: text("C-1"),
            roles: vec![text("deployer"), text("release-manager")],
            permissions: vec![text("deploy:run")],
            attribute: Some(text("department")),
            values: [text("IT")].into(),
            from: Some(text("2026-12-20T00:00:00Z")),
            until: Some(text("2027-01-02T00:00:00Z")),
            days: [5].into(),
            ..ReadyParameters::default()
        }
    }

    #[test]
    fn every_ready_guardrail_is_made_from_its_name() {
        let names = [
            "separation-of-duties",
            "author-may-not-deploy",
            "attribute-limit",
            "freeze-window",
            "freeze-days",
            "clearance",
            "build-shell",
        ];
        for name in names {
            let text = parameters(name).text().unwrap();
            assert!(text.contains("@id(\"rule\")") && text.contains("forbid ("), "{text}");
            super::super::Guardrail::read(&text).unwrap();
        }
        assert!(matches!(parameters("magic").text(), Err(ReadyError::Unknown(name)) if name == "magic"));
    }

    #[test]
    fn what_is_missing_or_cannot_be_read_is_named() {
        let without = ReadyParameters { until: None, ..parameters("freeze-window") };
        assert!(without.text().unwrap_err().to_string().contains("`until`"));
        let wrong = ReadyParameters { permissions: vec!["Fly!".to_owned()], ..parameters("attribute-limit") };
        assert!(wrong.text().unwrap_err().to_string().contains("`permissions`"));
    }
}
