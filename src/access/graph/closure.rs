//! Groups around groups, and members of members.

use std::ops::ControlFlow;

use super::Graph;
use super::dense::Bits;

impl Graph {
    /// Visits the groups a subject is in, directly or through other groups, each once; those it is in itself first.
    ///
    /// What forms a cycle is visited once, too: writing refuses cycles, and reading must not hang on one.
    pub(super) fn each_group_around(&self, direct: &[u32], mut visit: impl FnMut(u32) -> ControlFlow<()>) {
        for group in direct {
            if visit(*group).is_break() {
                return;
            }
        }
        let mut level = self.around(direct);
        let mut seen: Vec<u32> = direct.to_vec();
        while !level.is_empty() {
            level.retain(|group| seen.binary_search(group).is_err());
            for group in &level {
                if visit(*group).is_break() {
                    return;
                }
            }
            seen.extend_from_slice(&level);
            seen.sort_unstable();
            level = self.around(&level);
        }
    }

    /// The groups some of these are members of, in order.
    fn around(&self, groups: &[u32]) -> Vec<u32> {
        let mut outer: Vec<u32> = groups
            .iter()
            .filter_map(|group| self.groups.get(*group))
            .flat_map(|record| record.outer.as_slice().iter().copied())
            .collect();
        outer.sort_unstable();
        outer.dedup();
        outer
    }

    /// Adds everybody who is in a group, directly or through groups in it.
    pub(super) fn add_everybody_in(&self, group: u32, people: &mut Bits) {
        let mut seen = Bits::default();
        let mut open = vec![group];
        while let Some(group) = open.pop() {
            if !seen.insert(group) {
                continue;
            }
            let Some(record) = self.groups.get(group) else { continue };
            for subject in record.members.as_slice() {
                people.insert(*subject);
            }
            open.extend_from_slice(record.inner.as_slice());
        }
    }
}
