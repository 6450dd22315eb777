//! Types as Go source.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;

use super::Type;
use super::notation::words;
use crate::received::Types;
use crate::types::{Id, Marshaler, Shape};

/// How many slices, arrays and maps are written inside each other before one gets a name. It
/// bounds the text of types that a stream makes of each other, and ends recursive ones.
const NESTED: usize = 4;

/// How much of a type's name its name in the source has, in characters.
const NAME_MAX: usize = 100;

/// Types as the declarations that a Go program would have: each type once, however often it
/// occurs.
///
/// A stream does not tell widths, pointers and the types of packages, so what is an `int32`, a
/// `*Point` or a `net.IP` at the sender's becomes an `int`, a `Point` and `[]byte`. What a stream
/// calls its types need be neither unique nor a name, so some are renamed.
///
/// ```
/// use wgrpc_gob::{GoSource, Schema};
///
/// let mut declarations = String::new();
/// let list = Schema::of::<Vec<(i8, f32)>>().root().unwrap();
/// let name = GoSource::default().expression(list, &mut declarations);
/// assert_eq!(name, "[]Struct");
/// assert_eq!(declarations, "type Struct struct {\n\tF0 int\n\tF1 float64\n}\n\n");
/// ```
#[derive(Debug, Default)]
pub struct GoSource {
    declared: HashSet<Id>,
    /// The names given so far.
    names: HashMap<Id, String>,
    taken: HashSet<String>,
}

impl GoSource {
    /// The declarations of the types of a stream that were not declared yet, each with an empty
    /// line after it.
    pub fn declare_new(&mut self, types: &Types) -> String {
        let mut out = String::new();
        for id in types.ids() {
            if self.declared.contains(&id) {
                continue;
            }
            // A type that is not complete yet is declared once it is.
            let Ok(schema) = types.schema(id) else {
                continue;
            };
            if let Some(ty) = schema.root().filter(|ty| has_name(*ty)) {
                self.declare_all(VecDeque::from([ty]), &mut out);
            }
        }
        out
    }

    /// What the type is called in Go. The types that it needs are declared at the end of `out`,
    /// unless they were before.
    pub fn expression(&mut self, ty: Type<'_>, out: &mut String) -> String {
        let mut queue = VecDeque::new();
        let text = self.refer(ty, 0, &mut queue);
        self.declare_all(queue, out);
        text
    }

    /// Declares the types in `queue` and those that they need.
    fn declare_all<'a>(&mut self, mut queue: VecDeque<Type<'a>>, out: &mut String) {
        while let Some(ty) = queue.pop_front() {
            if self.declared.insert(ty.id()) {
                let name = self.name(ty);
                let is = self.definition(ty, &mut queue);
                // Writing to a string does not fail.
                let _ = match ty.shape() {
                    Shape::Opaque(marshaler) => {
                        let method = method_of(*marshaler);
                        write!(
                            out,
                            "type {name} struct{{}} // marshals itself: {method}\n\n"
                        )
                    }
                    _ => write!(out, "type {name} {is}\n\n"),
                };
            }
        }
    }

    /// What stands behind the type's name in its declaration.
    fn definition<'a>(&mut self, ty: Type<'a>, queue: &mut VecDeque<Type<'a>>) -> String {
        let Shape::Struct(fields) = ty.shape() else {
            return self.composite(ty, 0, queue);
        };
        if fields.is_empty() {
            return "struct{}".to_owned();
        }
        // As gofmt aligns them.
        let width = fields
            .iter()
            .map(|field| field.name.chars().count())
            .max()
            .unwrap_or(0);
        let mut out = "struct {\n".to_owned();
        for field in fields {
            let is = self.refer(ty.inner(field.ty), 0, queue);
            let _ = writeln!(out, "\t{:width$} {is}", field.name);
        }
        out.push('}');
        out
    }

    /// The type by its name, or by what it is if it has none and nests no deeper than it may.
    fn refer<'a>(&mut self, ty: Type<'a>, depth: usize, queue: &mut VecDeque<Type<'a>>) -> String {
        let is_deep = depth == NESTED && is_composite(ty);
        if !is_deep && !has_name(ty) {
            return self.composite(ty, depth, queue);
        }
        queue.push_back(ty);
        self.name(ty)
    }

    fn composite<'a>(
        &mut self,
        ty: Type<'a>,
        depth: usize,
        queue: &mut VecDeque<Type<'a>>,
    ) -> String {
        let mut out = String::new();
        for (word, inner) in words(ty) {
            out.push_str(&word);
            if let Some(inner) = inner {
                out.push_str(&self.refer(inner, depth + 1, queue));
            }
        }
        out
    }

    fn name(&mut self, ty: Type<'_>) -> String {
        if let Some(known) = self.names.get(&ty.id()) {
            return known.clone();
        }
        let wanted = identifier(ty);
        let mut name = wanted.clone();
        let mut number = 1;
        while !self.taken.insert(name.clone()) {
            number += 1;
            name = format!("{wanted}_{number}");
        }
        self.names.insert(ty.id(), name.clone());
        name
    }
}

/// Whether the type is referred to by its name.
fn has_name(ty: Type<'_>) -> bool {
    match ty.shape() {
        Shape::Struct(_) | Shape::Opaque(_) => true,
        _ => is_composite(ty) && !ty.name().is_empty() && identifier(ty) == ty.name(),
    }
}

fn is_composite(ty: Type<'_>) -> bool {
    matches!(
        ty.shape(),
        Shape::Slice(_) | Shape::Array(..) | Shape::Map(..)
    )
}

/// A name for the type, made of what the stream calls it: `Pair_string_Point` of
/// `Pair[string,example.com/shapes.Point]`.
fn identifier(ty: Type<'_>) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words = (ty.name().split(|c| !is_word(c) && !"./-".contains(c)))
        .filter_map(|word| word.rsplit(['.', '/', '-']).next())
        .filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_");
    let is_usable = name
        .chars()
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_');
    if is_usable && !ty.name().starts_with("struct {") {
        return name.chars().take(NAME_MAX).collect();
    }
    match ty.shape() {
        Shape::Struct(_) => "Struct",
        Shape::Opaque(_) => "Opaque",
        Shape::Map(..) => "Map",
        _ => "List",
    }
    .to_owned()
}

fn method_of(marshaler: Marshaler) -> &'static str {
    match marshaler {
        Marshaler::Gob => "GobEncode",
        Marshaler::Binary => "MarshalBinary",
        Marshaler::Text => "MarshalText",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Gob, Ref, Schema};

    /// The declarations of a type and of what it needs.
    fn declared(schema: &Schema) -> String {
        let mut out = String::new();
        GoSource::default().expression(schema.root().unwrap(), &mut out);
        out
    }

    struct Node;
    impl Gob for Node {
        fn describe(types: &mut Builder) -> Ref {
            let (name, children) = (types.of::<String>(), types.of::<Vec<Option<Box<Self>>>>());
            let when = types.opaque("Time", Marshaler::Gob);
            let pair = types.of::<i64>();
            let pair = types.structure("Pair[int,main.X]", [("First", "first", pair)]);
            let fields = [
                ("Name", "", name),
                ("Children", "", children),
                ("T", "", when),
            ];
            types.structure("Node", fields.into_iter().chain([("P", "", pair)]))
        }
    }

    #[test]
    fn types_are_declared_as_gofmt_would_have_them() {
        let source = "\
type Node struct {
\tName     string
\tChildren []Node
\tT        Time
\tP        Pair_int_X
}

type Time struct{} // marshals itself: GobEncode

type Pair_int_X struct {
\tFirst int
}

";
        assert_eq!(declared(Schema::of::<Node>()), source);
    }

    #[test]
    fn types_that_are_reached_in_many_ways_are_declared_once() {
        let mut builder = Builder::new();
        let mut ty = builder.int();
        for level in 0..60 {
            // Half of them have names; what has none gets one.
            let name = if level % 2 == 0 { "T" } else { "" };
            let list = builder.map(ty, ty);
            ty = builder.structure(name, [("A", "a", ty), ("B", "b", list)]);
        }
        let nodes = builder.nodes(ty).unwrap();
        let ids = (0..nodes.len()).map(|place| Id::new(100 + place as i32));
        let text = declared(&Schema::numbered(nodes.clone(), ids.collect()));
        assert_eq!(text.matches("type ").count(), 60);
        assert!(text.len() < 8 << 10, "{}", text.len());
    }

    #[test]
    fn a_long_name_is_cut() {
        struct Long;
        impl Gob for Long {
            fn describe(types: &mut Builder) -> Ref {
                types.structure(&"é".repeat(5000), [])
            }
        }
        let name = "é".repeat(NAME_MAX);
        let text = declared(Schema::of::<Long>());
        assert_eq!(text, format!("type {name} struct{{}}\n\n"));
    }
}
