//! Names that mean the same are the same, to the product and to both databases: one function says so, and what it says is
//! what the unique index keeps and what a filter finds.
//!
//! 3,000 names on each database, 100,000 with `MUSTER_TEST_LONG`; of all 100,000 it is held each time that folding twice
//! changes nothing. `MUSTER_TEST_SEED` repeats the names.

use std::collections::BTreeMap;

use muster::model::fold;
use serde_json::json;
use unicode_normalization::UnicodeNormalization;

use crate::support::{BULK, Dice, Server, is_long};

const ALL: usize = 100_000;
/// Names in one request.
const AT_ONCE: usize = 500;

/// What names are made of: letters with variants, and those of which it is known that programs disagree on them.
const STEMS: [&str; 20] = [
    "kelvin",
    "mike",
    "mıke",
    "strasse",
    "straße",
    "STRAẞE",
    "ΑΣ",
    "ὈΔΥΣΣΕΎΣ",
    "istanbul",
    "İSTANBUL",
    "finesse",
    "Å",
    "ᾳ",
    "Ꭰꭰ",
    "Ა",
    "각",
    "ǆ",
    "ﷺ",
    "ΐ",
    "admin",
];

/// Characters that are not seen, or nearly so.
const UNSEEN: [char; 9] =
    ['\u{200b}', '\u{200d}', '\u{00ad}', '\u{feff}', '\u{202e}', '\u{2066}', '\u{fe0f}', '\u{034f}', '\u{180e}'];

/// Another spelling of some of the letters.
fn respelt(letter: char, dice: &mut Dice) -> String {
    let wide = |letter: char| char::from_u32(u32::from(letter) + 0xfee0).unwrap();
    match (dice.below(12), letter) {
        (0, _) => letter.to_uppercase().collect(),
        (1, _) => letter.to_lowercase().collect(),
        (2, '!'..='~') => wide(letter).to_string(),
        (3, 'k' | 'K') => "\u{212a}".to_owned(),
        (3, 's' | 'S') => "\u{17f}".to_owned(),
        (3, 'Å' | 'å') => "\u{212b}".to_owned(),
        (3, 'i') => "ⁱ".to_owned(),
        (4, _) => format!("{letter}{}", UNSEEN[dice.below(UNSEEN.len())]),
        (5, _) => letter.nfd().collect(),
        (6, _) => letter.nfkd().collect(),
        _ => letter.to_string(),
    }
}

/// A name: one of the stems respelt, with marks in whatever order, or any characters at all.
fn name(dice: &mut Dice) -> String {
    if dice.once_in(4) {
        let any = |dice: &mut Dice| loop {
            let planes = [0x250, 0x2000, 0x1_0000, 0x11_0000];
            let bound = planes[dice.below(planes.len())];
            let found = u32::try_from(dice.below(bound)).ok().and_then(char::from_u32);
            if let Some(letter) = found.filter(|letter| !letter.is_control()) {
                break letter;
            }
        };
        return (0..=dice.below(6)).map(|_| any(dice)).collect();
    }
    let stem = STEMS[dice.below(STEMS.len())];
    let mut text: String = stem.chars().map(|letter| respelt(letter, dice)).collect();
    if dice.once_in(3) {
        let mut marks = ['\u{301}', '\u{323}', '\u{345}'];
        if dice.once_in(2) {
            marks.reverse();
        }
        text.extend(marks);
    }
    if dice.once_in(2) {
        text.push_str(&dice.below(40).to_string());
    }
    match dice.below(4) {
        0 => format!(" {text}\u{3000}"),
        1 => text.nfc().collect(),
        _ => text,
    }
}

#[test]
fn folding_twice_changes_nothing_and_what_is_spelt_otherwise_is_the_same() {
    let mut dice = Dice::new();
    for _ in 0..ALL {
        let name = name(&mut dice);
        let folded = fold(&name);
        assert_eq!(fold(&folded), folded, "{name:?}");
        for other in [name.nfd().collect::<String>(), name.nfkc().collect(), format!("\u{200b}{name}\t")] {
            assert_eq!(fold(&other), folded, "{name:?} and {other:?}");
        }
    }
}

on_both_databases! {
    fn a_name_is_taken_exactly_when_one_that_folds_to_the_same_is(database: &Database) {
        let mut dice = Dice::new();
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let names: Vec<String> = (0..if is_long() { ALL } else { 3_000 }).map(|_| name(&mut dice)).collect();
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        let (mut taken, mut empty) = (0, 0);
        for chunk in names.chunks(AT_ONCE) {
            let operations: Vec<_> = chunk.iter().enumerate().map(|(number, name)| {
                json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": { "userName": name } })
            }).collect();
            let answer = client.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).expect(200).json();
            for (name, result) in chunk.iter().zip(answer["Operations"].as_array().unwrap()) {
                let folded = fold(name);
                // A name of nothing that is seen is none.
                let expected = match () {
                    () if folded.is_empty() => "400",
                    () if known.contains_key(&folded) => "409",
                    () => "201",
                };
                assert_eq!(result["status"], expected, "{name:?}, folded {folded:?}: {result}");
                match expected {
                    "400" => empty += 1,
                    "409" => taken += 1,
                    _ => {
                        let id = result["location"].as_str().unwrap().rsplit('/').next().unwrap();
                        known.insert(folded, id.to_owned());
                    }
                }
            }
        }
        assert!(taken > names.len() / 10 && known.len() > names.len() / 10, "{taken} were taken, {empty} were empty");
        // Whoever has it is found by every spelling of it, alone.
        for _ in 0..names.len() / 20 {
            let name = &names[dice.below(names.len())];
            if let Some(id) = known.get(&fold(name)) {
                let found = client.filter("/Users", &format!("userName eq {}", json!(name))).expect(200).json();
                assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&json!(1), &json!(id)), "{name:?}");
            }
        }
    }
}
