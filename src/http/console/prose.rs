//! Sentences of the use cases as pages show them: what stands in backticks stands for itself, a name, a role, a scope.

use crate::model::Moment;

use super::when::When;

/// A sentence in parts, each with whether it stands for itself. Times are to the minute: nobody reads why to the
/// microsecond.
pub fn parts(sentence: &str) -> Vec<(bool, String)> {
    let mut parts: Vec<(bool, String)> =
        sentence.split('`').enumerate().map(|(place, text)| (place % 2 == 1, text.to_owned())).collect();
    for (_, text) in parts.iter_mut().filter(|(is_name, _)| !is_name) {
        *text = text.split(' ').map(to_the_minute).collect::<Vec<_>>().join(" ");
    }
    parts.retain(|(_, text)| !text.is_empty());
    parts
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

fn to_the_minute(word: &str) -> String {
    let stripped = word.trim_end_matches([',', ')', ';', '.']);
    let rest = word.get(stripped.len()..).unwrap_or_default();
    let moment = stripped.contains('T').then(|| stripped.parse::<Moment>().ok()).flatten();
    moment.map_or_else(|| word.to_owned(), |moment| format!("{}{rest}", When(moment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_backticks_stands_for_itself() {
        let expected = [(true, "userName"), (false, " is already taken, since 2026-03-31 18:00 UTC.")];
        let found = parts("`userName` is already taken, since 2026-03-31T18:00:00Z.");
        let found: Vec<(bool, &str)> = found.iter().map(|(is_name, text)| (*is_name, text.as_str())).collect();
        assert_eq!(found, expected);
        assert_eq!(parts("ana"), [(false, "ana".to_owned())], "a name keeps its case");
        assert_eq!(capital("the person is active"), "The person is active");
        assert!(parts("").is_empty());
    }
}
