//! In which order the operations of a bulk request are done, and which of them at the same time.
//!
//! An operation comes after what it refers to, wherever that stands in the request, and after earlier operations on the
//! same resource. Where references go in a circle, one resource of it is created without them and completed as soon as
//! the others are there (RFC 7644 §3.7.1). What is left of the request's order is kept.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use serde_json::Value;

use super::references::names;
use super::{Bulk, Endpoint, Entry, Method, Operation};
use crate::model::fold;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The operation of this index.
    Do(usize),
    /// Creates the resource of this index without what cannot be resolved yet.
    Begin(usize),
    /// Gives it what was left out.
    Complete(usize),
}

/// One step of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is to be done.
    pub work: Work,
    /// Whether everything before it must be over.
    pub waits: bool,
}

/// The steps, in order.
pub fn schedule(bulk: &Bulk) -> Vec<Step> {
    let mut graph = Graph::new(&bulk.entries);
    let order = graph.order();
    stages(&bulk.entries, &graph, &order)
}

/// Operations by index and, behind them, their completions: what each waits for, and who waits for it.
struct Graph {
    count: usize,
    is_post: Vec<bool>,
    needs: Vec<BTreeSet<usize>>,
    open: Vec<BTreeSet<usize>>,
    needed_by: Vec<Vec<usize>>,
    begun: HashSet<usize>,
}

impl Graph {
    fn new(entries: &[Entry]) -> Self {
        let count = entries.len();
        let method_of = |entry: &Entry| entry.operation.as_ref().ok().map(|operation| operation.method);
        let is_post: Vec<bool> = entries.iter().map(|entry| method_of(entry) == Some(Method::Post)).collect();
        let created: HashMap<&str, usize> = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| method_of(entry) == Some(Method::Post))
            .filter_map(|(index, entry)| Some((entry.bulk_id.as_deref()?, index)))
            .collect();
        let mut last: HashMap<(Endpoint, &str), usize> = HashMap::new();
        let mut needs = Vec::with_capacity(count);
        for (index, entry) in entries.iter().enumerate() {
            let mut needed = BTreeSet::new();
            if let Ok(operation) = &entry.operation {
                needed.extend(referred(operation).iter().filter_map(|name| created.get(name.as_str()).copied()));
                if operation.method != Method::Post {
                    needed.extend(last.insert((operation.endpoint, operation.id.as_str()), index));
                }
            }
            needs.push(needed);
        }
        needs.resize_with(count.saturating_mul(2), BTreeSet::new);
        let mut needed_by = vec![Vec::new(); needs.len()];
        for (index, needed) in needs.iter().enumerate() {
            for other in needed {
                if let Some(waiting) = needed_by.get_mut(*other) {
                    waiting.push(index);
                }
            }
        }
        Self { count, is_post, open: needs.clone(), needs, needed_by, begun: HashSet::new() }
    }

    /// Everything in an order in which it can be done; of what is ready the first of the request comes first.
    fn order(&mut self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.count);
        let mut is_done = vec![false; self.count];
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..self.count).filter(|index| self.is_free(*index)).map(Reverse).collect();
        loop {
            while let Some(Reverse(node)) = ready.pop() {
                order.push(node);
                if let Some(done) = is_done.get_mut(node) {
                    *done = true;
                }
                for waiting in self.needed_by.get_mut(node).map(std::mem::take).unwrap_or_default() {
                    let Some(open) = self.open.get_mut(waiting) else { continue };
                    if open.remove(&node) && open.is_empty() {
                        ready.push(Reverse(waiting));
                    }
                }
            }
            let Some(stuck) = is_done.iter().position(|done| !done) else { return order };
            let begun = self.in_a_circle_with(stuck);
            self.begin(begun);
            ready.push(Reverse(begun));
        }
    }

    fn is_free(&self, node: usize) -> bool {
        self.open.get(node).is_some_and(BTreeSet::is_empty)
    }

    /// Follows what is waited for until something comes up again. Only references wait for what comes later, and only
    /// what POST creates is referred to: so it is a POST.
    fn in_a_circle_with(&self, node: usize) -> usize {
        let mut seen = BTreeSet::new();
        let mut current = node;
        while seen.insert(current) {
            let Some(next) = self.open.get(current).and_then(BTreeSet::first) else { break };
            current = *next;
        }
        current
    }

    /// Lets a POST go ahead; what it waited for, its completion waits for, and so does whoever works on the resource.
    fn begin(&mut self, node: usize) {
        let completion = node.saturating_add(self.count);
        let Some(mut waits_for) = self.open.get_mut(node).map(std::mem::take) else { return };
        waits_for.insert(node);
        for other in &waits_for {
            if let Some(waiting) = self.needed_by.get_mut(*other) {
                waiting.push(completion);
            }
        }
        let followers: Vec<usize> = (0..self.count).filter(|index| self.works_on(*index, node)).collect();
        for follower in &followers {
            if let Some(open) = self.open.get_mut(*follower) {
                open.insert(completion);
            }
            if let Some(needed) = self.needs.get_mut(*follower) {
                needed.insert(completion);
            }
        }
        if let Some(waiting) = self.needed_by.get_mut(completion) {
            waiting.extend(followers);
        }
        if let Some(needed) = self.needs.get_mut(completion) {
            needed.clone_from(&waits_for);
        }
        if let Some(open) = self.open.get_mut(completion) {
            *open = waits_for;
        }
        self.begun.insert(node);
    }

    fn works_on(&self, index: usize, created: usize) -> bool {
        self.is_post.get(index) == Some(&false) && self.needs.get(index).is_some_and(|needs| needs.contains(&created))
    }

    fn work(&self, node: usize) -> Work {
        match node.checked_sub(self.count) {
            Some(index) => Work::Complete(index),
            None if self.begun.contains(&node) => Work::Begin(node),
            None => Work::Do(node),
        }
    }
}

fn referred(operation: &Operation) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    names(&operation.data, &mut found);
    names(&Value::from(operation.id.as_str()), &mut found);
    found
}

/// Marks the steps that must not run beside the ones before them: for what they need, for a name that two of them claim,
/// and for a name that may have to become free first.
fn stages(entries: &[Entry], graph: &Graph, order: &[usize]) -> Vec<Step> {
    let mut steps = Vec::with_capacity(order.len());
    let mut stage: HashSet<usize> = HashSet::new();
    let mut claimed: HashSet<(Endpoint, String)> = HashSet::new();
    let mut freeing: Vec<Method> = Vec::new();
    for node in order {
        let operation = entries.get(*node).and_then(|entry| entry.operation.as_ref().ok());
        let claim = operation.and_then(claim);
        let needs = graph.needs.get(*node).is_some_and(|needs| needs.iter().any(|needed| stage.contains(needed)));
        let waits = needs
            || claim.as_ref().is_some_and(|claim| {
                let other = |method: &Method| operation.is_some_and(|operation| operation.method != *method);
                claimed.contains(claim) || freeing.iter().any(other)
            });
        if waits {
            stage.clear();
            claimed.clear();
            freeing.clear();
        }
        stage.insert(*node);
        if let Some(operation) = operation {
            let frees = match operation.method {
                Method::Post => false,
                Method::Put | Method::Patch => claim.is_some(),
                Method::Delete => true,
            };
            if frees && !freeing.contains(&operation.method) {
                freeing.push(operation.method);
            }
        }
        claimed.extend(claim);
        steps.push(Step { work: graph.work(*node), waits });
    }
    steps
}

/// The unique name that an operation wants for its resource.
fn claim(operation: &Operation) -> Option<(Endpoint, String)> {
    let name = match operation.endpoint {
        Endpoint::Users => "userName",
        Endpoint::Groups => "displayName",
    };
    let member = |value: &Value, name: &str| -> Option<Value> {
        let members = value.as_object()?;
        members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let found = match operation.method {
        Method::Delete => None,
        Method::Post | Method::Put => member(&operation.data, name),
        Method::Patch => member(&operation.data, "Operations")
            .unwrap_or_else(|| operation.data.clone())
            .as_array()
            .into_iter()
            .flatten()
            .find_map(|patch| {
                let value = member(patch, "value")?;
                let path = member(patch, "path").and_then(|path| path.as_str().map(str::to_owned));
                match path {
                    Some(path) if path.eq_ignore_ascii_case(name) => Some(value),
                    Some(_) => None,
                    None => member(&value, name),
                }
            }),
    };
    Some((operation.endpoint, fold(found?.as_str()?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::Switches;
    use crate::scim::bulk::parse;
    use crate::scim::schema::ResourceTypes;

    fn steps(operations: &Value) -> Vec<(Work, bool)> {
        let bulk =
            parse(&Switches::DEFAULT, &ResourceTypes::builtin().unwrap(), json!({ "Operations": operations })).unwrap();
        schedule(&bulk).into_iter().map(|step| (step.work, step.waits)).collect()
    }

    fn group(bulk_id: &str, members: &[&str]) -> Value {
        let members: Vec<Value> = members.iter().map(|name| json!({ "value": format!("bulkId:{name}") })).collect();
        let data = json!({ "displayName": bulk_id, "members": members });
        json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data })
    }

    fn user(bulk_id: &str) -> Value {
        json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": { "userName": bulk_id } })
    }

    fn on(method: &str, path: &str, data: &Value) -> Value {
        json!({ "method": method, "path": path, "data": data })
    }

    // Requirement 60
    #[test]
    fn a_forward_reference_moves_what_it_names_to_the_front() {
        let found = steps(&json!([group("g", &["u", "v"]), user("u"), user("v")]));
        assert_eq!(found, [(Work::Do(1), false), (Work::Do(2), false), (Work::Do(0), true)]);
    }

    // Requirement 60
    #[test]
    fn a_circle_is_begun_and_completed_before_anything_else_touches_the_resource() {
        let found = steps(&json!([
            on("DELETE", "/Groups/bulkId:a", &json!({})),
            group("outside", &["a"]),
            group("a", &["b"]),
            group("b", &["a"]),
        ]));
        let expected = [
            (Work::Begin(2), false),
            (Work::Do(1), true),
            (Work::Do(3), false),
            (Work::Complete(2), true),
            (Work::Do(0), true),
        ];
        assert_eq!(found, expected);
        assert_eq!(steps(&json!([group("a", &["a"])])), [(Work::Begin(0), false), (Work::Complete(0), true)]);
    }

    #[test]
    fn operations_on_one_resource_keep_their_order_and_others_run_beside_each_other() {
        let patch = json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": "x" }] }] });
        let found = steps(&json!([
            on("PATCH", "/Groups/1", &patch),
            on("PATCH", "/Groups/2", &patch),
            on("PATCH", "/Groups/1", &patch),
            user("u"),
        ]));
        let expected = [(Work::Do(0), false), (Work::Do(1), false), (Work::Do(2), true), (Work::Do(3), false)];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_name_is_claimed_in_order_and_after_it_may_have_become_free() {
        let named = |name: &str| on("PUT", &format!("/Users/{name}"), &json!({ "userName": name }));
        let twice = json!({ "method": "POST", "path": "/Users", "bulkId": "2", "data": { "username": "ADA" } });
        let waits = |operations: &Value| steps(operations).iter().map(|(_, waits)| *waits).collect::<Vec<_>>();
        assert_eq!(waits(&json!([user("ada"), twice])), [false, true]);
        assert_eq!(waits(&json!([on("DELETE", "/Users/1", &json!({})), user("ada")])), [false, true]);
        assert_eq!(waits(&json!([named("a"), named("b"), user("c")])), [false, false, true]);
        let renamed = json!([{ "op": "replace", "path": "USERNAME", "value": "x" }]);
        assert_eq!(waits(&json!([on("PATCH", "/Users/1", &renamed), user("x")])), [false, true]);
    }

    #[test]
    fn a_thousand_operations_that_all_wait_for_each_other_are_ordered_at_once() {
        let ring = |index: usize| group(&format!("g{index}"), &[&format!("g{}", (index + 1) % 1_000)]);
        let ring: Vec<Value> = (0..1_000).map(ring).collect();
        let found = steps(&json!(ring));
        assert_eq!(found.len(), 1_001);
        let everybody: Vec<String> = (0..100).map(|index| format!("g{index}")).collect();
        let everybody: Vec<&str> = everybody.iter().map(String::as_str).collect();
        let all: Vec<Value> = (0..100).map(|index| group(&format!("g{index}"), &everybody)).collect();
        assert_eq!(steps(&json!(all)).len(), 200);
    }
}
