//! The one folding for names that are compared without regard to case.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

/// The key under which a case-insensitive value is unique, filtered and sorted.
///
/// Trims, maps compatibility forms (width, ligatures, superscripts) and folds case, in the spirit of PRECIS
/// `UsernameCaseMapped` (RFC 8265 §3.3) but refusing nothing, because identity providers send what they have.
/// Idempotent: `fold(fold(x)) == fold(x)`, so a value read back finds itself.
pub fn fold(text: &str) -> String {
    let text = text.trim();
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = step(text);
    // Folding can yield text that composes further; a second or third round reaches the fixed point.
    for _ in 0..4 {
        let again = step(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn step(text: &str) -> String {
    let compatible: String = text.nfkc().filter(|c| !is_ignorable(*c)).collect();
    let cased = UniCase::unicode(compatible.trim()).to_folded_case();
    cased.nfkc().collect()
}

/// Invisible characters that must not tell two names apart (Unicode `Default_Ignorable_Code_Point`, the common ones).
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lookalikes_that_mean_the_same_fold_together_and_others_do_not() {
        for same in ["Bjensen", "BJENSEN", "ｂｊｅｎｓｅｎ", "bjen\u{200B}sen", " bjensen ", "ᴮjensen"] {
            assert_eq!(fold(same), "bjensen", "{same:?}");
        }
        assert_eq!(fold("\u{212A}elvin"), "kelvin");
        assert_eq!(fold("ΑΣ"), fold("ας"));
        assert_ne!(fold("mıke@example.com"), fold("mike@example.com"));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC*") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
