//! Dense numbers for what has long names, and sorted lists of them.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A map whose keys also have a number, counted from 0 in the order they came. Numbers are never given back.
#[derive(Debug, Clone)]
pub(super) struct Dense<K, V> {
    numbers: HashMap<K, u32>,
    values: Vec<(K, V)>,
}

impl<K, V> Default for Dense<K, V> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }
}

impl<K: Clone + Eq + Hash, V: Default> Dense<K, V> {
    /// The number of a key, which is given one if it has none.
    pub fn intern(&mut self, key: &K) -> u32 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        // Four billion names do not fit into memory before they run out of numbers.
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.numbers.insert(key.clone(), number);
        self.values.push((key.clone(), V::default()));
        number
    }

    /// The value of a key, made if there is none.
    pub fn entry(&mut self, key: &K) -> Option<&mut V> {
        let number = self.intern(key);
        self.get_mut(number)
    }

    /// The number of a key.
    pub fn number<Q>(&self, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.numbers.get(key).copied()
    }

    /// The value with a number.
    pub fn get(&self, number: u32) -> Option<&V> {
        self.values.get(position(number)).map(|(_, value)| value)
    }

    /// The value with a number, to be changed.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut V> {
        self.values.get_mut(position(number)).map(|(_, value)| value)
    }

    /// The key with a number.
    pub fn key(&self, number: u32) -> Option<&K> {
        self.values.get(position(number)).map(|(key, _)| key)
    }

    /// Everything, in the order of numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &K, &V)> {
        (0..=u32::MAX).zip(&self.values).map(|(number, (key, value))| (number, key, value))
    }

    /// Every value, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut().map(|(_, value)| value)
    }

    /// Gives back memory held for growth.
    pub fn shrink(&mut self) {
        self.numbers.shrink_to_fit();
        self.values.shrink_to_fit();
    }
}

fn position(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A set of numbers as a sorted list: four bytes a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sorted(Vec<u32>);

impl Sorted {
    /// Adds a number; what comes in order is not searched for.
    pub fn insert(&mut self, number: u32) {
        if self.0.last().is_none_or(|last| *last < number) {
            self.0.push(number);
        } else if let Err(place) = self.0.binary_search(&number) {
            self.0.insert(place, number);
        }
    }

    /// Takes a number out.
    pub fn remove(&mut self, number: u32) {
        if let Ok(place) = self.0.binary_search(&number) {
            self.0.remove(place);
        }
    }

    /// Adds a number anywhere; [`Self::settle`] must follow.
    pub fn append(&mut self, number: u32) {
        self.0.push(number);
    }

    /// Puts appended numbers in order and gives back memory held for growth.
    pub fn settle(&mut self) {
        if !self.0.is_sorted_by(|a, b| a < b) {
            self.0.sort_unstable();
            self.0.dedup();
        }
        self.0.shrink_to_fit();
    }

    /// The numbers in order.
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }

    /// Empties it, and says what was in it.
    pub fn take(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.0)
    }
}

/// A set of numbers out of a dense range: one bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// Adds a number; `true` if it was not there.
    pub fn insert(&mut self, number: u32) -> bool {
        let word = position(number / u64::BITS);
        if word >= self.0.len() {
            self.0.resize(word.saturating_add(1), 0);
        }
        let bit = 1_u64 << (number % u64::BITS);
        self.0.get_mut(word).is_some_and(|held| {
            let new = *held & bit == 0;
            *held |= bit;
            new
        })
    }

    /// Takes a number out.
    pub fn remove(&mut self, number: u32) {
        if let Some(held) = self.0.get_mut(position(number / u64::BITS)) {
            *held &= !(1 << (number % u64::BITS));
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|held| *held == 0)
    }

    /// Whether it holds a number.
    pub fn contains(&self, number: u32) -> bool {
        self.0.get(position(number / u64::BITS)).is_some_and(|held| held & (1 << (number % u64::BITS)) != 0)
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (held, more) in self.0.iter_mut().zip(&other.0) {
            *held |= more;
        }
    }

    /// The numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (0..=u32::MAX).step_by(64).zip(&self.0).flat_map(|(first, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.wrapping_sub(1);
                (bit < u64::BITS).then(|| first.saturating_add(bit))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_and_bits_hold_what_a_set_holds(changes in prop::collection::vec((any::<bool>(), 0_u32..300), 0..200)) {
            let (mut list, mut bits, mut set) = (Sorted::default(), Bits::default(), BTreeSet::new());
            for (add, number) in changes {
                if add {
                    list.insert(number);
                    prop_assert_eq!(bits.insert(number), !bits_had(&set, number));
                    set.insert(number);
                } else {
                    list.remove(number);
                    bits.remove(number);
                    set.remove(&number);
                }
                prop_assert!(list.as_slice().is_sorted_by(|a, b| a < b));
                prop_assert!(list.as_slice().iter().eq(&set));
                prop_assert_eq!(bits.is_empty(), set.is_empty());
            }
            let held: Vec<u32> = bits.iter().collect();
            prop_assert_eq!(held, set.iter().copied().collect::<Vec<_>>());
            prop_assert!((0..400).all(|number| bits.contains(number) == set.contains(&number)));
        }
    }

    fn bits_had(set: &BTreeSet<u32>, number: u32) -> bool {
        set.contains(&number)
    }

    #[test]
    fn what_is_removed_from_a_list_is_gone_and_settling_orders_what_was_appended() {
        let mut list = Sorted::default();
        for number in [5, 1, 5, 3] {
            list.append(number);
        }
        list.settle();
        assert_eq!(list.as_slice(), [1, 3, 5]);
        list.remove(3);
        list.remove(4);
        assert_eq!(list.take(), [1, 5]);
    }

    #[test]
    fn a_name_keeps_its_number() {
        let mut names: Dense<String, u8> = Dense::default();
        let first = names.intern(&"a".to_owned());
        *names.entry(&"b".to_owned()).unwrap() = 7;
        assert_eq!(names.intern(&"a".to_owned()), first);
        assert_eq!(names.number("b").and_then(|number| names.get(number)), Some(&7));
        assert_eq!(names.number("c"), None);
    }
}
