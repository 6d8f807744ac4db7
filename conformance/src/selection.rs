//! Which conversations and requirements a run looks at.

use std::collections::BTreeSet;

use crate::conversation::{self, Conversation};
use crate::requirements::{Number, TITLES};

/// Everything, unless something is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// In lower case: `entra`, `en-3`, `33`, `conversations`, `requirements`.
    names: BTreeSet<String>,
}

impl Selection {
    /// # Errors
    /// A sentence that lists what there is, if one of the names is of nothing.
    pub fn of(names: &[String]) -> Result<Self, String> {
        let conversations = conversation::all()?;
        let mut known: BTreeSet<String> = ["conversations", "requirements"].map(str::to_owned).into();
        known.extend(conversations.iter().map(Conversation::folder));
        let listed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        known.extend(conversations.iter().map(|conversation| conversation.id.to_lowercase()));
        known.extend(TITLES.iter().map(|(number, _)| number.to_string()));
        let names: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        match names.iter().find(|name| !known.contains(*name)) {
            Some(unknown) => Err(format!(
                "there is nothing called `{unknown}`; expected {listed}, a conversation (`EN-3`) or a requirement (`33`)"
            )),
            None => Ok(Self { names }),
        }
    }

    /// Whether it is to be replayed.
    pub fn has_conversation(&self, conversation: &Conversation) -> bool {
        let names = ["conversations".to_owned(), conversation.folder(), conversation.id.to_lowercase()];
        self.names.is_empty() || names.iter().any(|name| self.names.contains(name))
    }

    /// Whether it is to be checked.
    pub fn has_requirement(&self, number: Number) -> bool {
        let names = ["requirements".to_owned(), number.to_string()];
        self.names.is_empty() || names.iter().any(|name| self.names.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(names: &[&str]) -> Result<Selection, String> {
        Selection::of(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    fn chosen(names: &[&str]) -> (usize, usize) {
        let selection = selection(names).unwrap();
        let conversations = conversation::all().unwrap();
        (
            conversations.iter().filter(|conversation| selection.has_conversation(conversation)).count(),
            TITLES.iter().filter(|(number, _)| selection.has_requirement(*number)).count(),
        )
    }

    #[test]
    fn providers_conversations_and_requirements_are_chosen_by_name() {
        let all = chosen(&[]);
        assert_eq!(chosen(&["entra"]), (14, 0));
        assert_eq!(chosen(&["EN-3", "okta"]), (10, 0));
        assert_eq!(chosen(&["33", "9865-2"]), (0, 2));
        assert_eq!(chosen(&["conversations", "requirements"]), all);
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_there_are() {
        let refusal = selection(&["azure"]).unwrap_err();
        assert!(refusal.contains("`azure`") && refusal.contains("`entra`"), "{refusal}");
    }
}
