//! Who may, where may one, what may one, guardrails included.

use std::collections::HashMap;

use crate::access::graph::{Candidates, Resource, Subject};
use crate::access::guardrail::{Bearing, Setting, Verdict, View};
use crate::model::{Moment, Permission};

use super::{Circumstances, Question, Rules};

/// A question about subjects.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// `user` or `service`.
    pub subject_type: &'a str,
    /// What.
    pub permission: &'a str,
    /// Where.
    pub resource: Resource<'a>,
    /// Under which circumstances, as in [`Question`].
    pub circumstances: Option<&'a Circumstances>,
}

impl<'a> Rules<'a> {
    /// Subjects who may, in the order of their ids, after one. Names that are not known find nobody.
    pub fn subjects_who_may(&self, who: &Who<'_>, now: Moment, after: Option<Subject>, limit: usize) -> Vec<Subject> {
        let Some(bearing) = self.guardrails.on(who.permission, who.circumstances.is_some()) else {
            return self.graph.subjects_who_may(who.subject_type, who.permission, who.resource, now, after, limit);
        };
        let Some(place) = self.graph.whereabouts(who.resource) else { return Vec::new() };
        let candidates =
            self.graph.candidates(who.subject_type, who.permission, who.resource, now, after, bearing.reads_roles());
        let none = Circumstances::default();
        let said = who.circumstances.unwrap_or(&none);
        let setting = Setting {
            place: &place,
            resource: &said.resource,
            circumstances: who.circumstances.map(|said| &said.context),
            now,
        };
        let mut verdicts = Verdicts::new(self, bearing, &candidates, said, setting);
        let passing = candidates.people.iter().filter(|(subject, roles)| verdicts.passes(*subject, *roles));
        passing.map(|(subject, _)| *subject).take(limit).collect()
    }

    /// Ids of resources of a type at which a subject may, in order, after one.
    pub fn resources_where_may(
        &self,
        question: &Question<'_>,
        now: Moment,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<String> {
        let Ok(subject) = question.subject else { return Vec::new() };
        let resource_type = question.resource.resource_type;
        let free = self.guardrails.on(question.permission, question.circumstances.is_some()).is_none();
        let most = if free { limit } else { usize::MAX };
        let assigned = self.graph.resources_where_may(subject, question.permission, resource_type, now, after, most);
        let passes = |id: &String| {
            let resource = Resource { resource_type, id };
            free || self.decide(&Question { resource, ..*question }, now).is_allowed()
        };
        assigned.into_iter().filter(passes).take(limit).collect()
    }

    /// Permissions a subject has at a resource, in order, after one. The question's permission is not read.
    pub fn permissions_at(
        &self,
        question: &Question<'_>,
        now: Moment,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<&'a Permission> {
        let Ok(subject) = question.subject else { return Vec::new() };
        let assigned = self.graph.permissions_at(subject, question.resource, now, after, usize::MAX);
        let passes = |permission: &&Permission| {
            let permission = permission.as_str();
            self.guardrails.on(permission, question.circumstances.is_some()).is_none()
                || self.decide(&Question { permission, ..*question }, now).is_allowed()
        };
        assigned.into_iter().filter(passes).take(limit).collect()
    }
}

/// Verdicts on many people: Cedar is asked once for each different view.
struct Verdicts<'r> {
    rules: &'r Rules<'r>,
    bearing: Bearing<'r>,
    candidates: &'r Candidates,
    said: &'r Circumstances,
    setting: Setting<'r>,
    /// By what makes a view, so that equal ones are not even made: people share their facts.
    by_origin: HashMap<Origin, bool>,
    by_view: HashMap<View, bool>,
}

/// The address of shared facts, the number of a set of roles, whether an author.
type Origin = (Option<usize>, usize, Option<bool>);

impl<'r> Verdicts<'r> {
    fn new(
        rules: &'r Rules<'r>,
        bearing: Bearing<'r>,
        candidates: &'r Candidates,
        said: &'r Circumstances,
        setting: Setting<'r>,
    ) -> Self {
        Self { rules, bearing, candidates, said, setting, by_origin: HashMap::new(), by_view: HashMap::new() }
    }

    fn passes(&mut self, subject: Subject, roles: usize) -> bool {
        let facts = self.rules.graph.facts(subject);
        let reads_authors = self.bearing.reads_authors();
        let is_author = reads_authors.then(|| self.rules.is_author(subject, &self.said.context)).flatten();
        let origin = (facts.map(|facts| std::ptr::from_ref(facts).addr()), roles, is_author);
        let shared = !self.bearing.reads_identity();
        if shared && let Some(passes) = self.by_origin.get(&origin) {
            return *passes;
        }
        let roles = self.candidates.role_sets.get(roles).cloned().unwrap_or_default();
        let view = self.bearing.view(subject, facts, &self.said.subject, roles, is_author);
        let known = self.by_view.get(&view).copied();
        let passes = known.unwrap_or_else(|| self.bearing.verdict(&view, self.setting) == Verdict::Clear);
        if shared {
            self.by_origin.insert(origin, passes);
            self.by_view.insert(view, passes);
        }
        passes
    }
}
