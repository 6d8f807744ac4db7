//! Asking the guardrails.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};

use crate::access::graph::{Facts, Subject, Whereabouts};
use crate::model::{Catalogue, Fact, GuardrailId, Moment, Permission, ResourceType, ScopePath};

use super::reads::Reads;
use super::values;
use super::vocabulary::{
    COMMIT_AUTHORS, FactKind, IS_AUTHOR, KNOWN_AS, MINUTE_OF_DAY, NOW, PATH, PRODUCTION, ROLES, WEEKDAY, cedar_type,
};
use super::{Guardrail, Vocabulary};

/// An organization's guardrails, put together by permission.
#[derive(Debug, Clone)]
pub struct Guardrails {
    all: BTreeMap<GuardrailId, Arc<Guardrail>>,
    vocabulary: Vocabulary,
    types: Types,
    by_permission: HashMap<Permission, Slices>,
}

/// The guardrails on one permission.
#[derive(Debug, Clone)]
struct Slices {
    /// All of them.
    whole: Slice,
    /// Those that do not read what only the caller knows.
    general: Slice,
}

#[derive(Debug, Clone)]
struct Slice {
    action: Option<EntityUid>,
    /// By name.
    guardrails: Vec<Arc<Guardrail>>,
    policies: PolicySet,
    reads: Reads,
}

/// As much of a subject as the guardrails on one permission read: subjects with equal views get equal verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct View {
    service: bool,
    identity: Option<Subject>,
    attributes: BTreeMap<String, Fact>,
}

/// Everything but the subject.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Where.
    pub place: &'a Whereabouts<'a>,
    /// What the caller may say of the resource, over what is known.
    pub resource: &'a Facts,
    /// What the caller may say of the circumstances; `None` leaves out the guardrails that read it.
    pub circumstances: Option<&'a Facts>,
    /// By our clock.
    pub now: Moment,
}

/// What the guardrails say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Clear,
    /// These forbid it.
    Forbidden(Vec<GuardrailId>),
    /// One could not be evaluated, which denies: attributes it reads are missing or of another kind.
    Unclear {
        /// Which.
        guardrail: GuardrailId,
        /// What is missing, as it stands in guardrails: `principal.userType`. Empty: it failed by itself.
        missing: Vec<String>,
    },
}

impl Guardrails {
    /// Puts guardrails together. Of two of one name the later holds.
    pub fn new(guardrails: impl IntoIterator<Item = Guardrail>, vocabulary: Vocabulary) -> Self {
        let all: BTreeMap<GuardrailId, Arc<Guardrail>> =
            guardrails.into_iter().map(|guardrail| (guardrail.id.clone(), Arc::new(guardrail))).collect();
        let types = Types::of(&vocabulary);
        let mut by_permission = HashMap::new();
        for permission in vocabulary.permissions() {
            let bears = |one: &&Arc<Guardrail>| one.bears_on(permission);
            let whole: Vec<Arc<Guardrail>> = all.values().filter(bears).cloned().collect();
            if whole.is_empty() {
                continue;
            }
            let general = whole.iter().filter(|one| !one.reads_circumstances()).cloned().collect();
            let action = types.uid("action", permission.as_str());
            let slices = Slices { whole: Slice::new(action.clone(), whole), general: Slice::new(action, general) };
            by_permission.insert(permission.clone(), slices);
        }
        Self { all, vocabulary, types, by_permission }
    }

    /// No guardrails.
    pub fn none() -> Self {
        Self::new([], Vocabulary::new(&Catalogue::reserved()))
    }

    /// What they may speak of.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The attributes of people some guardrail reads, or goes by: what must be known of everybody.
    pub fn person_attributes(&self) -> BTreeSet<&str> {
        let mut read: BTreeSet<&str> = self.all.values().flat_map(|guardrail| guardrail.person_attributes()).collect();
        if self.all.values().any(|guardrail| guardrail.reads.principal.contains(IS_AUTHOR)) {
            read.insert(KNOWN_AS);
        }
        read
    }

    /// A guardrail by its name.
    pub fn get(&self, id: &GuardrailId) -> Option<&Guardrail> {
        self.all.get(id).map(Arc::as_ref)
    }

    /// Every guardrail, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Guardrail> {
        self.all.values().map(Arc::as_ref)
    }

    /// Those that bear on a permission; `None` if none does, and then Cedar is never asked.
    ///
    /// Without circumstances, those that read what only the caller knows are left out.
    pub fn on(&self, permission: &str, with_circumstances: bool) -> Option<Bearing<'_>> {
        let slices = self.by_permission.get(permission)?;
        let slice = if with_circumstances { &slices.whole } else { &slices.general };
        (!slice.guardrails.is_empty()).then_some(Bearing { slice, vocabulary: &self.vocabulary, types: &self.types })
    }
}

/// The guardrails that bear on one permission.
#[derive(Debug, Clone, Copy)]
pub struct Bearing<'g> {
    slice: &'g Slice,
    vocabulary: &'g Vocabulary,
    types: &'g Types,
}

impl Bearing<'_> {
    /// Whether the clock alone may change what they say.
    pub fn reads_clock(&self) -> bool {
        self.slice.reads.clock()
    }

    /// Whether what they say depends on the roles the subject holds at the resource.
    pub fn reads_roles(&self) -> bool {
        self.slice.reads.principal.contains(ROLES)
    }

    /// Whether what they say depends on who wrote what is to be deployed.
    pub fn reads_authors(&self) -> bool {
        self.slice.reads.principal.contains(IS_AUTHOR)
    }

    /// Whether what they say depends on who the subject is.
    pub fn reads_identity(&self) -> bool {
        self.slice.reads.identity
    }

    /// The view of a subject. What the caller may say of it goes over what is known.
    pub fn view(
        &self,
        subject: Subject,
        known: Option<&Facts>,
        said: &Facts,
        roles: BTreeSet<String>,
        is_author: Option<bool>,
    ) -> View {
        let service = matches!(subject, Subject::Service(_));
        let identity = self.slice.reads.identity.then_some(subject);
        let mut attributes = BTreeMap::new();
        for name in self.slice.reads.person_attributes() {
            if let Some(fact) = said.get(name).or_else(|| known?.get(name)) {
                attributes.insert(name.to_owned(), fact.clone());
            }
        }
        if self.reads_roles() {
            attributes.insert(ROLES.to_owned(), Fact::Texts(roles));
        }
        if self.reads_authors()
            && let Some(is_author) = is_author
        {
            attributes.insert(IS_AUTHOR.to_owned(), Fact::Flag(is_author));
        }
        View { service, identity, attributes }
    }

    /// What they say of a view. One that cannot be evaluated denies.
    pub fn verdict(&self, view: &View, setting: Setting<'_>) -> Verdict {
        let Some((request, entities)) = self.case(view, setting) else {
            return self.unclear(|_| true, view, setting);
        };
        let response = Authorizer::new().is_authorized(&request, &self.slice.policies, &entities);
        let mut forbidding: Vec<GuardrailId> =
            response.diagnostics().reason().filter_map(|id| id.to_string().parse().ok()).collect();
        if !forbidding.is_empty() {
            forbidding.sort_unstable();
            return Verdict::Forbidden(forbidding);
        }
        let failed = response.diagnostics().errors().map(|error| match error {
            AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
        });
        let failed: BTreeSet<String> = failed.collect();
        if failed.is_empty() {
            return Verdict::Clear;
        }
        self.unclear(|guardrail| failed.contains(guardrail.id.as_str()), view, setting)
    }

    /// The first by name that failed, and what it misses.
    fn unclear(&self, failed: impl Fn(&Guardrail) -> bool, view: &View, setting: Setting<'_>) -> Verdict {
        let Some(guardrail) = self.slice.guardrails.iter().find(|guardrail| failed(guardrail)) else {
            return Verdict::Forbidden(Vec::new());
        };
        let reads = &guardrail.reads;
        let person = |name: &&str| !view.service && self.person_value(name, view).is_none();
        let missing = reads.person_attributes().filter(person).map(|name| format!("principal.{name}"));
        let resource = reads.resource.iter().filter(|name| self.resource_value(name, setting).is_none());
        let missing = missing.chain(resource.map(|name| format!("resource.{name}")));
        let context = reads.context.iter().filter(|name| self.context_value(name, setting).is_none());
        let missing = missing.chain(context.map(|name| format!("context.{name}")));
        Verdict::Unclear { guardrail: guardrail.id.clone(), missing: missing.collect() }
    }

    /// The case as Cedar takes it; `None` if something cannot be said in Cedar.
    fn case(&self, view: &View, setting: Setting<'_>) -> Option<(Request, Entities)> {
        let (principal, resource) = (self.principal(view)?, self.resource(setting)?);
        let names = self.slice.reads.context.iter();
        let pairs = names.filter_map(|name| Some((name.clone(), self.context_value(name, setting)?)));
        let context = Context::from_pairs(pairs).ok()?;
        let action = self.slice.action.clone()?;
        // Valid by construction: everything in it was made from the vocabulary the schema comes from.
        let request = Request::new(principal.uid(), action, resource.uid(), context, None).ok()?;
        Some((request, Entities::from_entities([principal, resource], None).ok()?))
    }

    fn principal(&self, view: &View) -> Option<Entity> {
        let named = view.attributes.keys();
        let attributes = named.filter_map(|name| Some((name.clone(), self.person_value(name, view)?)));
        let id = view.identity.map(|subject| subject.id().to_string()).unwrap_or_default();
        let uid = self.types.uid(if view.service { "service" } else { "user" }, &id)?;
        Entity::new(uid, attributes.collect(), HashSet::new()).ok()
    }

    fn resource(&self, setting: Setting<'_>) -> Option<Entity> {
        let scope = |path: &ScopePath| self.types.uid(path.kind().as_str(), path.as_str());
        let mut around = setting.place.path.ancestors();
        let own = match setting.place.leaf {
            Some(leaf) => self.types.uid(leaf.resource_type.as_str(), leaf.id.as_str())?,
            None => scope(&around.next()?)?,
        };
        let names = self.slice.reads.resource.iter();
        let attributes = names.filter_map(|name| Some((name.clone(), self.resource_value(name, setting)?)));
        let around = around.map(|path| scope(&path)).collect::<Option<_>>()?;
        Entity::new(own, attributes.collect(), around).ok()
    }

    fn person_value(&self, name: &str, view: &View) -> Option<RestrictedExpression> {
        let kind = match name {
            ROLES => FactKind::Texts,
            IS_AUTHOR => FactKind::Flag,
            _ => self.vocabulary.person(name).filter(|_| !view.service)?,
        };
        values::value(view.attributes.get(name)?, kind)
    }

    fn resource_value(&self, name: &str, setting: Setting<'_>) -> Option<RestrictedExpression> {
        match (name, setting.place.leaf) {
            (PRODUCTION, _) => Some(RestrictedExpression::new_bool(setting.place.production)),
            (PATH, _) => Some(RestrictedExpression::new_string(setting.place.path.to_string())),
            (_, leaf) => {
                let leaf = leaf?;
                let kind = self.vocabulary.leaf(&leaf.resource_type, name)?;
                values::value(setting.resource.get(name).or_else(|| leaf.facts.get(name))?, kind)
            }
        }
    }

    fn context_value(&self, name: &str, setting: Setting<'_>) -> Option<RestrictedExpression> {
        let (weekday, minute) = values::weekday_and_minute(setting.now);
        match name {
            NOW => Some(values::moment(setting.now)),
            WEEKDAY => Some(RestrictedExpression::new_long(weekday)),
            MINUTE_OF_DAY => Some(RestrictedExpression::new_long(minute)),
            _ => {
                let said = setting.circumstances?.get(name)?;
                // Nobody wrote it: that is not known, rather than nobody.
                let unknown = name == COMMIT_AUTHORS && matches!(said, Fact::Texts(authors) if authors.is_empty());
                values::value(said, self.vocabulary.circumstance(name)?).filter(|_| !unknown)
            }
        }
    }
}

impl Slice {
    fn new(action: Option<EntityUid>, guardrails: Vec<Arc<Guardrail>>) -> Self {
        let (mut policies, mut reads) = (PolicySet::new(), Reads::default());
        for guardrail in &guardrails {
            reads.extend(&guardrail.reads);
            // Names are unique, so none is refused.
            policies.add(guardrail.policy.clone()).ok();
        }
        Self { action, guardrails, policies, reads }
    }
}

/// The names of types in Cedar, read once.
#[derive(Debug, Clone)]
struct Types(HashMap<String, EntityTypeName>);

impl Types {
    fn of(vocabulary: &Vocabulary) -> Self {
        let names = ["user", "service", "organization", "project", "environment", "action"];
        let names = names.into_iter().chain(vocabulary.leaf_types().map(ResourceType::as_str));
        Self(names.filter_map(|name| Some((name.to_owned(), cedar_type(name).parse().ok()?))).collect())
    }

    fn uid(&self, resource_type: &str, id: &str) -> Option<EntityUid> {
        Some(EntityUid::from_type_name_and_id(self.0.get(resource_type)?.clone(), EntityId::new(id)))
    }
}
