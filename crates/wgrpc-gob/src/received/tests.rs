//! Definitions of types, one by one and in very large numbers.

use super::*;
use crate::types::put_definition;
use crate::types::{Field, Shape};
use crate::{Scan, Scanner};

fn field(name: &str, ty: i32) -> Field<Id> {
    Field {
        name: name.into(),
        key: None,
        ty: Id::new(ty),
    }
}

fn definition(id: i32, name: &str, shape: &Shape<Id>) -> Vec<u8> {
    let mut message = Vec::new();
    put_definition(&mut message, Id::new(id), name, shape);
    message
}

fn structure(id: i32, fields: impl IntoIterator<Item = i32>) -> Vec<u8> {
    let fields = fields.into_iter().enumerate();
    let fields = fields.map(|(place, ty)| field(&format!("F{place}"), ty));
    definition(id, "S", &Shape::Struct(fields.collect()))
}

fn scan(scanner: &mut Scanner, message: &[u8]) -> Result<()> {
    match scanner.scan(message)? {
        Scan::Partial { consumed, missing } => {
            assert_eq!((consumed, missing), (message.len(), 1));
            Ok(())
        }
        found => panic!("{found:?}"),
    }
}

fn types(messages: &[Vec<u8>]) -> Result<Scanner> {
    let mut scanner = Scanner::new(Limits::default());
    for message in messages {
        scan(&mut scanner, message)?;
    }
    Ok(scanner)
}

fn has_interface(scanner: &Scanner, id: i32) -> bool {
    scanner.types().complete(Id::new(id)).unwrap().has_interface
}

#[test]
fn a_type_can_contain_an_interface_if_one_can_be_reached() {
    let slice = |id, elem| definition(id, "", &Shape::Slice(Id::new(elem)));
    // 70 and 71 contain each other, and 71 an interface; 72 contains only itself and 73.
    let scanner = types(&[
        structure(70, [2, 71]),
        structure(71, [70, 8]),
        structure(72, [74, 73]),
        structure(73, [2, 3, 4]),
        slice(74, 72),
        definition(75, "", &Shape::Map(Id::STRING, Id::new(70))),
    ])
    .unwrap();
    assert!(!has_interface(&scanner, 72));
    assert!(has_interface(&scanner, 75));
    for (id, expected) in [(70, true), (71, true), (73, false), (74, false)] {
        assert_eq!(has_interface(&scanner, id), expected, "{id}");
    }
}

#[test]
fn what_is_known_of_some_types_helps_with_those_that_come_later() {
    let mut scanner = types(&[structure(70, [8]), structure(71, [2])]).unwrap();
    assert!(has_interface(&scanner, 70) && !has_interface(&scanner, 71));
    scan(&mut scanner, &structure(72, [71, 71])).unwrap();
    scan(&mut scanner, &structure(73, [71, 74, 70])).unwrap();
    scan(&mut scanner, &structure(74, [73])).unwrap();
    assert!(!has_interface(&scanner, 72));
    assert!(has_interface(&scanner, 74) && has_interface(&scanner, 73));
}

#[test]
fn a_type_is_complete_once_all_that_it_refers_to_is_defined() {
    let mut scanner = types(&[structure(70, [2, 71])]).unwrap();
    let error = scanner.types().complete(Id::new(70)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("type 71 is used but not defined"),
        "{error}"
    );
    scan(&mut scanner, &structure(71, [])).unwrap();
    assert!(!has_interface(&scanner, 70));
    for unknown in [0, -1, 9, 16, 23, 63, 72, i32::MAX] {
        assert!(scanner.types().complete(Id::new(unknown)).is_err());
    }
}

#[test]
fn fields_are_told_by_name_and_type() {
    let scanner = types(&[structure(70, [2, 6, 71]), structure(1 << 30, [])]).unwrap();
    let fields: Vec<(&str, i32)> = (scanner.types().fields(Id::new(70)).unwrap())
        .map(|(name, id)| (name, id.number()))
        .collect();
    assert_eq!(fields, [("F0", 2), ("F1", 6), ("F2", 71)]);
    assert_eq!(scanner.types().fields(Id::new(1 << 30)).unwrap().len(), 0);
    assert!(scanner.types().fields(Id::INT).is_none());
    assert!(scanner.types().fields(Id::new(71)).is_none());
    let ids: Vec<i32> = scanner.types().ids().map(Id::number).collect();
    assert_eq!(ids, [70, 1 << 30]);
}

#[test]
fn a_snapshot_knows_what_was_known_and_costs_nothing() {
    let mut scanner = types(&[structure(70, [2])]).unwrap();
    let snapshot = scanner.types().clone();
    scan(&mut scanner, &structure(71, [70])).unwrap();
    assert!(snapshot.complete(Id::new(70)).is_ok());
    assert!(std::sync::Arc::ptr_eq(&snapshot, scanner.types()));
}

#[test]
fn an_id_is_defined_once_and_reserved_ids_never() {
    for (definitions, text) in [
        (
            vec![structure(70, [2]), structure(70, [2])],
            "type 70 is defined twice",
        ),
        (vec![structure(63, [2])], "reserved type -63"),
        (vec![structure(70, [63])], "63 is not the id of a type"),
        (vec![structure(70, [0])], "0 is not the id of a type"),
    ] {
        let error = types(&definitions).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(!error.is_stream_usable());
    }
}

#[test]
fn types_and_their_definitions_are_bounded() {
    let limits = || Limits {
        types: 10,
        definitions: 200,
        ..Limits::default()
    };
    let mut scanner = Scanner::new(limits());
    for id in 70..80 {
        scan(&mut scanner, &structure(id, [2])).unwrap();
    }
    let error = scan(&mut scanner, &structure(80, [2])).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    assert!(error.to_string().contains("`types` of 10"), "{error}");

    // Types that are only mentioned count too.
    let error = scan(&mut Scanner::new(limits()), &structure(70, 70..90)).unwrap_err();
    assert!(error.to_string().contains("`types` of 10"), "{error}");

    let mut scanner = Scanner::new(limits());
    scan(&mut scanner, &structure(70, [2; 20])).unwrap();
    let error = scan(&mut scanner, &structure(71, [2; 20])).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    assert!(
        error.to_string().contains("`definitions` of 200"),
        "{error}"
    );
}

#[test]
fn far_ids_do_not_meet_near_ones() {
    let ids = [64, 575, 576, 100_000, 1 << 24, i32::MAX, 65];
    let scanner = types(&ids.map(|id| structure(id, [2]))).unwrap();
    assert!(scanner.types().ids().map(Id::number).eq(ids));
    for id in ids {
        assert_eq!(
            scanner
                .types()
                .schema(Id::new(id))
                .unwrap()
                .root()
                .unwrap()
                .id()
                .number(),
            id
        );
    }
}
