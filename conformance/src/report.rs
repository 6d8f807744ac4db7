//! What was found, by identity provider and by requirement.

mod html;
mod json;
mod junit;
pub mod side_by_side;
mod text;

use crate::outcome::{Failure, Outcome};
use crate::requirements::Number;

/// Everything that was looked at.
#[derive(Debug, Clone)]
pub struct Report {
    /// The base URL.
    pub server: String,
    /// The conversations, provider by provider.
    pub conversations: Vec<ConversationResult>,
    /// The requirements, in their order.
    pub requirements: Vec<RequirementResult>,
    /// What was created and could not be deleted, with the reason.
    pub left_behind: Vec<String>,
}

/// How a conversation went.
#[derive(Debug, Clone)]
pub struct ConversationResult {
    /// `EN-3`.
    pub id: String,
    /// The identity provider.
    pub provider: String,
    /// What happens in it.
    pub title: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How it stands with a requirement.
#[derive(Debug, Clone)]
pub struct RequirementResult {
    /// Which one.
    pub number: Number,
    /// In a few words.
    pub title: String,
    /// What was looked at.
    pub checks: Vec<CheckResult>,
}

/// How a check ended.
#[derive(Debug, Clone)]
pub struct CheckResult {
    /// What should hold.
    pub says: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How many ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Everything as it should be.
    pub passed: usize,
    /// Not as it should be.
    pub failed: usize,
    /// Announced as missing.
    pub not_supported: usize,
    /// Not looked at.
    pub not_checked: usize,
}

/// The forms a report can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a terminal.
    Text,
    /// One page that needs nothing else.
    Html,
    /// For programs.
    Json,
    /// For continuous integration.
    Junit,
}

impl Counts {
    fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Self {
        let mut counts = Self::default();
        for outcome in outcomes {
            *match outcome {
                Outcome::Passed => &mut counts.passed,
                Outcome::Failed(_) => &mut counts.failed,
                Outcome::NotSupported(_) => &mut counts.not_supported,
                Outcome::Skipped(_) => &mut counts.not_checked,
            } += 1;
        }
        counts
    }

    /// In words: `7 passed, 1 failed`.
    pub fn words(&self) -> String {
        let parts = [
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.not_supported, "not supported"),
            (self.not_checked, "not checked"),
        ];
        let words: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    }
}

impl RequirementResult {
    /// The worst that one of its checks came to; of a failure, the first.
    pub fn outcome(&self) -> Outcome {
        let rank = |outcome: &Outcome| match outcome {
            Outcome::Failed(_) => 3,
            Outcome::Passed => 2,
            Outcome::NotSupported(_) => 1,
            Outcome::Skipped(_) => 0,
        };
        let outcomes = self.checks.iter().map(|check| &check.outcome).rev();
        outcomes.max_by_key(|outcome| rank(outcome)).cloned().unwrap_or(Outcome::Passed)
    }
}

impl Report {
    /// In one of the forms.
    pub fn render(&self, form: Form) -> String {
        match form {
            Form::Text => text::render(self),
            Form::Html => html::render(self),
            Form::Json => json::render(self),
            Form::Junit => junit::render(self),
        }
    }

    /// How the conversations ended.
    pub fn conversation_counts(&self) -> Counts {
        Counts::of(self.conversations.iter().map(|conversation| &conversation.outcome))
    }

    /// How it stands with the requirements.
    pub fn requirement_counts(&self) -> Counts {
        let outcomes: Vec<Outcome> = self.requirements.iter().map(RequirementResult::outcome).collect();
        Counts::of(outcomes.iter())
    }

    /// Every failure, with what it is of: a conversation, or a requirement and what should hold.
    pub fn failures(&self) -> Vec<(String, &Failure)> {
        let conversations = self.conversations.iter().map(|one| (format!("{} {}", one.id, one.title), &one.outcome));
        let requirements = self.requirements.iter().flat_map(|requirement| {
            let named = |check: &CheckResult| format!("{} {}", requirement.number, check.says);
            requirement.checks.iter().map(move |check| (named(check), &check.outcome))
        });
        let mut failures = Vec::new();
        for (name, outcome) in conversations.chain(requirements) {
            if let Outcome::Failed(failure) = outcome {
                failures.push((name, failure.as_ref()));
            }
        }
        failures
    }

    /// The conversations of each identity provider.
    fn providers(&self) -> Vec<(&str, Vec<&ConversationResult>)> {
        let mut providers: Vec<(&str, Vec<&ConversationResult>)> = Vec::new();
        for one in &self.conversations {
            match providers.iter_mut().find(|(provider, _)| *provider == one.provider) {
                Some((_, conversations)) => conversations.push(one),
                None => providers.push((&one.provider, vec![one])),
            }
        }
        providers
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::exchange::Exchange;

    /// A report with one of everything.
    pub fn sample() -> Report {
        let exchange = Exchange { request: "GET /x?a=<b>".to_owned(), answer: "500\n\n\"&\"".to_owned() };
        let failure = Failure { what: "expected 200, found <500>".to_owned(), exchange: Some(Arc::new(exchange)) };
        let check = |outcome| CheckResult { says: "it holds".to_owned(), outcome };
        let failed = Outcome::Failed(Box::new(failure));
        Report {
            server: "https://host/scim".to_owned(),
            conversations: vec![
                ConversationResult {
                    id: "OK-1".to_owned(),
                    provider: "Okta".to_owned(),
                    title: "fine".to_owned(),
                    outcome: Outcome::Passed,
                },
                ConversationResult {
                    id: "EN-1".to_owned(),
                    provider: "Entra".to_owned(),
                    title: "not <fine>".to_owned(),
                    outcome: failed.clone(),
                },
            ],
            requirements: vec![
                RequirementResult {
                    number: Number::Plain(1),
                    title: "one".to_owned(),
                    checks: vec![check(Outcome::Passed), check(failed)],
                },
                RequirementResult {
                    number: Number::Plain(2),
                    title: "two".to_owned(),
                    checks: vec![check(Outcome::Passed), check(Outcome::NotSupported("no".to_owned()))],
                },
                RequirementResult {
                    number: Number::Plain(3),
                    title: "three".to_owned(),
                    checks: vec![check(Outcome::Skipped("hidden".to_owned()))],
                },
                RequirementResult {
                    number: Number::Rfc9865(1),
                    title: "four".to_owned(),
                    checks: vec![check(Outcome::NotSupported("no".to_owned()))],
                },
            ],
            left_behind: vec!["/Users/1: 500".to_owned()],
        }
    }

    #[test]
    fn a_requirement_is_as_bad_as_its_worst_check() {
        let report = sample();
        assert_eq!(report.requirement_counts(), Counts { passed: 1, failed: 1, not_supported: 1, not_checked: 1 });
        assert_eq!(report.conversation_counts().words(), "1 passed, 1 failed");
        let names: Vec<String> = report.failures().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["EN-1 not <fine>", "1 it holds"]);
    }
}
