//! Notes what a refused request of administration named, so that it can be put on record whose it is. SCIM's refusals say
//! themselves which ids they are for.

use crate::live::Live;
use crate::model::ResourceId;

use super::path;
use super::record::Record;

/// Notes the ids in the path and the body of a request that was answered 400 or 404; of any other, nothing.
pub fn note(live: &Live, path: &str, record: &Record, status: u16) {
    let Some(caller) = record.caller().filter(|_| matches!(status, 400 | 404)) else { return };
    let segments = path::segments(path).unwrap_or_default();
    let in_path = segments.iter().flat_map(|segment| ids(segment.as_bytes()));
    live.note_unknown(caller, in_path.chain(ids(record.body())));
}

/// The ids in a text, written as this server writes them.
fn ids(text: &[u8]) -> impl Iterator<Item = ResourceId> {
    const LENGTH: usize = 36;
    let words = text.split(|byte| !byte.is_ascii_hexdigit() && *byte != b'-').filter(|word| word.len() == LENGTH);
    words.filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_wherever_they_stand() {
        let id = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";
        for text in [
            id.to_owned(),
            format!("/Users/{id}"),
            format!("{{\"members\":[{{\"value\":\"{id}\"}}]}}"),
            format!("members[value eq \"{id}\"]"),
            format!("x {id}, {id}0"),
        ] {
            let found: Vec<String> = ids(text.as_bytes()).map(|id| id.to_string()).collect();
            assert_eq!(found, [id], "{text}");
        }
        assert_eq!(ids(b"0192f0c1-2b3c-7d4e-8f5a").count() + ids(&[0xff; 36]).count() + ids(b"").count(), 0);
    }
}
