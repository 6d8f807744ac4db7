//! Segments, written and read back.

use proptest::prelude::*;

use super::*;

fn subjects() -> impl Strategy<Value = AskedSubject> {
    (0_u8..4, 0_u8..5).prop_map(|(kind, id)| {
        let id = ResourceId::from_bytes(&[id; 16]).unwrap();
        match kind {
            0 => AskedSubject::Unknown,
            1 => AskedSubject::User(id),
            2 => AskedSubject::Service(id),
            _ => AskedSubject::Ambiguous,
        }
    })
}

fn records() -> impl Strategy<Value = DecisionRecord> {
    let names = ["deploy:run", "build:view", "", "ä\u{1f600}"];
    let name = move || proptest::sample::select(names.to_vec()).prop_map(str::to_owned);
    let credential = proptest::option::of((0_u8..3).prop_map(|id| CredentialId::from_bytes(&[id; 16]).unwrap()));
    let numbers = (any::<i64>(), any::<i64>(), any::<bool>());
    (numbers, credential, subjects(), name(), name(), ".{0,40}", name()).prop_map(
        |((at, revision, allowed), credential, subject, permission, resource_type, resource, facts)| DecisionRecord {
            at: Moment::from_micros(at),
            revision: Revision::new(revision),
            credential,
            subject,
            permission,
            resource_type,
            resource,
            facts,
            allowed,
        },
    )
}

proptest! {
    #[test]
    fn what_is_put_on_record_is_read_back(records in proptest::collection::vec(records(), 0..40)) {
        let mut writer = SegmentWriter::default();
        for (place, record) in records.iter().enumerate() {
            prop_assert_eq!(usize::try_from(writer.push(record)).unwrap(), place);
        }
        prop_assert_eq!(usize::try_from(writer.count()).unwrap(), records.len());
        let bytes = writer.into_bytes();
        prop_assert_eq!(read(&bytes).unwrap(), records);
    }

    #[test]
    fn no_bytes_make_the_reader_fail_otherwise_than_it_says(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let with_form: Vec<u8> = std::iter::once(FORM).chain(bytes).collect();
        let _ = read(&with_form);
    }
}

#[test]
fn a_usual_decision_takes_about_a_dozen_bytes() {
    let mut writer = SegmentWriter::default();
    let record = |at: i64| DecisionRecord {
        at: Moment::from_micros(1_795_000_000_000_000 + at * 37),
        revision: Revision::new(90_000),
        credential: Some(CredentialId::from_bytes(&[1; 16]).unwrap()),
        subject: AskedSubject::User(ResourceId::from_bytes(&[u8::try_from(at % 200).unwrap(); 16]).unwrap()),
        permission: "deploy:run".to_owned(),
        resource_type: "environment".to_owned(),
        resource: format!("/project-{}/production", at % 50),
        facts: String::new(),
        allowed: at % 3 == 0,
    };
    for at in 0..10_000 {
        writer.push(&record(at));
    }
    assert!(writer.len() < 10_000 * 12, "{}", writer.len());
}

#[test]
fn a_decision_is_found_by_its_id() {
    let id = DecisionId { segment: ResourceId::from_bytes(&[7; 16]).unwrap(), place: 12 };
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in [
        "",
        "x",
        "07070707-0707-0707-0707-070707070707",
        "07070707-0707-0707-0707-070707070707.-1",
        "07070707-0707-0707-0707-070707070707.012",
    ] {
        assert!(text.parse::<DecisionId>().is_err(), "{text}");
    }
}
