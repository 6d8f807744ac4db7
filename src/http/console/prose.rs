//! Sentences of the use cases as pages show them: what stands in backticks stands for itself, a name, a role, a scope.

use crate::model::Moment;

use super::when::When;

/// A piece of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Words,
    /// What stands for itself.
    Name,
    /// A moment, which stays on one line.
    Time,
}

/// A sentence in pieces. Times are to the minute: nobody reads why to the microsecond.
pub fn parts(sentence: &str) -> Vec<(Kind, String)> {
    let mut parts: Vec<(Kind, String)> = Vec::new();
    for (place, text) in sentence.split('`').enumerate() {
        if place % 2 == 1 {
            parts.push((Kind::Name, text.to_owned()));
            continue;
        }
        let mut words = String::new();
        for word in text.split_inclusive(' ') {
            match moment(word) {
                None => words.push_str(word),
                Some((moment, rest)) => {
                    parts.push((Kind::Words, std::mem::take(&mut words)));
                    parts.push((Kind::Time, moment));
                    words.push_str(rest);
                }
            }
        }
        parts.push((Kind::Words, words));
    }
    parts.retain(|(_, text)| !text.is_empty());
    parts
}

/// Text in pieces after each of which a line may end: an address after its `@` and its dots, a path after its strokes.
pub fn breakable(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['@', '.', '/', '_'])
}

/// A name in the middle of a sentence: whatever it holds, it does not turn what stands beside it (Unicode Standard Annex
/// #9, first strong isolate to pop directional isolate).
pub fn isolated(name: &str) -> String {
    format!("\u{2068}{}\u{2069}", name.replace('\u{2069}', ""))
}

/// With a capital, unless it begins with what stands for itself.
pub fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// A word that is a moment, to the minute, and what stands after it.
fn moment(word: &str) -> Option<(String, &str)> {
    let stripped = word.trim_end_matches([',', ')', ';', '.', ' ']);
    let moment: Moment = stripped.contains('T').then(|| stripped.parse().ok()).flatten()?;
    Some((When(moment).to_string(), word.get(stripped.len()..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_backticks_stands_for_itself() {
        let expected = [
            (Kind::Name, "userName"),
            (Kind::Words, " is already taken, since "),
            (Kind::Time, "2026-03-31 18:00 UTC"),
            (Kind::Words, ", and until "),
            (Kind::Time, "2026-04-01 00:00 UTC"),
            (Kind::Words, "."),
        ];
        let found = parts("`userName` is already taken, since 2026-03-31T18:00:00Z, and until 2026-04-01T00:00:00Z.");
        let found: Vec<(Kind, &str)> = found.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
        assert_eq!(found, expected);
        assert_eq!(parts("ana"), [(Kind::Words, "ana".to_owned())], "a name keeps its case");
        assert_eq!(capital("the person is active"), "The person is active");
        assert!(parts("").is_empty());
    }
}
