//! Types in Go's notation, on one line: `Args{A int, B int}`.
//!
//! Types can lead to each other in so many ways that writing whatever is on the way would take for
//! ever, and a peer may have defined them. So a struct with a name is written out once, and the
//! text has an end.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use super::{Ref, Schema, Type};
use crate::types::Shape;

/// The length of a text in bytes, the ellipsis apart, that ends what is longer.
const LEN_MAX: usize = 8 << 10;
/// How deep types nest in a text.
const DEPTH_MAX: usize = 64;

/// A type in words: each with the type that follows it. A struct is what it is called.
pub(super) fn words(ty: Type<'_>) -> [(Cow<'_, str>, Option<Type<'_>>); 2] {
    let word = |word| [(Cow::Borrowed(word), None), (Cow::Borrowed(""), None)];
    let named = |or| if ty.name().is_empty() { or } else { ty.name() };
    match ty.shape() {
        Shape::Bool => word("bool"),
        Shape::Int => word("int"),
        Shape::Uint => word("uint"),
        Shape::Float => word("float64"),
        Shape::Complex => word("complex128"),
        Shape::Bytes => word("[]byte"),
        Shape::String => word("string"),
        Shape::Interface(_) => word("any"),
        Shape::Opaque(_) => word(named("opaque")),
        Shape::Struct(_) => word(named("struct")),
        Shape::Slice(elem) => [("[]".into(), Some(ty.inner(*elem))), ("".into(), None)],
        Shape::Array(elem, len) => [
            (format!("[{len}]").into(), Some(ty.inner(*elem))),
            ("".into(), None),
        ],
        Shape::Map(key, elem) => [
            ("map[".into(), Some(ty.inner(*key))),
            ("]".into(), Some(ty.inner(*elem))),
        ],
    }
}

/// The text of a type, as far as it is written.
#[derive(Default)]
struct Notation {
    text: String,
    is_full: bool,
    /// The types around the place.
    open: Vec<Ref>,
    /// The structs with a name that have been written out.
    written: HashSet<Ref>,
}

impl Notation {
    fn put(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        self.is_full = self.text.len() + text.len() > LEN_MAX;
        self.text.push_str(if self.is_full { "…" } else { text });
    }

    /// Writes a type. One that is open already is only named.
    fn put_type(&mut self, ty: Type<'_>) {
        if self.is_full {
            return;
        }
        if self.open.len() == DEPTH_MAX || self.open.contains(&ty.index) {
            let name = ty.name();
            return self.put(if name.is_empty() { "…" } else { name });
        }
        self.open.push(ty.index);
        for (word, inner) in words(ty) {
            self.put(&word);
            if let Some(inner) = inner {
                self.put_type(inner);
            }
        }
        if let Shape::Struct(fields) = ty.shape()
            && (ty.name().is_empty() || self.written.insert(ty.index))
        {
            self.put("{");
            for (i, field) in fields.iter().enumerate() {
                if self.is_full {
                    break;
                }
                self.put(if i == 0 { "" } else { ", " });
                self.put(&field.name);
                self.put(" ");
                self.put_type(ty.inner(field.ty));
            }
            self.put("}");
        }
        self.open.pop();
    }
}

/// The type in Go's notation: `Args{A int, B int}`. A struct that occurs again is only named, and
/// an ellipsis ends what becomes too long.
impl fmt::Display for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut notation = Notation::default();
        notation.put_type(*self);
        f.write_str(&notation.text)
    }
}

/// The type in Go's notation, as its [`Type`] is shown.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.root() {
            Some(root) => root.fmt(f),
            None => f.write_str(if self.is_inferred() { "any" } else { "invalid" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{Builder, Gob, Id};

    fn schema(builder: Builder, root: Ref) -> Schema {
        let nodes = builder.nodes(root).unwrap();
        let ids = (0..nodes.len()).map(|place| Id::new(100 + place as i32));
        Schema::numbered(nodes.clone(), ids.collect())
    }

    /// The text of types of which each leads to the next in two ways.
    fn ladder(levels: usize, rung: impl Fn(&mut Builder, usize, Ref) -> Ref) -> String {
        let mut builder = Builder::new();
        let mut ty = builder.int();
        for level in 0..levels {
            ty = rung(&mut builder, level, ty);
        }
        let schema = schema(builder, ty);
        let start = Instant::now();
        let text = schema.to_string();
        // It takes microseconds; what it must not take is for ever.
        assert!(start.elapsed() < Duration::from_millis(500), "{text}");
        assert!(text.len() <= LEN_MAX + "…".len(), "{}", text.len());
        text
    }

    #[test]
    fn types_that_are_reached_in_many_ways_are_written_once() {
        let text = ladder(60, |types, level, ty| {
            types.structure(&format!("T{level}"), [("A", "a", ty), ("B", "b", ty)])
        });
        assert!(text.starts_with("T59{A T58{A T57{"), "{text}");
        assert!(text.contains("{A T0{A int, B int}, B T0}"), "{text}");
        assert_eq!(text.matches('{').count(), 60);
        assert!(text.ends_with(", B T57}, B T58}"), "{text}");
    }

    #[test]
    fn types_without_names_that_are_reached_in_many_ways_are_written_in_part() {
        let text = ladder(60, |types, _, ty| {
            types.structure("", [("A", "a", ty), ("B", "b", ty)])
        });
        assert!(text.starts_with("struct{A struct{A struct{"), "{text}");
        assert!(text.ends_with('…'), "{text}");
        let text = ladder(60, |types, _, ty| types.map(ty, ty));
        assert!(text.starts_with("map[map[map["), "{text}");
        assert!(text.ends_with('…'), "{text}");
    }

    #[test]
    fn types_that_nest_deeply_are_only_named_from_some_depth_on() {
        let text = ladder(200, |types, level, ty| {
            types.structure(&format!("T{level}"), [("A", "a", ty), ("B", "b", ty)])
        });
        assert!(text.contains("T136{A T135, B T135}"), "{text}");
    }

    #[test]
    fn a_long_name_is_not_written() {
        let mut builder = Builder::new();
        let int = builder.int();
        let root = builder.structure(&"n".repeat(LEN_MAX), [("A", "a", int)]);
        let text = schema(builder, root).to_string();
        assert!(text.ends_with("n…"), "{}", text.len());
    }

    #[test]
    fn types_that_contain_themselves_have_an_end() {
        struct List;
        impl Gob for List {
            fn describe(types: &mut Builder) -> Ref {
                let elem = types.of::<Self>();
                types.slice(elem)
            }
        }
        assert_eq!(Schema::of::<List>().to_string(), "[]…");
    }
}
