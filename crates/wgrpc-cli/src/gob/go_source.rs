//! The types of a stream as Go source.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;

use wgrpc::gob::{Id, Marshaler, Ref, Shape, Type, Types};

/// How many slices, arrays and maps are written inside each other before one gets a name. It
/// bounds the text of types that a stream makes of each other, and ends recursive ones.
const NESTED: usize = 4;

/// Writes each type of a stream once.
#[derive(Debug, Default)]
pub(super) struct GoSource {
    declared: HashSet<Id>,
    /// The names given so far: what a stream calls its types need be neither unique nor a name.
    names: HashMap<Id, String>,
    taken: HashSet<String>,
}

impl GoSource {
    /// Declares what `types` has that was not declared yet.
    pub(super) fn declare_new(&mut self, types: &Types) -> String {
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

    /// What the type is called in Go. What it needs is declared in `out`, unless it was before.
    pub(super) fn expression(&mut self, ty: Type<'_>, out: &mut String) -> String {
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
        let mut inner = |inner: Ref| self.refer(ty.inner(inner), depth + 1, queue);
        match ty.shape() {
            Shape::Slice(elem) => format!("[]{}", inner(*elem)),
            Shape::Array(elem, len) => format!("[{len}]{}", inner(*elem)),
            Shape::Map(key, elem) => {
                let key = inner(*key);
                format!("map[{key}]{}", inner(*elem))
            }
            _ => ty.to_string(),
        }
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
        return name;
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
